/**
 * What an embedding program must be able to rely on (E2, E3): the engine keeps no state beside its systems, and neither
 * listens to signals nor ends the process.
 */
import { describe, expect, test } from 'vitest';
import { mask, moduleNames } from './source.ts';
import { productFiles, readSource } from './tree.ts';

const ENGINE = /^src\/(?:protocol|platform|telemetry|actor|journal|runtime)\//u;

/** Variables and growing collections of modules, each with the reason why several systems do not meet there. */
const ALLOWED_STATE: Readonly<Record<string, readonly string[]>> = {
  // Set and unset by one call that reads, which waits for nothing in between.
  'src/protocol/values.ts': ['readsMaps'],
  // A pure function's results: as many as the program has modules.
  'src/runtime/module-id.ts': ['known'],
  // One entry per lease that is held, removed with it; nothing is ever read from it.
  'src/journal/lease.ts': ['heldLocks'],
  // Only with NODE_ENV=test.
  'src/platform/kill-point.ts': ['armed', 'passages'],
};

/** These modules are programs of threads, and speak of their thread. */
const ALLOWED_PROCESS: readonly string[] = ['src/runtime/host-entry.ts'];

const STATE =
  /^(?:export )?(?:let (?<variable>\w+)|const (?<collection>\w+)[^=\n]*= new (?:Weak)?(?:Map|Set)\b[^(\n]*\(\))/gmu;
const PROCESS = /\bprocess\s*\.\s*(?:on|once|off|addListener|prependListener|exit|abort|kill|exitCode)\b/gu;

const stateOf = (source: string): string[] =>
  [...mask(source).code.matchAll(STATE)].map(({ groups }) => groups?.['variable'] ?? groups?.['collection'] ?? '');

const processUses = (source: string): string[] => [...mask(source).code.matchAll(PROCESS)].map(([use]) => use);

describe('the checker itself', () => {
  test.each([
    ['let count = 0;', 'count'],
    ['export let count: number;', 'count'],
    ['const seen = new Map<string, number>();', 'seen'],
    ['const held: Set<Lock> = new WeakSet();', 'held'],
  ])('finds %s', (source, name) => expect(stateOf(source)).toEqual([name]));

  test.each(['const CODES = new Set([1]);', '  let inside = 0;', '// let it be', 'const EMPTY: readonly [] = [];'])(
    'leaves alone %s',
    (source) => expect(stateOf(source)).toEqual([]),
  );

  test('finds what concerns the whole process', () => {
    expect(processUses("process.on('SIGINT', f); process . exit(1); process.env; // process.exit")).toHaveLength(2);
  });
});

test('E2 the engine keeps no state beside its systems', () => {
  const found = Object.fromEntries(
    productFiles()
      .filter((path) => ENGINE.test(path))
      .map((path) => [path, stateOf(readSource(path))] as const)
      .filter(([, names]) => names.length > 0),
  );
  expect(found).toEqual(ALLOWED_STATE);
});

test('E3 the library handles no signals and does not end the process', () => {
  const uses = productFiles()
    .filter((path) => !path.startsWith('src/cli/') && !ALLOWED_PROCESS.includes(path))
    .flatMap((path) => processUses(readSource(path)).map((use) => `${path}: ${use}`));
  // The switch that kills the process in tests; and signal 0, which only asks.
  expect(uses).toEqual(['src/platform/kill-point.ts: process.kill', 'src/platform/programs.ts: process.kill']);
});

test("E2 nobody loads msgpackr's native part, whose table is one for all threads and is made anew by each that starts", () => {
  const uses = productFiles().filter(
    (path) => !path.endsWith('.d.ts') && moduleNames(readSource(path)).includes('msgpackr'),
  );
  expect(uses).toEqual([]);
});
