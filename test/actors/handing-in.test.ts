/** Handing in with the last piece of work: one answer, but none of which a part has failed. */
import { expect, test } from 'vitest';
import { BOSS } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, script, tools } from './answers.ts';
import { Society } from './society.ts';

const one = planWith([{ name: 'A', slots: 0 }]);
const start = { ...tools(call('talk', { messages: [{ to: 'A', content: 'begin' }] })), content: '(waiting) for A' };
const accept = tools(call('review', { agent: 'A', verdict: 'accept', feedback: 'good' }));
const end = call('terminate', { summary: 'it is done' });
const list = call('change_task_status', { items: [{ id: '1', text: 'all', status: 'done', evidence: 'a.md' }] });

const play = (answers: Parameters<typeof script>[0][string]): Promise<Society> =>
  Society.start({
    plan: one,
    answer: script({ [BOSS]: [start, accept, prose('(waiting)'), tools(end)], A: answers }),
  });

test('work, checklist and terminate are one answer', async () => {
  const society = await play([tools(call('write_file', { path: 'a.md', content: 'text' }), list, end)]);
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(society.agent('A').state.counters).toMatchObject({ calls: 1, toolErrors: 0 });
});

test('T3 terminate after a call that failed in the same answer is refused, and taken in the next one', async () => {
  const nobody = call('talk', { messages: [{ to: 'Nobody', content: 'done' }] });
  const society = await play([tools(list, nobody, end), tools(end)]);
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  const results = society.agent('A').history.filter((entry) => entry.role === 'tool');
  expect(results.map(({ content }) => JSON.parse(content ?? '') as unknown)).toMatchObject([
    { ok: true },
    { ok: false, error: { code: 'NOT_FOUND' } },
    { ok: false, error: { code: 'NOT_ALLOWED', message: expect.stringMatching(/talk failed/u) as string } },
    { ok: true, status: 'review' },
  ]);
  expect(society.agent('A').state.counters).toMatchObject({ calls: 2, toolErrors: 2 });
});
