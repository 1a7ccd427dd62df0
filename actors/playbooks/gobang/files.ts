/**
 * The files of Gobang as the society writes them: the final ones stand in `files/`, and the first versions are those with
 * something wrong in them. What it does not do: write them.
 *
 * 1. A first version differs from the final one in what is named here, and in nothing else.
 */
import { readFileSync } from 'node:fs';
import { INTRODUCTION, IN_THE_BROWSER, IN_THE_TERMINAL, RULES, WHAT_IS_WHERE } from './readme.ts';

const read = (path: string): string => readFileSync(new URL(`files/${path}`, import.meta.url), 'utf8');

/** `text` with `there`, which it has once, replaced. @throws Error when it has not */
const changed = (text: string, there: string, other: string): string => {
  const [before, after, ...more] = text.split(there);
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`not there once: ${there}`);
  return before + other + after;
};

/** `text` without what stands from `begin` up to `end`. @throws Error when they are not there */
const without = (text: string, begin: string, end: string): string => {
  const from = text.indexOf(begin);
  const until = text.indexOf(end, from);
  if (from === -1 || until === -1) throw new Error(`not there: ${begin} … ${end}`);
  return text.slice(0, from) + text.slice(until);
};

/** The mistake in the first rules: a rising diagonal is looked for along the falling one. */
export const MISTAKE = {
  wrong: '    [-1, -1], // rising diagonal\n',
  right: '    [-1, 1], // rising diagonal\n',
} as const;

export interface GameFiles {
  readonly rules: { readonly first: string; readonly path: string };
  /** Path and text. */
  readonly opponent: readonly [path: string, text: string];
  readonly tests: readonly (readonly [path: string, text: string])[];
  readonly terminal: readonly [path: string, text: string];
  /** First and final text. */
  readonly page: readonly { readonly path: string; readonly first: string; readonly final: string }[];
}

const WITHOUT_VOICE = '<p id="status">';
const WITH_VOICE = '<p id="status" role="status" aria-live="polite">';

export const loadGameFiles = (): GameFiles => {
  const html = read('index.html');
  const script = read('page.js');
  const silent = without(changed(html, WITH_VOICE, WITHOUT_VOICE), '      <p id="keys">', '      <noscript>');
  const mouseOnly = without(script, '  // Keyboard:', '  undoButton.addEventListener');
  const style = read('style.css');
  return {
    rules: { path: 'rules.js', first: changed(read('rules.js'), MISTAKE.right, MISTAKE.wrong) },
    opponent: ['ai.js', read('ai.js')],
    tests: ['tests/rules.test.mjs', 'tests/ai.test.mjs', 'tests/all.mjs'].map((path) => [path, read(path)] as const),
    terminal: ['gobang.mjs', read('gobang.mjs')],
    page: [
      { path: 'index.html', first: silent, final: html },
      { path: 'page.js', first: mouseOnly, final: script },
      { path: 'style.css', first: style, final: style },
    ],
  };
};

export const README = 'README.md';

/** What the Boss writes; the others add their sections to it. */
export const readmeBase = [INTRODUCTION, RULES, WHAT_IS_WHERE].join('\n');
export const readmeOfTerminal = [INTRODUCTION, RULES, IN_THE_TERMINAL, WHAT_IS_WHERE].join('\n');
export const readmeOfPage = [INTRODUCTION, RULES, WHAT_IS_WHERE, IN_THE_BROWSER].join('\n');
