/** Hiring in teams and letting go, with scripted answers: what the tools tell, and who gets which mail. */
import { expect, test } from 'vitest';
import { BOSS, systemMail } from '../../src/society/index.ts';
import { planWith } from '../society/arbitraries.ts';
import { call, prose, results, script, seen, tools } from './answers.ts';
import { mailsOf } from './mails.ts';
import { Crash, Society, type SocietyOptions } from './society.ts';

type Lines = Parameters<typeof script>[0];

const wait = prose('(waiting)');
const handIn = (summary: string) => tools(call('terminate', { summary }));
const accept = (agent: string) => tools(call('review', { agent, verdict: 'accept', feedback: 'good' }));
const team = (items: readonly string[]) =>
  tools(call('add_team', { name: 'City', description: 'describes a city', initial_prompt: 'Describe it.', items }));
const member = (file: string) => [tools(call('write_file', { path: file, content: 'text' })), handIn(`wrote ${file}`)];

const play = (lines: Lines, more: Partial<SocietyOptions> = {}): Promise<Society> =>
  Society.start({ plan: planWith([]), answer: script(lines), ...more });

/** All that the model of `name` was told by mail. */
const lines: Lines = {
  [BOSS]: [
    team(['Athens', 'Sparta']),
    wait,
    accept('City_1'),
    wait,
    accept('City_2'),
    handIn('all'),
    handIn('approved'),
  ],
  City_1: member('athens.md'),
  City_2: member('sparta.md'),
};

test('a team starts at once, each member with its item, and its results come with the last review (T2)', async () => {
  const society = await play(lines);
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  const asked = society.requests.find(({ agent }) => agent === 'City_2');
  expect(asked?.messages[0]?.content).toContain(
    'Describe it.\n\nCity_1 to City_2 do the same, each for its own item.\nYour item, 2 of 2: Sparta',
  );
  expect(mailsOf(society, 'City_2')).toBe('system: [start] Begin with your task.');
  const collected = seen(society.lastRequest(BOSS));
  expect(collected).toContain('City_1 (Athens): accepted; files athens.md; wrote athens.md');
  expect(collected).toContain('City_2 (Sparta): accepted; files sparta.md; wrote sparta.md');
  expect(society.roster.summary()).toMatchObject({ agents: 3, nudges: 0, neverWoken: 0 });
});

test('without reviews the list comes as mail', async () => {
  const society = await play(
    { ...lines, [BOSS]: [team(['Athens', 'Sparta']), wait, wait, handIn('all')] },
    { reviews: false },
  );
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(mailsOf(society, BOSS)).toContain(
    'system: [hired] team=City members=2 accepted=0\n  Everybody of the team City',
  );
});

test('recruits of one answer are described to each other (O1)', async () => {
  const hire = (name: string) =>
    call('add_agent', { name, description: `works on ${name}`, initial_prompt: 'Do it.', first_message: 'Begin.' });
  const society = await play({ [BOSS]: [tools(hire('X'), hire('Y')), tools(hire('Z')), wait] });
  await society.settle();
  const taskOf = (name: string): string =>
    society.requests.find(({ agent }) => agent === name)?.messages[0]?.content?.split('# Your task\n')[1] ?? '';
  expect(taskOf('X')).toBe('works on X\n\nDo it.\n\nHired with you:\n- Y: works on Y');
  expect(taskOf('Y')).toBe('works on Y\n\nDo it.\n\nHired with you:\n- X: works on X');
  expect(taskOf('Z')).toBe('works on Z\n\nDo it.');
});

test('a task that is cut off keeps what is said of colleagues', async () => {
  const long = { name: 'City', description: 'd', initial_prompt: 'x'.repeat(500), items: ['Athens', 'Sparta'] };
  const society = await play({ [BOSS]: [tools(call('add_team', long)), wait] }, { limits: { promptCharsMax: 200 } });
  await society.settle();
  const prompt = society.requests.find(({ agent }) => agent === 'City_1')?.messages[0]?.content ?? '';
  expect(prompt).toMatch(/x\n\nCity_1 to City_2 do the same, each for its own item\.\nYour item, 1 of 2: Athens$/u);
  expect(prompt.split('# Your task\nd\n\n')[1]).toHaveLength(200);
});

