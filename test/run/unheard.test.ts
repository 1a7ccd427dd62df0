/** Who is said to have failed although the roster has not heard of it, and who is only about to be spawned. */
import { expect, test } from 'vitest';
import { missingOf, withUnheard } from '../../src/run/unheard.ts';
import { BOSS, limitsWith, Roster, zeroCounters, type RosterRow } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { memoryStore } from '../society/memory-store.ts';

const society = async (): Promise<{ roster: Roster; row: (name: string) => RosterRow }> => {
  const roster = await Roster.open(memoryStore());
  const plan = planWith([{ name: 'A' }, { name: 'B' }]);
  await roster.do('found', { plan, shards: 1, reviews: true, limits: limitsWith({}) }, null);
  const row = (name: string): RosterRow => roster.summary().rows.find((one) => one.name === name) as RosterRow;
  return { roster, row };
};

const statuses = (rows: readonly RosterRow[]): Record<string, string> =>
  Object.fromEntries(rows.map(({ name, status }) => [name, status]));

test('V2 whose failure waits for somebody above has failed, with what it had done; who is about to be spawned has not', async () => {
  const { roster, row } = await society();
  const { rows } = roster.summary();
  const missing = missingOf(rows, new Set([row(BOSS).id]));
  expect(missing.map(({ name }) => name)).toEqual(['A', 'B']);
  const counters = { ...zeroCounters(), turns: 3 };
  const child = { shard: row('A').shard, id: row('A').id };
  const told = withUnheard(rows, missing, [{ child, reason: 'a defect', last: { counters } }]);
  expect(statuses(told)).toEqual({ Boss: 'working', A: 'failed', B: 'working' });
  expect(told.find(({ name }) => name === 'A')?.counters).toEqual(counters);
  expect(withUnheard(rows, [], [])).toEqual(rows);
});

test('V2 nobody hears of those under a Boss that has crashed: whoever is not there has failed', async () => {
  const { roster, row } = await society();
  await roster.do('crashed', { agent: BOSS, detail: 'a defect', counters: zeroCounters() }, null);
  const { rows } = roster.summary();
  const told = withUnheard(rows, missingOf(rows, new Set([row('B').id])), []);
  expect(statuses(told)).toEqual({ Boss: 'failed', A: 'failed', B: 'working' });
});
