/** What an idle supervisor waits for, and how long: mail of its group while others of it are at work, one call's time. */
import { describe, expect, test } from 'vitest';
import { agentBehaviour } from '../../actors/agent.ts';
import { admin } from '../../actors/admin.ts';
import { ordinary } from '../../actors/ordinary.ts';
import { BOSS, defaultPollIntervalMs, systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { foundedMachine, type Machine } from '../society/machine.ts';
import { call, prose, script, tools } from './answers.ts';
import { Society } from './society.ts';

test('an idle agent waits only where others of its group are about to say as much', () => {
  const { urgent } = agentBehaviour(() => ({ admin, ordinary }));
  const is = (body: unknown): boolean | undefined => urgent?.({ type: 'mail', body, sender: null });
  expect(is(systemMail('nudge', ''))).toBe(true);
  expect(is(systemMail('review', '', { agent: 'A', round: 1 }))).toBe(true);
  expect(is({ ...systemMail('review', '', { agent: 'A', round: 1 }), more: true })).toBe(false);
  expect(is({ from: 'user', kind: null, text: '' })).toBe(true);
  expect(is({ from: 'A', kind: null, text: '' })).toBe(true);
  expect(is({ from: 'A', kind: null, text: '', more: true })).toBe(false);
  expect(is('no mail at all')).toBe(true);
});

describe('more may come while somebody else below the receiver is at work', () => {
  const group = (reviews = true): Machine => {
    const machine = foundedMachine(planWith([{ name: 'A' }, { name: 'B' }, { name: 'C' }]), 20, {}, reviews);
    machine.do('resolve', { sender: BOSS, to: ['A', 'B'] });
    return machine;
  };
  const handIn = (machine: Machine, agent: string): boolean | undefined => {
    const result = machine.do('terminate', { agent, summary: 's', files: [] });
    return result.ok ? result.more : undefined;
  };

  test.each([true, false])(
    'who hands in (reviews %s): not after the last one; who was never woken is not at work',
    (reviews) => {
      const machine = group(reviews);
      expect(handIn(machine, 'A')).toBe(true);
      expect(handIn(machine, 'B')).toBe(false);
    },
  );

  test('who ends its turn with a text, or writes to its supervisor', () => {
    const machine = group();
    expect(machine.do('handback', { agent: 'A' })).toMatchObject({ to: { name: BOSS }, more: true });
    expect(machine.do('resolve', { sender: 'A', to: ['supervisor', 'B'] })).toMatchObject({
      receivers: [[{ name: BOSS, more: true }], [{ name: 'B', more: false }]],
    });
    handIn(machine, 'B');
    expect(machine.do('handback', { agent: 'A' })).toMatchObject({ more: false });
    expect(machine.do('resolve', { sender: 'A', to: ['supervisor'] })).toMatchObject({
      receivers: [[{ more: false }]],
    });
  });

  test('one that waits for more of its budget is not at work; one that was sent back is', () => {
    const machine = group();
    machine.do('hold', { agent: 'B', hold: { scope: 'agent/B', what: 'calls', limit: 1 } });
    expect(machine.do('handback', { agent: 'A' })).toMatchObject({ more: false });
    machine.do('unhold', { agents: ['B'] });
    handIn(machine, 'B');
    machine.do('review', { reviewer: BOSS, agent: 'B', verdict: 'revise' });
    expect(machine.do('handback', { agent: 'A' })).toMatchObject({ more: true });
  });
});

test('a supervisor waits as long as its last call took, and no longer than it may; the others do not', async () => {
  const latencies: Readonly<Record<string, number>> = { [BOSS]: 200.4, A: 5_000, X: 300 };
  const { admin: mostMs } = defaultPollIntervalMs;
  const recruit = { name: 'X', description: 'd', initial_prompt: 'p', first_message: 'Begin.' };
  const answer = script({
    [BOSS]: [tools(call('talk', { messages: [{ to: 'A', content: 'Begin.' }] })), prose('(waiting)')],
    A: [tools(call('add_agent', recruit)), prose('(waiting)')],
    X: [prose('Here it is.')],
  });
  const society = await Society.start({
    plan: planWith([{ name: 'A', slots: 1 }]),
    answer: (request) => ({ ...answer(request), latencyMs: latencies[request.agent] ?? 0 }),
  });
  await society.settle();
  expect(society.agent(BOSS).pollMs).toBe(201);
  expect(society.agent('A').pollMs).toBe(mostMs);
  expect(society.agent('X').pollMs).toBeUndefined();
});
