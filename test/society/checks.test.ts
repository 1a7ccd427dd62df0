/** The checks of a hand-in, over files as they may be. */
import { describe, expect, test } from 'vitest';
import {
  check,
  FINDINGS_MAX,
  pathsToMake,
  renderChecks,
  sentBackText,
  type CheckInput,
  PROGRAMS_MAX,
  type OthersRun,
  type ProgramRun,
} from '../../src/society/index.ts';

const file = (
  path: string,
  text: string | null,
  bytes = text?.length ?? 7,
): [string, { path: string; bytes: number; text: string | null }] => [path, { path, bytes, text }];

const checking = (input: Partial<CheckInput>) =>
  check({
    named: new Map(),
    files: new Map(),
    agent: 'A',
    checklist: [],
    trail: { programs: [], others: [] },
    syntax: new Map(),
    leftOut: [],
    ...input,
  });

const done = (evidence: string) => ({ id: '1', text: 'test it', status: 'done' as const, evidence });

describe('what is found (X2)', () => {
  test('files that are named and not there, by who names them', () => {
    const named = new Map([
      ['a.md', 'plan'],
      ['b.md', 'evidence'],
      ['c.md', 'task'],
    ]);
    expect(checking({ named, files: new Map([file('c.md', 'text')]) }).findings).toEqual([
      { kind: 'missing-file', path: 'a.md', what: 'it is not there, though your plan names it' },
      { kind: 'evidence', path: 'b.md', what: 'it is not there, though your evidence names it' },
    ]);
  });

  test('files without anything in them, but not those that have to be empty', () => {
    const files = new Map([
      file('a.md', ''),
      file('b.md', ' \n '),
      file('p/__init__.py', ''),
      file('c.bin', null, 0),
      file('d.bin', null),
    ]);
    const { findings, passed } = checking({ files });
    expect(findings.map(({ kind, path }) => [kind, path])).toEqual([
      ['empty-file', 'a.md'],
      ['empty-file', 'b.md'],
      ['empty-file', 'c.bin'],
    ]);
    expect(passed).toEqual(['5 files there', '3 texts read for placeholders']);
  });

  test('placeholders, with their lines', () => {
    const { findings } = checking({ files: new Map([file('a.md', '# A\n\nTODO: write it\n')]) });
    expect(findings).toEqual([{ kind: 'placeholder', path: 'a.md', what: 'line 3: TODO: write it' }]);
  });

  test('programs that do not parse; what could not be tried fails nobody', () => {
    const files = new Map([file('a.py', 'x ='), file('b.py', 'x = 1'), file('c.py', 'x = 2')]);
    const syntax = new Map([
      ['a.py', { ok: true as const, problem: 'SyntaxError: invalid syntax' }],
      ['b.py', { ok: true as const, problem: null }],
      ['c.py', { ok: false as const, why: 'it took too long' }],
    ]);
    const result = checking({ files, syntax });
    expect(result.findings).toEqual([
      { kind: 'program', path: 'a.py', what: 'it cannot be run: SyntaxError: invalid syntax' },
    ]);
    expect(result.passed).toContain('1 program parsed');
    expect(result.leftOut).toEqual(['programs were not tried: it took too long']);
  });

  test('evidence of success, where the last run was none', () => {
    const runs = [
      { path: 'test.py', exitCode: 0 },
      { path: 'test.py', exitCode: 2 },
      { path: 'other.py', exitCode: null },
    ];
    const trail = { programs: runs, others: [] };
    const claims = (evidence: string) => checking({ checklist: [done(evidence)], trail }).findings;
    expect(claims('test.py, exit 0')).toEqual([
      {
        kind: 'evidence',
        path: 'test.py',
        what: 'item 1 says that it succeeds, but its last run ended with exit code 2',
      },
    ]);
    expect(claims('other.py passes')[0]?.what).toContain('did not end by itself');
    expect(claims('test.py ends with exit code 2, as the manual says')).toEqual([]);
    expect(checking({ checklist: [{ ...done('test.py exit 0'), status: 'blocked' }], trail }).findings).toEqual([]);
  });

  test('evidence of runs that never were, where nothing that is known bears it out', () => {
    const found = (evidence: string, programs: readonly ProgramRun[] = [], others: readonly OthersRun[] = []) =>
      checking({ checklist: [done(evidence)], trail: { programs, others } }).findings.map(({ what }) => what);
    const never = 'item 1 says that it succeeds, but A never ran it';
    const good = { path: 'tests/all.py', exitCode: 0 };
    expect(found('t.py, exit 0')).toEqual([never]);
    expect(found('t.py: all tests pass', [{ path: 'x.py', exitCode: 1 }])).toEqual([never]);
    expect(found('t.py, exit 0', [good])).toEqual([never]);
    expect(found('t.py, exit 0', [], [{ agent: 'W', path: 't.py', exitCode: 1 }])).toEqual([`${never} (exit 1 by W)`]);
    expect(found('t.py, exit 0', [], [{ agent: 'W', path: 't.py', exitCode: 0 }])).toEqual([]);
    expect(found('t.py, tests/all.py: exit 0', [good])).toEqual([]);
    expect(found('t.py: tests pass', [good])).toEqual([]);
    // That something passed or succeeded need not be a run of it; and of many runs the first are forgotten.
    expect(found('index.js passed the review')).toEqual([]);
    const many = Array.from({ length: PROGRAMS_MAX }, () => ({ path: 'x.py', exitCode: 0 }));
    expect(found('t.py, exit 0', many)).toEqual([]);
    expect(found('exit 0 of notes.md')).toEqual([]);
  });
});

test.each([
  ['Write the report to docs/report.md.', ['docs/report.md']],
  ['Read data.csv, then write summary.md; be brief.', ['summary.md']],
  ['Create `game.py` and `test_game.py`, and save the rules in RULES.txt.', ['game.py', 'RULES.txt']],
  ['Write a summary based on data.csv.', []],
  ['Do not write notes.md yourself.', []],
  ['Implement the AI in ai.mjs using board.mjs.', ['ai.mjs']],
  ['Tell everybody what report.md says.', []],
])('the files that "%s" orders', (task, paths) => {
  expect(pathsToMake(task)).toEqual(paths);
});

test('what a reviewer and the agent itself are told is bounded (X3)', () => {
  const text = '# TODO\n'.repeat(100);
  const files = new Map(Array.from({ length: 100 }, (_, index) => file(`${'d/'.repeat(200)}${index}.py`, text)));
  const result = checking({ files, leftOut: ['3 more files'] });
  expect(result.findings).toHaveLength(FINDINGS_MAX);
  expect(sentBackText(result).length).toBeLessThan(FINDINGS_MAX * 1_200);
  expect(renderChecks(result).at(-1)).toBe('not checked: 3 more files');
  expect(renderChecks(checking({}))).toEqual(['checks: nothing to look at; nothing was found']);
});
