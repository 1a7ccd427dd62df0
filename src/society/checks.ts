/**
 * The cheap checks of what an agent hands in (`--review auto`): are the files there that its plan, its task and its evidence
 * name, are they not empty, is nothing put down in the place of work, do programs parse, did programs end as it says. Pure:
 * what is known of the files is given. What it does not do: look at files (`look.ts`) or decide what follows.
 *
 * Invariant X3: paths, findings and their texts are bounded. A check that could not be made is named, and fails nobody.
 */
import type { ChecklistItem } from './checklist.ts';
import { claimsOf, pathsIn, renderOthers, type Trail } from './evidence.ts';
import { oneLine } from './mail.ts';
import { placeholdersIn } from './placeholders.ts';

export const FINDING_KINDS = ['missing-file', 'empty-file', 'placeholder', 'program', 'evidence'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  readonly path: string;
  readonly what: string;
}

/** What came of all checks of one hand-in. */
export interface CheckResult {
  readonly findings: readonly Finding[];
  /** What was looked at, in words. */
  readonly passed: readonly string[];
  /** What was not, and why. */
  readonly leftOut: readonly string[];
}

/** A file as it is at the hand-in; `text` is null where it is no text, was not asked for, or is not its own. */
export interface CheckedFile {
  readonly path: string;
  readonly bytes: number;
  readonly text: string | null;
}

/** What became of looking at a program: `problem` null means that it parses. */
export type SyntaxResult =
  { readonly ok: true; readonly problem: string | null } | { readonly ok: false; readonly why: string };

export interface CheckInput {
  /** Paths that have to be there, and who says so: `plan`, `task`, `evidence`. */
  readonly named: ReadonlyMap<string, string>;
  /** Files that are there, by path. */
  readonly files: ReadonlyMap<string, CheckedFile>;
  readonly checklist: readonly ChecklistItem[];
  readonly agent: string;
  readonly trail: Trail;
  /** By path; only of programs. */
  readonly syntax: ReadonlyMap<string, SyntaxResult>;
  readonly leftOut: readonly string[];
}

/** What the checks of a run came to. */
export interface CheckCounts {
  readonly handIns: number;
  readonly passed: number;
  /** Without a model having been asked. */
  readonly sentBack: number;
  readonly findings: Readonly<Partial<Record<FindingKind, number>>>;
  /** The first finding. */
  readonly example: { readonly agent: string; readonly what: string } | null;
}

export const noChecks = (): CheckCounts => ({ handIns: 0, passed: 0, sentBack: 0, findings: {}, example: null });

export const FINDINGS_MAX = 20;
const WHAT_CHARS_MAX = 300;
/** Paths that are taken from a task. */
const TASK_PATHS_MAX = 5;

/** Files that are empty because they have to be. */
const MAY_BE_EMPTY = /(?:^|\/)(?:__init__\.py|py\.typed|\.gitkeep|\.keep|\.nojekyll)$/u;

const MAKING =
  /\b(?:write|create|produce|save|store|put|draft|deliver|build|generate|implement|record)\b((?:\s+\S+){0,8})/giu;
/** What follows one of these is read, or is an example. */
const READING = /^(?:from|using|based|read|reads|reading|see|like|as|e\.g\.|not|without|than|after|before|with)$/iu;

