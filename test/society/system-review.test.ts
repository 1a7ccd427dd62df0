/** What is kept of the final review, and the verdict of every file. */
import { describe, expect, test } from 'vitest';
import { BOSS, buildReport, Draft, renderReport, summarize, type FileSample } from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine, type Machine } from './machine.ts';

const SAMPLE: FileSample = { total: 3, files: [{ path: 'a.md', author: 'A', content: 'text' }] };
const NAMES = ['A', 'B', 'C', 'D'];

const handIn = (machine: Machine, agent: string, base = 'b1'): void => {
  const path = `${agent.toLowerCase()}.md`;
  const look = { files: [{ path, base, commit: null }], missing: [], absent: [], changes: '', checks: null };
  expect(machine.do('terminate', { agent, summary: 's', files: [path], look })).toMatchObject({ ok: true });
};

const accept = (machine: Machine, agent: string): void => {
  expect(machine.do('review', { reviewer: BOSS, agent, verdict: 'accept' })).toMatchObject({ ok: true });
};

/** Up to the final review: A and B accepted, C retired after it wrote, D accepted. */
const upToFinal = (): Machine => {
  const machine = foundedMachine(planWith(NAMES.map((name) => ({ name }))));
  for (const agent of NAMES) {
    machine.do('resolve', { sender: BOSS, to: [agent] });
    if (agent !== 'C') handIn(machine, agent);
    if (agent !== 'C') accept(machine, agent);
  }
  machine.do('retire', { by: BOSS, agent: 'C', reason: 'no need' });
  machine.do('terminate', { agent: BOSS, summary: 'all', files: [] });
  expect(machine.do('quiet', { sample: SAMPLE }).mails.map(({ mail }) => mail.kind)).toEqual(['final-review']);
  return machine;
};

const reportOf = (machine: Machine, reviews = true) => {
  const file = (path: string, author: string, base = 'b1') => ({ path, author, base, commit: 'c1' });
  return buildReport({
    roster: summarize(new Draft(machine.state)),
    files: [
      file('a.md', 'A'),
      file('b.md', 'B', 'b2'),
      file('c.md', 'C'),
      file('late.md', 'D'),
      file('mine.md', 'user'),
      file('all.md', BOSS),
    ],
    synthetic: false,
    reviews,
  });
};

const verdicts = (machine: Machine, reviews = true) =>
  reportOf(machine, reviews).files.map(({ path, groupVerdict, systemVerdict }) => [path, groupVerdict, systemVerdict]);

describe('a verdict is that of the version which was looked at (X5)', () => {
  test('approved: who changed or wrote something since, who was let go, the person, and the Boss', () => {
    const machine = upToFinal();
    machine.do('terminate', { agent: BOSS, summary: 'all', files: ['all.md'] });
    expect(machine.state.meta).toMatchObject({ finalReview: 'approved', end: { status: 'completed' } });
    expect(verdicts(machine)).toEqual([
      ['a.md', 'accepted', 'approved'],
      ['b.md', 'unreviewed', 'approved'],
      ['c.md', 'retired', 'approved'],
      ['late.md', 'unreviewed', 'approved'],
      ['mine.md', 'user', 'approved'],
      ['all.md', 'accepted', 'approved'],
    ]);
    expect(reportOf(machine).systemReviews).toEqual([
      { review: 1, files: 3, sampled: ['a.md'], reassigned: [], approved: true },
    ]);
  });

  test('reassigned and not approved since, by review and by talk', () => {
    const machine = upToFinal();
    machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'revise' });
    machine.do('resolve', { sender: BOSS, to: ['B'] });
    const found = Object.fromEntries(verdicts(machine).map(([path, , system]) => [path, system]));
    expect(found).toMatchObject({ 'a.md': 'reassigned', 'b.md': 'reassigned', 'late.md': 'unapproved' });
    expect(reportOf(machine).systemReviews).toMatchObject([{ reassigned: ['A', 'B'], approved: false }]);

    // What comes back is reviewed, and its new version counts.
    for (const agent of ['A', 'B']) handIn(machine, agent, agent === 'B' ? 'b2' : 'b1');
    for (const agent of ['A', 'B']) accept(machine, agent);
    machine.do('terminate', { agent: BOSS, summary: 'all', files: [] });
    expect(verdicts(machine).slice(0, 2)).toEqual([
      ['a.md', 'accepted', 'approved'],
      ['b.md', 'accepted', 'approved'],
    ]);
    const report = reportOf(machine);
    expect(report.systemReviews).toMatchObject([{ reassigned: ['A', 'B'], approved: true }]);
    const numbers = { remedies: {}, reviews: { accept: 0, revise: 0 }, agentsByLevel: {}, tokens: {} };
    const text = renderReport(report, { ...numbers, wallSeconds: 1, costUsd: null } as never);
    expect(text).toContain('- final review 1: 1 of 3 files shown, work of A, B given back, approved');
  });

  test('not approved, and reviews off', () => {
    const machine = upToFinal();
    expect(new Set(verdicts(machine).map(([, , system]) => system))).toEqual(new Set(['unapproved']));
    expect(new Set(verdicts(machine, false).map(([, , system]) => system))).toEqual(new Set(['none']));
  });
});

describe('with reviews off', () => {
  const start = (): Machine => {
    const machine = foundedMachine(planWith([{ name: 'A' }]), 20, {}, false);
    machine.do('resolve', { sender: BOSS, to: ['A'] });
    handIn(machine, 'A');
    return machine;
  };

  test('what is handed in is finished, and a Boss that ends the run has approved of no file (X5)', () => {
    const machine = start();
    machine.do('terminate', { agent: BOSS, summary: 'all', files: [] });
    expect(machine.state.meta).toMatchObject({ finalReview: 'none', end: { status: 'completed', reason: 'done' } });
    expect(new Set(verdicts(machine, false).map(([, , system]) => system))).toEqual(new Set(['none']));
    expect(reportOf(machine, false)).toMatchObject({ finalReview: 'none', systemReviews: [] });
  });

  test('a Boss that does not end it is asked for the final review, without a word of reviews that nobody made', () => {
    const machine = start();
    const { mails } = machine.do('quiet', { sample: SAMPLE });
    expect(mails.map(({ mail }) => mail.kind)).toEqual(['final-review']);
    const text = mails[0]?.mail.text ?? '';
    expect(text).toMatch(/^All work is done, and nobody has reviewed it\. Approve the result with terminate/u);
    expect(text).not.toContain('reviewed in the groups');
    expect(text).not.toContain('with review');
    expect(text).toContain('- A (under Boss): none');
    // What it gives back with a talk is at work again.
    machine.do('resolve', { sender: BOSS, to: ['A'] });
    expect(machine.state.agents.get('A')?.status).toBe('working');
    expect(verdicts(machine, false)[0]).toEqual(['a.md', 'unfinished', 'reassigned']);
    handIn(machine, 'A');
    machine.do('terminate', { agent: BOSS, summary: 'all', files: [] });
    expect(machine.state.meta).toMatchObject({ finalReview: 'approved', end: { status: 'completed', reason: 'done' } });
    expect(verdicts(machine, false)[0]).toEqual(['a.md', 'none', 'approved']);
    expect(reportOf(machine, false).systemReviews).toMatchObject([{ review: 1, reassigned: ['A'], approved: true }]);
  });
});
