/** Evidence of closed items, and the deeds that a reviewer is shown beside it: V1 of `evidence.ts`. */
import { describe, expect, test } from 'vitest';
import {
  BOSS,
  claimsOf,
  EVIDENCE_PATHS_MAX,
  PROGRAMS_MAX,
  programsOf,
  renderDeeds,
  renderVerdicts,
  type Look,
  unprovenPaths,
  withProgram,
  type ChecklistItem,
  type ProgramRun,
} from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine } from './machine.ts';

const done = (evidence: string): ChecklistItem => ({ id: '1', text: 't', status: 'done', evidence });

describe('paths that evidence names', () => {
  test.each([
    ['a.md', ['a.md']],
    ['see docs/a.md and (./src/b.ts), "c.json".', ['docs/a.md', 'src/b.ts', 'c.json']],
    ['a.md 3f2e1d', ['a.md']],
    ['a.md a.md', ['a.md']],
    ['.. ../a.md /etc/passwd https://example.org/a.md', []],
    ['version 1.2, i.e. all of it, done at 10.30', []],
    ['everybody in the group is settled', []],
    ['runs under Node.js and ASP.NET, as example.com says; node.mjs, lib/node.js', ['node.mjs', 'lib/node.js']],
  ])('%j', (evidence, paths) => expect(unprovenPaths([done(evidence)], [])).toEqual(paths));

  test('not those that it wrote itself, not those of open items, and only so many', () => {
    expect(unprovenPaths([done('a.md b.md')], ['a.md'])).toEqual(['b.md']);
    expect(unprovenPaths([{ ...done('a.md'), status: 'doing' }], [])).toEqual([]);
    const many = Array.from({ length: 50 }, (_, index) => done(`f${index}.md`));
    expect(unprovenPaths(many, [])).toHaveLength(EVIDENCE_PATHS_MAX);
  });
});

test('programs are kept newest last, and only so many (V1)', () => {
  let runs = [{ path: 'p.py', exitCode: 9 as number | null }];
  for (let exitCode = 0; exitCode < PROGRAMS_MAX; exitCode += 1) runs = withProgram(runs, { path: 't.py', exitCode });
  expect(runs).toHaveLength(PROGRAMS_MAX);
  expect(runs[0]).toEqual({ path: 't.py', exitCode: 0 });
  expect(renderDeeds([{ path: 't.py', exitCode: null }], [])).toEqual(['programs it ran: t.py (exit none)']);
  expect(renderDeeds([], [])).toEqual([]);
});

const looked = (missing: string[]): Look => ({ files: [], missing, absent: [], changes: '', checks: null });

test('the reviewer sees what was really done and what is not there, until it is', () => {
  const machine = foundedMachine(planWith([{ name: 'A' }]));
  machine.do('checklist', { agent: 'A', items: [done('b.md, t.py passes')] });
  const programs = [{ path: 't.py', exitCode: 1 }];
  const first = machine.do('terminate', {
    agent: 'A',
    summary: 's',
    files: ['a.md'],
    programs,
    look: looked(['b.md']),
  });
  expect(first.ok && first.details.split('\n').slice(-3)).toEqual([
    'files: a.md',
    'programs it ran: t.py (exit 1)',
    'NOT THERE, though planned or named as evidence: b.md',
  ]);
  expect(renderVerdicts([...machine.state.agents.values()])[0]).toContain(
    'planned or named as evidence and NOT THERE: b.md',
  );
  machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'revise' });
  const second = machine.do('terminate', {
    agent: 'A',
    summary: 's',
    files: ['a.md', 'b.md'],
    programs,
    look: looked([]),
  });
  expect(second.ok && second.details).not.toContain('NOT THERE');
});

test('beside a claim that a program ended well stands that the agent never ran it, and who did', () => {
  const machine = foundedMachine(planWith([{ name: 'W' }, { name: 'E' }]));
  const handIn = (agent: string, programs: readonly ProgramRun[]): string => {
    const result = machine.do('terminate', { agent, summary: 's', files: [], programs });
    return result.ok ? result.details : '';
  };
  handIn('W', [
    { path: 't.py', exitCode: 0 },
    { path: 't.py', exitCode: 1 },
  ]);
  machine.do('checklist', { agent: 'E', items: [done('t.py @deadbeef00, exit 0')] });
  expect(machine.lookDue({ agent: 'E', summary: 's', files: [], programs: [] })?.trail).toEqual({
    programs: [],
    others: [{ agent: 'W', path: 't.py', exitCode: 1 }],
  });
  expect(handIn('E', [])).toContain('exit 0) [t.py never run by E, exit 1 by W]');
  machine.do('review', { reviewer: BOSS, agent: 'E', verdict: 'revise' });
  expect(handIn('E', [{ path: 't.py', exitCode: 1 }])).toContain('exit 0) [t.py exit 1]');
});

test('a program that is still running counts as run, and ./ before its path is nothing', () => {
  expect(programsOf({ program: './t.py' })).toEqual([{ path: 't.py', exitCode: null }]);
  expect(programsOf({ programs: [{ path: 'a.py', exitCode: 0 }], program: null })).toEqual([
    { path: 'a.py', exitCode: 0 },
  ]);
  const ran = withProgram([], { path: './src/t.py', exitCode: 0 });
  expect(claimsOf([done('./src/t.py, exit 0')], { programs: ran, others: [] })).toMatchObject([
    { path: 'src/t.py', neverRun: false, contradicted: false },
  ]);
});