test('too many items: the error says how many there may be, and nobody is there', async () => {
  const society = await play({ [BOSS]: [team(['a', 'b', 'c']), wait] }, { limits: { agentsMax: 3 } });
  await society.settle();
  expect(results(society.lastRequest(BOSS))).toMatchObject([{ ok: false, error: { code: 'LIMIT', remaining: 2 } }]);
  expect(society.actors.size).toBe(1);
});

test('a team hired while the process dies at any point is there once, whole', async () => {
  const whole = await play(lines);
  await whole.run();
  for (let at = 1; at <= 12; at += 1) {
    let points = 0;
    const crash = (point: string): void => {
      if (point.includes(BOSS) || point.includes('team')) points += 1;
      if (points === at) {
        points += 1;
        throw new Crash(point);
      }
    };
    const society = await play(lines, { crash });
    expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
    expect([...society.actors.values()].map(({ ref }) => ref.name).toSorted()).toEqual(['Boss', 'City_1', 'City_2']);
    expect([...society.files.keys()].toSorted()).toEqual(['athens.md', 'sparta.md']);
  }
});

test('what an earlier version recorded of a retirement says nothing of planned files', async () => {
  const retire = tools(call('retire_agent', { name: 'A', reason: 'not needed' }));
  const society = await play({ [BOSS]: [retire, wait] }, { plan: planWith([{ name: 'A' }]) });
  const roster = society.roster as { do: (...args: unknown[]) => Promise<object> };
  const now = roster.do.bind(roster);
  roster.do = async (...args) => {
    const { notWritten: _, ...earlier } = (await now(...args)) as { notWritten?: unknown };
    return earlier;
  };
  await society.settle();
  expect(results(society.lastRequest(BOSS))).toEqual([{ ok: true }]);
});

test('who was let go reads no more mail, and what it still says is refused with whom to ask (L3)', async () => {
  const plan = planWith([{ name: 'A', slots: 0 }, { name: 'B' }], [{ id: '1', text: 'draw the map', owner: 'A' }]);
  const retire = tools(call('retire_agent', { name: 'A', reason: 'not needed' }));
  const talk = tools(call('talk', { messages: [{ to: 'B', content: 'one more thing' }] }));
  const society = await play({ [BOSS]: [retire, wait], A: [talk, handIn('never')] }, { plan });
  await society.settle();
  expect(results(society.lastRequest(BOSS))).toMatchObject([{ ok: true, left_open: ['1: draw the map'] }]);
  expect(society.events).toContainEqual(expect.objectContaining({ type: 'retired', agent: 'A', by: BOSS }));
  expect(society.agent('A').state).toMatchObject({ phase: 'retired', counters: { calls: 0 } });
  society.deliver('A', systemMail('start', 'late'));
  await society.settle();
  expect(society.requests.some(({ agent }) => agent === 'A')).toBe(false);
});

test('an agent that is let go in the middle of its turn ends it with its next word to others (L3)', async () => {
  const plan = planWith([
    { name: 'A', slots: 0 },
    { name: 'B', slots: 0 },
  ]);
  let society: Society | null = null;
  const talk = tools(call('talk', { messages: [{ to: 'B', content: 'one more thing' }] }));
  const answers = script({ A: [talk, handIn('never')] });
  society = await Society.start({
    plan,
    answer: async (request) => {
      // It is let go while its model thinks.
      if (request.agent === 'A') await society?.roster.do('retire', { by: BOSS, agent: 'A', reason: 'r' });
      return request.agent === BOSS ? wait : answers(request);
    },
  });
  society.deliver('A', systemMail('start', 'go'));
  await society.settle();
  expect(society.agent('A').state).toMatchObject({ phase: 'retired', turn: null, counters: { calls: 1, messages: 0 } });
  expect(society.agent('A').history.at(-1)?.content).toContain('Boss answers for your work now.');
  expect(society.requests.some(({ agent }) => agent === 'B')).toBe(false);
});
