/** Handing in with checks: what goes back, how often, and what a reviewer is shown. */
import { expect, test } from 'vitest';
import { BOSS, limitsWith, type CheckResult, type Look, type LookedFile } from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { Machine } from './machine.ts';

const bad: CheckResult = {
  findings: [{ kind: 'placeholder', path: 'a.md', what: 'line 1: TODO' }],
  passed: ['1 file there'],
  leftOut: [],
};
const good: CheckResult = {
  findings: [],
  passed: ['1 file there'],
  leftOut: ['programs were not tried: there is no sandbox'],
};

const look = (checks: CheckResult | null, more: Partial<Look> = {}): Look => ({
  files: [],
  missing: [],
  absent: [],
  changes: '',
  checks,
  ...more,
});

const founded = (checks = true): Machine => {
  const machine = new Machine();
  const plan = planWith([{ name: 'A', files: ['a.md', 'plan.md'] }]);
  machine.do('found', { plan, shards: 2, reviews: true, checks, limits: limitsWith({ agentsMax: 9 }) });
  return machine;
};

const handIn = (machine: Machine, checks: CheckResult | null, more: Partial<Look> = {}) => {
  const result = machine.do('terminate', { agent: 'A', summary: 's', files: ['a.md'], look: look(checks, more) });
  if (!result.ok) throw new Error(result.error.message);
  return result;
};

test('what the checks find goes back at once, is a round of its reviews, and is counted (X2)', () => {
  const machine = founded();
  const first = handIn(machine, bad);
  expect(first).toMatchObject({
    status: 'working',
    round: 1,
    reviewer: null,
    details: '',
    sentBack: { to: { name: 'A' } },
  });
  expect(first.sentBack?.text).toContain('- a.md: line 1: TODO');
  expect(machine.state.meta).toMatchObject({
    reviewsRevised: 1,
    checks: { handIns: 1, passed: 0, sentBack: 1, findings: { placeholder: 1 } },
  });
  // It is at work again: a reviewer would be told so.
  expect(machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' })).toMatchObject({ ok: false });

  const second = handIn(machine, good);
  expect(second).toMatchObject({ status: 'review', round: 2, reviewer: { name: BOSS }, sentBack: null });
  expect(second.details).toContain('checks: 1 file there; nothing was found');
  expect(second.details).toContain('not checked: programs were not tried');
  expect(machine.state.meta?.checks).toMatchObject({ handIns: 2, passed: 1, sentBack: 1, example: { agent: 'A' } });
  expect(machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'accept' })).toMatchObject({ status: 'finished' });
});

test('at the last round it goes to its supervisor, with what was found: the rounds are bounded (W2, X2)', () => {
  const machine = founded();
  expect([handIn(machine, bad), handIn(machine, bad)].map(({ status }) => status)).toEqual(['working', 'working']);
  const last = handIn(machine, bad);
  expect(last).toMatchObject({ status: 'review', round: 3, sentBack: null, reviewer: { name: BOSS } });
  expect(last.details).toContain('CHECKS THAT FAILED:\n- a.md: line 1: TODO');
  expect(machine.do('review', { reviewer: BOSS, agent: 'A', verdict: 'revise' })).toMatchObject({ status: 'finished' });
  expect(machine.state.agents.get('A')?.verdict).toBe('reservation');
  expect(machine.state.meta?.checks).toMatchObject({ handIns: 3, sentBack: 2, findings: { placeholder: 3 } });
});

test('what is to be looked at: the plan, the last versions, the round; nothing for who may not hand in', () => {
  const machine = founded();
  const due = () =>
    machine.lookDue({ agent: 'A', summary: 's', files: ['a.md'], origins: { 'a.md': 'b0', 'n.md': null } });
  expect(due()).toMatchObject({
    planned: ['a.md', 'plan.md'],
    own: ['a.md'],
    since: { 'a.md': 'b0', 'n.md': null },
    round: 1,
    checks: true,
  });
  const files: LookedFile[] = [{ path: 'a.md', base: 'b1', commit: null }];
  handIn(machine, bad, { files });
  expect(due()).toMatchObject({ since: { 'a.md': 'b1', 'n.md': null }, round: 2 });
  machine.do('checklist', { agent: 'A', items: [{ id: '1', text: 't', status: 'doing' }] });
  expect(due()).toBeNull();
  expect(machine.lookDue({ agent: BOSS, summary: 's', files: [] })).toBeNull();
  expect(machine.lookDue({ agent: 'nobody', summary: 's', files: [] })).toBeNull();
});

test('commits and exit codes stand beside the evidence; planned files that nobody wrote are not among its files (X4)', () => {
  const machine = founded(false);
  const items = [{ id: '1', text: 't', status: 'done' as const, evidence: 'a.md and test.py' }];
  machine.do('checklist', { agent: 'A', items });
  const files = [{ path: 'a.md', base: 'b1', commit: 'c0ffee0123456789' }];
  const programs = [{ path: 'test.py', exitCode: 1 }];
  const handed = machine.do('terminate', {
    agent: 'A',
    summary: 's',
    files: ['a.md'],
    programs,
    look: look(null, { files, absent: ['plan.md'], changes: '--- a.md\n+text' }),
  });
  const details = handed.ok ? handed.details.split('\n') : [];
  expect(details).toContain('- [done] 1: t (evidence: a.md and test.py) [a.md @c0ffee0123, test.py exit 1]');
  expect(details).toContain('files: a.md @c0ffee0123');
  expect(details).toContain('NOT THERE, though planned or named as evidence: plan.md');
  expect(details.slice(-3)).toEqual(['what it wrote (the beginning):', '--- a.md', '+text']);
});
