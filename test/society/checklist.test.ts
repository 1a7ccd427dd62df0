/** What becomes of items that an agent leaves out of its list: X7 of `checklist.ts`. */
import { expect, test } from 'vitest';
import {
  BOSS,
  buildReport,
  Draft,
  DROPPED_MAX,
  renderReport,
  renderVerdicts,
  summarize,
  type ChecklistItem,
} from '../../src/society/index.ts';
import { planWith } from './arbitraries.ts';
import { foundedMachine, type Machine } from './machine.ts';

const ITEMS = [
  { id: 'a', text: 'Write d.md', owner: 'D' },
  { id: 'b', text: 'Test d.', owner: 'D' },
  { id: 'z', text: 'The final doc', owner: BOSS },
];

const founded = (): Machine => {
  const machine = foundedMachine({ ...planWith([{ name: 'D' }]), items: ITEMS });
  machine.do('resolve', { sender: BOSS, to: ['D'] });
  return machine;
};

const item = (id: string, text: string, status: ChecklistItem['status'] = 'done'): ChecklistItem => ({
  id,
  text,
  status,
});

const list = (machine: Machine, items: readonly ChecklistItem[], agent = 'D') =>
  machine.do('checklist', { agent, items });

const handIn = (machine: Machine): string => {
  const result = machine.do('terminate', { agent: 'D', summary: 's', files: [] });
  return result.ok ? result.details : result.error.message;
};

const droppedOf = (machine: Machine, agent = 'D') => machine.state.agents.get(agent)?.dropped?.map(({ id }) => id);

const reportOf = (machine: Machine) =>
  buildReport({ roster: summarize(new Draft(machine.state)), files: [], synthetic: false, reviews: true });

test('items of the plan that are left out are named to the agent, to its reviewer and in the report', () => {
  const machine = founded();
  expect(list(machine, [])).toEqual({ ok: true, open: 0, closed: 0, dropped: ['a: Write d.md', 'b: Test d.'] });
  expect(handIn(machine)).toContain(
    'DROPPED WITHOUT BEING DONE: a: Write d.md (of the plan); b: Test d. (of the plan)',
  );
  expect(list(machine, [], BOSS)).toMatchObject({ dropped: ['z: The final doc'] });
  machine.do('review', { reviewer: BOSS, agent: 'D', verdict: 'accept' });
  machine.do('terminate', { agent: BOSS, summary: 's', files: [] });
  const report = reportOf(machine);
  expect(report.agents.map(({ name, dropped }) => [name, dropped])).toEqual([
    [BOSS, 1],
    ['D', 2],
  ]);
  expect(report.missing).toContainEqual({ agent: 'D', what: 'dropped-items' });
  expect(report.missing).toContainEqual({ agent: BOSS, what: 'dropped-items' });
  const numbers = { agentsByLevel: {}, tokens: {}, reviews: {}, remedies: {}, wallSeconds: 0, costUsd: null };
  expect(renderReport(report, numbers as never)).toContain(
    '| D | ordinary | Boss | finished | accepted | 0 | 0 | 2 | s |',
  );
  const final = renderVerdicts([...machine.state.agents.values()]).join('\n');
  expect(final).toContain('accepted, 2 items dropped without being done');
  expect(final).toContain('Of your own checklist: DROPPED WITHOUT BEING DONE: z: The final doc (of the plan)');
});

test('items may be reordered, reworded under their ids, listed under other ids, and added', () => {
  const machine = founded();
  expect(list(machine, [item('b', 'Try whether d.md is right'), item('1', 'write D.md.'), item('2', 'more')])).toEqual({
    ok: true,
    open: 0,
    closed: 3,
  });
  const details = handIn(machine);
  expect(details).not.toContain('DROPPED');
  // Its id alone says little.
  expect(details).toContain('- [done] b: Try whether d.md is right [planned as: Test d.]');
});

test('what was done may be left out; what was not stays known until it is listed again', () => {
  const machine = founded();
  list(machine, [item('a', 'Write d.md'), item('b', 'Test d.', 'blocked')]);
  expect(list(machine, [item('1', 'anew', 'doing')])).toMatchObject({ dropped: ['b: Test d.'] });
  expect(list(machine, [item('7', 'quite another list')])).toMatchObject({ dropped: ['1: anew'] });
  expect(droppedOf(machine)).toEqual(['b', '1']);
  expect(list(machine, [item('7', 'test d'), item('8', 'and more')])).toEqual({ ok: true, open: 0, closed: 2 });
  expect(droppedOf(machine)).toEqual(['1']);
  // Its own: it may think better of it.
  expect(reportOf(machine).missing).not.toContainEqual({ agent: 'D', what: 'dropped-items' });
});

test('what is kept of them is bounded, those of the plan first', () => {
  const machine = founded();
  for (let round = 0; round < 3; round += 1) {
    list(
      machine,
      Array.from({ length: 90 }, (_, index) =>
        item(`${round}-${index}`, `thing ${round} ${index} ${'x'.repeat(900)}`, 'todo'),
      ),
    );
  }
  list(machine, []);
  const dropped = machine.state.agents.get('D')?.dropped ?? [];
  expect(dropped).toHaveLength(DROPPED_MAX);
  expect(dropped.slice(0, 3).map(({ id }) => id)).toEqual(['a', 'b', '0-0']);
  expect(dropped.every(({ text }) => text.length <= 200)).toBe(true);
  expect(handIn(machine)).toMatch(/b: Test d\. \(of the plan\); 0-0: .*; and 80 more$/mu);
});
