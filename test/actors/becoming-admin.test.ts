/** Whoever hires becomes an Admin, and nobody before: what it is told, what it may do and what is said of it agree. */
import { expect, test } from 'vitest';
import { BOSS, systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, results, script, tools } from './answers.ts';
import { mailsOf } from './mails.ts';
import { Society } from './society.ts';

const plan = planWith([
  { name: 'A' },
  { name: 'A1', supervisor: 'A', slots: 0 },
  { name: 'B' },
  { name: 'B1', supervisor: 'B', slots: 2 },
]);

const talk = (to: string) => tools(call('talk', { messages: [{ to, content: `hello ${to}` }] }));
const recruit = { description: 'helps', initial_prompt: 'help' };

test.each([
  ['add_agent', { name: 'C', ...recruit, first_message: 'begin' }],
  ['add_team', { name: 'C', ...recruit, items: ['one', 'two'] }],
])('who has slots writes to its group, and after %s to Admins and the Boss', async (tool, args) => {
  const society = await Society.start({
    plan,
    answer: script({
      B1: [talk('A'), talk(BOSS), tools(call(tool, args)), talk('A'), talk(BOSS), prose('(waiting)')],
    }),
  });
  const levelOf = (name: string): string | undefined =>
    society.roster.summary().rows.find((row) => row.name === name)?.level;
  expect(levelOf('B1')).toBe('ordinary');
  society.deliver('B1', systemMail('start', ''));
  await society.settle();

  const prompt = society.requests.find(({ agent }) => agent === 'B1')?.messages[0]?.content ?? '';
  expect(prompt).toContain('- level: Ordinary');
  expect(prompt).toContain('Write only to your supervisor and group (hiring makes you an Admin:');
  const said = results(society.lastRequest('B1'));
  expect(said.map(({ ok }) => ok)).toEqual([false, false, true, true, true]);
  expect(said[0]).toMatchObject({
    error: { code: 'NOT_ALLOWED', hint: expect.stringContaining('Write to B instead') as string },
  });
  expect(said[2]).toMatchObject({ note: 'You are an Admin now: you may write to other Admins and the Boss as well.' });
  expect(mailsOf(society, 'A')).toContain('B1: hello A');
  expect(levelOf('B1')).toBe('admin');
  for (const event of society.events.filter(({ type }) => type === 'hired')) {
    expect(event).toMatchObject({ level: 'ordinary' });
  }
  // The tools stay the same, so that what a provider has cached stays good.
  const [first, ...later] = society.requests.filter(({ agent }) => agent === 'B1');
  for (const { tools: offered } of later) expect(offered).toEqual(first?.tools);
});

test('the Boss, and an Admin whose group the plan has hired, are what they are: hiring tells them nothing new', async () => {
  const society = await Society.start({
    plan: planWith([
      { name: 'A', slots: 2 },
      { name: 'A1', supervisor: 'A', slots: 0 },
    ]),
    answer: script({
      [BOSS]: [tools(call('add_agent', { name: 'X', ...recruit })), talk('A')],
      A: [tools(call('add_agent', { name: 'Y', ...recruit }))],
    }),
  });
  await society.settle();
  for (const name of [BOSS, 'A']) expect(results(society.lastRequest(name))[0]).not.toHaveProperty('note');
  expect(society.requests.find(({ agent }) => agent === 'A')?.messages[0]?.content).toContain('- level: Admin');
});
