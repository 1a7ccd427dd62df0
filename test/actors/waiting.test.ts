/** Answers with calls after which an agent only waits: they save the one that would say so. */
import { expect, test } from 'vitest';
import { BOSS } from '../../src/society/index.ts';
import type { ToolCall } from '../../src/model/types.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, script, tools } from './answers.ts';
import { Society } from './society.ts';

const one = planWith([{ name: 'A', slots: 0 }]);
const toA = (content: string): ToolCall => call('talk', { messages: [{ to: 'A', content }] });
const thenWait = (...calls: ToolCall[]) => ({ ...tools(...calls), content: '(waiting) for A' });
const accept = tools(call('review', { agent: 'A', verdict: 'accept', feedback: 'good' }));
const approve = tools(call('terminate', { summary: 'approved' }));
const handIn = tools(call('terminate', { summary: 'it is done' }));

const play = (boss: Parameters<typeof script>[0][string]): Promise<Society> =>
  Society.start({ plan: one, answer: script({ [BOSS]: boss, A: [handIn] }) });

test('an answer with calls that begins with (waiting) ends the turn, and the mail leaves', async () => {
  const society = await play([thenWait(toA('begin')), accept, prose('(waiting)'), approve]);
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  // Told, accepted, waited, approved: no call only to say that it waits for A.
  expect(society.agent(BOSS).state.counters).toMatchObject({ turns: 3, calls: 4, toolErrors: 0 });
  expect(society.agent(BOSS).history.filter((entry) => entry.role === 'assistant')[0]).toMatchObject({
    content: '(waiting) for A',
  });
});

test('it does not wait when a call has failed, nor for what it has called to read', async () => {
  const society = await play([
    thenWait(toA('begin'), call('talk', { messages: [{ to: 'Nobody', content: 'begin' }] })),
    thenWait(call('list_files', {})),
    prose('(waiting)'),
    accept,
    prose('(waiting)'),
    approve,
  ]);
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(society.agent(BOSS).state.counters).toMatchObject({ turns: 3, calls: 6, toolErrors: 1 });
});
