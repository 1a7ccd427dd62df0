import { describe, expect, test } from 'vitest';
import type { ChatRequest } from '../../src/model/types.ts';
import { applyCommand, BOSS, defaultPollIntervalMs, emptyRoster, limitsWith } from '../../src/society/index.ts';
import { bootstrap, makePlan, plannerRequest } from '../../actors/planner.ts';
import { planWith } from '../society/arbitraries.ts';
import { badJson, call, cutOff, empty, prose, refusal, tools } from './answers.ts';

const limits = limitsWith({ agentsMax: 10 });
const input = { goal: 'build a city', run: 'r', limits };
const good = { goal: 'g', agents: [{ name: 'A', description: 'd', initial_prompt: 'p' }], items: [] };

test('the request: header name, facts, one tool with a schema', () => {
  const request = plannerRequest({ ...input, goal: 'build\na city' });
  expect(request.agent).toBe('_planner');
  const prompt = request.messages[0]?.content ?? '';
  for (const fact of ['- goal: build a city', '- agents: 10', '- fan-out: 128', '- depth: 6'])
    expect(prompt.split('\n')).toContain(fact);
  expect(prompt.endsWith('# Your task\nbuild\na city')).toBe(true);
  expect(request.messages[1]).toEqual({ role: 'user', content: 'user: build a city' });
  expect(request.tools).toHaveLength(1);
  expect(request.tools[0]?.function).toMatchObject({
    name: 'submit_plan',
    parameters: {
      type: 'object',
      required: ['goal', 'agents'],
      properties: { agents: { items: { required: ['name', 'description', 'initial_prompt'] } } },
    },
  });
});

describe('makePlan', () => {
  const ask = async (...answers: ReturnType<typeof prose>[]) => {
    const requests: ChatRequest[] = [];
    const planning = await makePlan(input, async (request, attempt) => {
      expect(attempt).toBe(requests.length);
      requests.push(request);
      return answers[attempt] ?? empty();
    });
    return { planning, requests };
  };

  test('a good plan at once', async () => {
    const { planning } = await ask(tools(call('submit_plan', good)));
    expect(planning).toMatchObject({
      calls: 1,
      usage: { input: 10, cachedInput: 4, output: 2 },
      issues: [],
      synthetic: true,
    });
    expect(planning.plan?.agents[0]).toMatchObject({ name: 'A', supervisor: BOSS });
  });

  test('a bad plan is told why, and repaired', async () => {
    const bad = { ...good, agents: [{ ...good.agents[0], supervisor: 'Nobody' }] };
    const { planning, requests } = await ask(tools(call('submit_plan', bad)), tools(call('submit_plan', good)));
    expect(planning.plan).not.toBeNull();
    const second = requests[1]?.messages ?? [];
    expect(second.map((message) => message.role)).toEqual(['system', 'user', 'assistant', 'tool']);
    expect(second.at(-1)?.content).toContain('no agent \\"Nobody\\"');
  });

  test('a plan that was cut off is told so', async () => {
    const { planning, requests } = await ask(cutOff('submit_plan', '{"goal": '), tools(call('submit_plan', good)));
    expect(planning.plan).not.toBeNull();
    expect(requests[1]?.messages.at(-1)?.content).toContain('plan fewer agents');
  });

  test.each([
    ['prose', prose('I would plan it like this.')],
    ['nothing', empty()],
    ['a refusal', refusal()],
    ['broken JSON', badJson('submit_plan', '{"goal": ')],
    ['another tool', tools(call('talk', {}))],
  ])('%s for ever: no plan after three answers', async (_, answer) => {
    const { planning, requests } = await ask(answer, answer, answer);
    expect(planning).toMatchObject({ plan: null, calls: 3 });
    expect(planning.issues).toHaveLength(1);
    expect(requests).toHaveLength(3);
    expect(requests[2]?.messages.length).toBeGreaterThan(requests[1]?.messages.length ?? 0);
  });

  test('what the model service throws goes to the caller', async () => {
    await expect(makePlan(input, () => Promise.reject(new Error('no server')))).rejects.toThrow('no server');
  });
});

test('bootstrap: the Boss first, everybody under its supervisor, the Boss woken', () => {
  const plan = planWith(
    [
      { name: 'A', slots: 2, files: ['a.md'], collaborators: ['B'] },
      { name: 'B', slots: 0 },
      { name: 'A1', supervisor: 'A' },
    ],
    [{ id: '1', text: 'write', owner: 'A' }],
  );
  const { result } = applyCommand(emptyRoster(), 'found', { plan, shards: 4, reviews: true, limits });
  const settings = { run: 'r', reviews: true, limits, pollIntervalMs: defaultPollIntervalMs };
  const first = bootstrap(plan, result.hired, 'build\na city', settings);
  expect(
    first.agents.map(({ init, definition, parent }) => [init.name, definition.export, parent?.name ?? null]),
  ).toEqual([
    [BOSS, 'boss', null],
    ['A', 'admin', BOSS],
    ['B', 'ordinary', BOSS],
    ['A1', 'admin', 'A'],
  ]);
  const [boss, a] = first.agents;
  expect(boss?.init).toMatchObject({ supervisor: 'user', planned: ['A', 'B'], slots: 5 });
  expect(boss?.init.initialPrompt).toContain('build\na city');
  expect(boss?.init.initialPrompt).toContain('- 1 (A): write');
  expect(a?.init).toMatchObject({
    supervisor: BOSS,
    planned: ['A1'],
    files: ['a.md'],
    checklist: [{ id: '1', status: 'todo' }],
  });
  // Those it works with and those below it are described (O1); whom it works with is not told of twice.
  expect(a?.init.initialPrompt).toBe(
    'do it\n\nYou are responsible for: a.md\n\nYou work with:\n- B: does something\n\nUnder you:\n- A1: does something',
  );
  expect(first.agents[2]?.init.initialPrompt).toBe('do it\n\nYou work with:\n- A: does something (a.md)');
  expect(first.agents[3]?.init.initialPrompt).toBe('do it');
  expect(a?.options).toMatchObject({
    name: 'A',
    id: a?.address.id,
    durable: true,
    restart: 'transient',
    pollIntervalMs: 20,
  });
  expect(first.mail.map(({ to, mail }) => [to.name, mail.kind])).toEqual([[BOSS, 'start']]);
  // What leaves this function goes into the journal.
  expect(structuredClone(first.agents.map(({ init, options }) => ({ init, options })))).toHaveLength(4);
});
