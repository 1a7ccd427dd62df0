/** Texts that end a turn, on their way up: F4 of `roster-texts.ts`. */
import { expect, test } from 'vitest';
import { BOSS } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, script, tools } from './answers.ts';
import { mailsOf } from './mails.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

const wait = prose('(waiting)');
const to = (...names: readonly string[]) =>
  tools(call('talk', { messages: names.map((name) => ({ to: name, content: `begin, ${name}` })) }));
const workers = (count: number): string[] => Array.from({ length: count }, (_, index) => `W${index + 1}`);
const group = (count: number) =>
  planWith([{ name: 'A' }, ...workers(count).map((name) => ({ name, supervisor: 'A', slots: 0 }))]);

type Lines = Parameters<typeof script>[0];

const play = async (count: number, lines: Lines, more: Partial<SocietyOptions> = {}): Promise<Society> => {
  const all = { [BOSS]: [to('A'), wait], A: [to(...workers(count)), wait], ...lines };
  const society = await Society.start({ plan: group(count), answer: script(all), ...more });
  await society.settle();
  return society;
};

const askedOf = (society: Society, name: string): number =>
  society.requests.filter(({ agent }) => agent === name).length;

test('what an Admin says to a text of its subordinate goes up at once when nobody of its group is at work', async () => {
  const society = await play(1, {
    A: [to('W1'), wait, prose('To my supervisor: the answer is forty-two.')],
    W1: [prose('It is 42.')],
  });
  expect(mailsOf(society, 'A')).toContain('W1: It is 42.');
  expect(mailsOf(society, BOSS)).toContain('A: To my supervisor: the answer is forty-two.');
  expect(society.quietRounds).toBe(0);
  // It has climbed the whole tree, and ends there.
  expect(askedOf(society, BOSS)).toBe(3);
});

test('of five that report one after the other the Boss hears once, with everything that was said', async () => {
  const society = await play(5, {
    A: [to(...workers(5)), wait, ...workers(5).map((name) => prose(`${name} says that it is done.`))],
    ...Object.fromEntries(workers(5).map((name) => [name, [prose(`Done by ${name}.`)]])),
  });
  const comments = workers(5).map((name) => `A: ${name} says that it is done.`);
  expect(askedOf(society, 'A')).toBe(2 + 5);
  expect(mailsOf(society, BOSS)).toContain(comments.join('\n'));
  expect(askedOf(society, BOSS)).toBe(3);
});

test('while others are at work it is kept, and goes up when all is quiet if nothing else has gone up', async () => {
  const society = await play(2, {
    A: [to('W1', 'W2'), wait, prose('W1 has the answer: 42.')],
    W1: [prose('It is 42.')],
    W2: [wait],
  });
  expect(askedOf(society, BOSS)).toBe(2);
  const { mails } = await society.roster.do('quiet', {});
  expect(mails.map(({ to: { name }, mail }) => [name, mail.from, mail.text, mail.more])).toEqual([
    [BOSS, 'A', 'W1 has the answer: 42.', undefined],
  ]);
  // Handed out once; after that the quiet moments are what they were.
  expect((await society.roster.do('quiet', {})).mails.map(({ mail }) => mail.kind)).toEqual(['nudge', 'nudge']);
});

test('quiet moments see to it so often; whoever goes on like that is heard at once', async () => {
  const remarks = workers(9).map((name) => prose(`Remark ${name}.`));
  const society = await play(2, { W2: [wait], A: [to('W1', 'W2'), wait, ...remarks] });
  for (let round = 1; round <= 4; round += 1) {
    society.deliver('A', { from: 'W1', kind: null, text: 'again', handback: true });
    await society.settle();
    const at = await society.roster.do('quiet', {});
    expect(at.mails.some(({ mail }) => mail.text === `Remark W${round}.`)).toBe(round <= 3);
  }
  expect(mailsOf(society, BOSS)).toContain('A: Remark W4.');
});

test.each([
  [
    'a message to its supervisor',
    tools(call('talk', { messages: [{ to: 'supervisor', content: 'A second thing.' }] })),
  ],
  ['an answer to somebody else', prose('A second thing.')],
])('what was kept goes with %s', async (_, next) => {
  const society = await play(2, {
    A: [to('W1', 'W2'), wait, prose('W1 has the answer: 42.'), next, wait],
    W1: [prose('It is 42.')],
    W2: [wait],
  });
  society.deliver('A', { from: 'user', kind: null, text: 'What do you have?' });
  await society.settle();
  expect(mailsOf(society, BOSS)).toContain('A: W1 has the answer: 42.\nA: A second thing.');
  expect(askedOf(society, BOSS)).toBe(3);
});

test('what was kept goes with what is handed in, and with the end of who has said it', async () => {
  const lines = { A: [to('W1', 'W2'), wait, prose('W1 has the answer: 42.')], W1: [prose('It is 42.')], W2: [wait] };
  const closing = await play(2, {
    ...lines,
    A: [
      ...lines.A,
      tools(call('retire_agent', { name: 'W1', reason: 'done' }), call('retire_agent', { name: 'W2', reason: 'done' })),
      tools(call('terminate', { summary: 'all' })),
    ],
  });
  closing.deliver('A', { from: 'user', kind: null, text: 'Come to an end.' });
  await closing.settle();
  expect(mailsOf(closing, BOSS)).toContain('system: [review] agent=A round=1');
  expect(mailsOf(closing, BOSS)).toContain('A: W1 has the answer: 42.');
  expect(askedOf(closing, BOSS)).toBe(3);

  const ended = await play(2, lines);
  const { notices } = await ended.roster.do('failed', { agent: 'A', why: 'crash' });
  expect(notices.map(({ mail }) => mail.text)).toContain('W1 has the answer: 42.');
});

test('what is kept survives a crash at every point and is neither lost nor doubled', async () => {
  let points = 0;
  for (let at = 1; at <= points + 1; at += 1) {
    points = 0;
    const crash = (point: string): void => {
      if (!/ A\b|quiet|handback/u.test(point)) return;
      points += 1;
      if (points === at) throw new Crash(point);
    };
    const lines = { A: [to('W1', 'W2'), wait, prose('It is 42, says W1.')], W1: [prose('It is 42.')], W2: [wait] };
    const society = await Society.start({
      plan: group(2),
      answer: script({ [BOSS]: [to('A'), wait], ...lines }),
      limits: { nudgesPerAgentMax: 1, finalReviewsMax: 1 },
      crash,
    });
    await society.run();
    const heard = mailsOf(society, BOSS).split('\n');
    expect(heard.filter((line) => line === 'A: It is 42, says W1.')).toHaveLength(1);
  }
  expect(points).toBeGreaterThan(20);
});

test('texts climb every level of a deep tree once', async () => {
  const names = ['A', 'B', 'C', 'D'];
  const plan = planWith(
    names.map((name, index) => ({ name, ...(index === 0 ? {} : { supervisor: names[index - 1] ?? BOSS }) })),
  );
  const lines = Object.fromEntries(
    names.map((name, index) => [
      name,
      index < 3 ? [to(names[index + 1] ?? ''), wait, prose(`${name} passes on.`)] : [],
    ]),
  );
  const answer = script({ [BOSS]: [to('A'), wait], ...lines, D: [prose('It is 42.')] });
  const society = await Society.start({ plan, answer });
  await society.settle();
  expect(mailsOf(society, BOSS)).toContain('A: A passes on.');
  expect(society.requests).toHaveLength(3 + 3 * 3 + 1);
});
