/** What the documentation shows works: every program, command and configuration of README.md and docs/*.md is run. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSource, ROOT } from '../style/tree.ts';
import { blocksOf } from './markdown.ts';
import { Snippets } from './snippets.ts';

const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const BLOCKS = PAGES.flatMap((page) => blocksOf(page, readSource(page)));

const fenced = (language: string, code: string, comment = ''): string =>
  `${comment}\n\`\`\`${language}\n${code}\n\`\`\`\n`;

/** A page with one mistake of every kind; each must be found where it is. */
const BROKEN = [
  fenced('ts', "import { runSociety } from 'megactor';\nexport const run: string = runSociety;"),
  fenced('ts', "import { noSuchThing } from 'megactor';\nconsole.log(noSuchThing);"),
  fenced('ts', "console.log('one');"),
  fenced('text', 'two', '<!-- output -->'),
  fenced('sh', 'megactor run "A goal" --max-agent 3'),
  fenced('sh', 'npm run no-such-script'),
  fenced('json', '{"limits":{"agentMax":3}}'),
  fenced('json', '{"latencyMs":-1}', '<!-- file: rehearsal.json -->'),
  fenced('json', '{"a":}'),
  fenced('sh', 'vllm serve model', '<!-- not run: -->'),
  fenced('sh', 'vllm serve model', '<!-- not run: it needs a graphics card -->'),
];
const BROKEN_PAGE = 'docs/broken.md';
/** Some pages have a dozen commands, and all pages are tried at once. */
const DEADLINE_MS = 600_000;
const lineOf = (index: number): number => BROKEN.slice(0, index).join('').split('\n').length + 1;

describe('snippets of the documentation', () => {
  let snippets: Snippets;
  beforeAll(async () => {
    snippets = await Snippets.open([...BLOCKS, ...blocksOf(BROKEN_PAGE, BROKEN.join(''))]);
  });
  afterAll(() => snippets.close());

  test('are found', () => {
    expect(BLOCKS.filter((block) => block.language !== 'other').length).toBeGreaterThan(20);
  });

  test.concurrent('have no type errors', { timeout: DEADLINE_MS }, async ({ expect }) => {
    expect(await snippets.typeErrors((page) => page !== BROKEN_PAGE)).toEqual([]);
  });

  const runnable = PAGES.filter((page) => BLOCKS.some((block) => block.page === page && block.language !== 'other'));
  for (const page of runnable) {
    test.concurrent(`${page} does what it says`, { timeout: DEADLINE_MS }, async ({ expect }) => {
      expect(await snippets.run(page)).toEqual([]);
    });
  }

  test.concurrent('that do not work are found, whatever is wrong', { timeout: DEADLINE_MS }, async ({ expect }) => {
    const [types, faults] = await Promise.all([
      snippets.typeErrors((page) => page === BROKEN_PAGE),
      snippets.run(BROKEN_PAGE),
    ]);
    expect(types).toEqual([
      expect.stringMatching(new RegExp(`^docs/broken\\.md:${lineOf(0) + 2}: TS2322`, 'u')),
      expect.stringMatching(new RegExp(`^docs/broken\\.md:${lineOf(1) + 1}: TS2305`, 'u')),
    ]);
    const found = faults.map((fault) => Number(/:(?<line>\d+):/u.exec(fault)?.groups?.['line']));
    expect(found).toEqual([1, 3, 4, 5, 6, 7, 8, 9].map(lineOf));
  });
});