/** The files that a text orders somebody to make: the first one named soon after a word for making, in the same clause. */
export const pathsToMake = (text: string): readonly string[] => {
  const found = new Set<string>();
  for (const clause of text.split(/[;,\n]|[.!?]\s|\s(?:and|then|or)\s/u)) {
    if (/\b(?:not|never|don't|without)\b/iu.test(clause)) continue;
    for (const [, after = ''] of clause.matchAll(MAKING)) {
      const words = after.trim().split(/\s+/u);
      const reading = words.findIndex((word) => READING.test(word));
      const [path] = pathsIn((reading === -1 ? words : words.slice(0, reading)).join(' '));
      if (path !== undefined) found.add(path);
      if (found.size >= TASK_PATHS_MAX) return [...found];
    }
  }
  return [...found];
};

/** Evidence that says a program ended well, when what is known of it says something else. */
const falseClaims = (agent: string, items: readonly ChecklistItem[], trail: Trail): Finding[] =>
  claimsOf(items, trail).flatMap(({ item, path, own, others, contradicted }): Finding[] => {
    if (!contradicted) return [];
    const ran = others.length === 0 ? '' : ` (${renderOthers(others).join(', ')})`;
    const ended =
      own === null
        ? `${agent} never ran it${ran}`
        : `its last run ${own.exitCode === null ? 'did not end by itself' : `ended with exit code ${own.exitCode}`}`;
    return [{ kind: 'evidence', path, what: `item ${oneLine(item, 64)} says that it succeeds, but ${ended}` }];
  });

const checkFile = (file: CheckedFile, syntax: SyntaxResult | undefined): Finding[] => {
  const { path, bytes, text } = file;
  if (bytes === 0) return MAY_BE_EMPTY.test(path) ? [] : [{ kind: 'empty-file', path, what: 'it is empty' }];
  if (text === null) return [];
  if (text.trim() === '') return [{ kind: 'empty-file', path, what: 'it holds nothing but space' }];
  const findings: Finding[] = placeholdersIn(path, text).map((what) => ({ kind: 'placeholder', path, what }));
  if (syntax?.ok === true && syntax.problem !== null) {
    findings.push({ kind: 'program', path, what: `it cannot be run: ${oneLine(syntax.problem, WHAT_CHARS_MAX)}` });
  }
  return findings;
};

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

/** All checks, over what was found out. */
export const check = ({ named, files, checklist, agent, trail, syntax, leftOut }: CheckInput): CheckResult => {
  const missing = [...named].flatMap(([path, by]): Finding[] =>
    files.has(path)
      ? []
      : [
          {
            kind: by === 'evidence' ? 'evidence' : 'missing-file',
            path,
            what: `it is not there, though your ${by} names it`,
          },
        ],
  );
  const findings = [
    ...missing,
    ...[...files.values()].flatMap((file) => checkFile(file, syntax.get(file.path))),
    ...falseClaims(agent, checklist, trail),
  ];
  const read = [...files.values()].filter(({ text }) => text !== null).length;
  const parsed = [...syntax.values()].filter((result) => result.ok && result.problem === null).length;
  const unparsed = new Set([...syntax.values()].flatMap((result) => (result.ok ? [] : [result.why])));
  return {
    findings: findings.slice(0, FINDINGS_MAX),
    passed: [
      ...(files.size === 0 ? [] : [`${count(files.size, 'file')} there`]),
      ...(read === 0 ? [] : [`${count(read, 'text')} read for placeholders`]),
      ...(parsed === 0 ? [] : [`${count(parsed, 'program')} parsed`]),
    ],
    leftOut: [...leftOut, ...[...unparsed].map((why) => `programs were not tried: ${why}`)],
  };
};

const lineOf = ({ path, what }: Finding): string => `- ${path}: ${what}`;

/** As a reviewer reads it. */
export const renderChecks = ({ findings, passed, leftOut }: CheckResult): readonly string[] => [
  ...(findings.length === 0
    ? [`checks: ${passed.length === 0 ? 'nothing to look at' : passed.join(', ')}; nothing was found`]
    : ['CHECKS THAT FAILED:', ...findings.map(lineOf)]),
  ...(leftOut.length === 0 ? [] : [`not checked: ${leftOut.join('; ')}`]),
];

/** What the agent itself is told when its work goes back without anybody having read it. */
export const sentBackText = ({ findings }: CheckResult): string =>
  [
    'Your work was checked before anybody reviews it, and comes back to you:',
    ...findings.map(lineOf),
    'Put this right, bring your checklist up to date, and call terminate again.',
  ].join('\n');
