/** `ask_human`: what is asked of the person, and what the person is told of it. */
import { expect, test } from 'vitest';
import { systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, results, script, tools } from './answers.ts';
import { Society } from './society.ts';

const ask = (question: string) => call('ask_human', { question });

const begin = async (...questions: string[]): Promise<Society> => {
  const society = await Society.start({
    plan: planWith([{ name: 'A', slots: 0 }]),
    person: () => 'as you like',
    answer: script({ A: [tools(...questions.map(ask)), prose('(waiting)')] }),
  });
  society.deliver('A', systemMail('start', 'go'));
  await society.settle();
  return society;
};

const asked = (society: Society): unknown[] =>
  society.events.filter(({ type, status }) => type === 'human' && status === 'asked').map(({ question }) => question);

test('a question that is open already is announced once, and its agent is told', async () => {
  const society = await begin('Which town?', 'Which season?', ' Which town?');
  expect(asked(society)).toEqual([1, 2]);
  expect(results(society.lastRequest('A'))).toMatchObject([
    { question: 1 },
    { question: 2 },
    { question: 1, again: true },
  ]);
  expect(society.roster.summary().human).toMatchObject({ count: 2, open: 2 });
});

test('a blank question is refused', async () => {
  const society = await begin('', '   ', '\n\t', 'Which town?');
  const refused = { ok: false, error: { code: 'INVALID_ARGUMENTS' } };
  expect(results(society.lastRequest('A'))).toMatchObject([refused, refused, refused, { question: 1 }]);
  expect(asked(society)).toEqual([1]);
});
