/** Whom a repair knows of, when their rows in the roster are lost: whoever a kept result says was hired. */
import { expect, test } from 'vitest';
import { knownAgents } from '../../src/run/repair.ts';
import { BOSS } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { foundedMachine } from '../society/machine.ts';

const recruit = (name: string) => ({ name, description: 'd', initialPrompt: 'p', woken: true });

test('N3: agents of the plan, recruits, and members of teams', () => {
  const machine = foundedMachine(planWith([{ name: 'A' }]), 20);
  const plan = machine.state.meta?.plan ?? planWith([]);
  const limits = machine.state.meta?.limits;
  if (limits === undefined) throw new Error('not founded');
  const results: [string, unknown][] = [
    ['found', machine.do('found', { plan, shards: 2, reviews: true, limits })],
    ['hire', machine.do('hire', { hirer: 'A', recruits: [recruit('B'), recruit('not a name')] })],
    ['team', machine.do('team', { hirer: 'A', name: 'T', description: 'd', initialPrompt: 'p', items: ['x', 'y'] })],
    ['another', { members: 'nobody' }],
  ];
  const known = knownAgents({ seen: [], all: () => results });
  expect(known.map(({ name, supervisor }) => [name, supervisor])).toEqual([
    [BOSS, null],
    ['A', BOSS],
    ['B', 'A'],
    ['T_1', 'A'],
    ['T_2', 'A'],
  ]);
  const rows = machine.state.agents;
  for (const { name, id, shard, depth } of known) expect(rows.get(name)).toMatchObject({ id, shard, depth });
});
