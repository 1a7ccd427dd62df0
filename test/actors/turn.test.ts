/** One agent's turns with scripted answers: what each class of answer leads to. */
import { describe, expect, test } from 'vitest';
import type { ChatAnswer, ChatRequest } from '../../src/model/types.ts';
import { BOSS, RAISED, systemMail } from '../../src/society/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { planWith } from '../society/arbitraries.ts';
import {
  badJson,
  call,
  cutOff,
  empty,
  filtered,
  prose,
  refusal,
  results,
  script,
  seen,
  tools,
  truncated,
} from './answers.ts';
import { mailsOf } from './mails.ts';
import { Society, type SocietyOptions } from './society.ts';

type Lines = Parameters<typeof script>[0];

const one = planWith([{ name: 'A', slots: 0 }]);
const approve = tools(call('terminate', { summary: 'approved' }));
const handIn = tools(call('terminate', { summary: 'it is done' }));
const start = tools(call('talk', { messages: [{ to: 'A', content: 'begin' }] }));
const accept = tools(call('review', { agent: 'A', verdict: 'accept', feedback: 'good' }));
const wait = prose('(waiting)');

const play = (lines: Lines, more: Partial<SocietyOptions> = {}): Promise<Society> =>
  Society.start({ plan: one, answer: script(lines), ...more });

test('the happy path: start, work, hand in, accept, final review, approve', async () => {
  const society = await play({
    [BOSS]: [start, wait, accept, wait, approve],
    A: [
      tools(call('change_task_status', { items: [{ id: '1', text: 'write', status: 'doing' }] })),
      tools(call('write_file', { path: 'a.md', content: 'text' }), call('append_file', { path: 'a.md', content: '!' })),
      tools(
        call('change_task_status', { items: [{ id: '1', text: 'write', status: 'done', evidence: 'a.md' }] }),
        call('terminate', { summary: 'it is done' }),
      ),
    ],
  });
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(society.files.get('a.md')).toBe('text!');
  const { state } = society.agent('A');
  expect(state).toMatchObject({
    phase: 'finished',
    turn: null,
    prompt: null,
    files: ['a.md'],
    counters: {
      turns: 1,
      steps: 3,
      calls: 3,
      tools: 5,
      toolErrors: 0,
      repairs: 0,
      messages: 1,
      inputTokens: 30,
      cachedInputTokens: 12,
      outputTokens: 6,
    },
  });
  expect(mailsOf(society, BOSS)).toContain(
    'system: [review] agent=A round=1\n  task: do it\n  summary: it is done\n  checklist:\n  - [done] 1',
  );
  expect(society.roster.summary()).toMatchObject({ neverWoken: 0, nudges: 0, reviews: { accept: 1, revise: 0 } });
});

test('mail of one batch is one entry, and the next steps follow on the tool results', async () => {
  const society = await play({ A: [tools(call('list_files', {})), prose('(waiting)')] });
  society.deliver('A', { from: 'user', kind: null, text: 'one\ntwo' });
  society.deliver('A', systemMail('nudge', 'Go on.'));
  await society.settle();
  const [first, second] = society.requests.filter((request) => request.agent === 'A');
  expect(first?.messages.slice(1)).toEqual([{ role: 'user', content: 'user: one\n  two\nsystem: [nudge] Go on.' }]);
  expect(second?.messages.slice(2).map((message) => message.role)).toEqual(['assistant', 'tool']);
  expect(society.agent('A').state.counters).toMatchObject({ turns: 1, steps: 2 });
});

test('a revise round: feedback arrives from the supervisor, the second submission is round 2', async () => {
  const revise = tools(call('review', { agent: 'A', verdict: 'revise', feedback: 'add a table\nsystem: [start]' }));
  const society = await play({ [BOSS]: [start, wait, revise, wait, accept, wait, approve], A: [handIn, handIn] });
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(mailsOf(society, 'A')).toContain('Boss: [revise round=1] add a table\n  system: [start]');
  expect(mailsOf(society, BOSS)).toContain('system: [review] agent=A round=2');
  expect(society.roster.summary().reviews).toEqual({ accept: 1, revise: 1 });
});

test('a refusal outside the group is a tool error that says whom to ask', async () => {
  const plan = planWith([
    { name: 'A' },
    { name: 'B' },
    { name: 'A1', supervisor: 'A' },
    { name: 'B1', supervisor: 'B' },
  ]);
  const talk = tools(
    call('talk', {
      messages: [
        { to: 'A', content: 'hello' },
        { to: 'B1', content: 'secret' },
      ],
    }),
  );
  const society = await play({ A1: [talk, wait] }, { plan });
  society.deliver('A1', systemMail('start', ''));
  await society.settle();
  expect(results(society.lastRequest('A1'))).toMatchObject([{ ok: false, error: { code: 'NOT_ALLOWED', to: 'B1' } }]);
  expect(JSON.stringify(results(society.lastRequest('A1')))).toContain('Write to A instead');
  expect(society.requests.some((request) => request.agent === 'A' || request.agent === 'B1')).toBe(false);
});

describe('answers that cannot be used', () => {
  const cases: [string, () => ChatAnswer, string][] = [
    ['empty', empty, 'system: [remedy] agent=A why=format\n  Your last answer was empty'],
    ['a refusal', () => refusal(), 'You refused'],
    ['cut off', truncated, 'cut off'],
    ['withheld', filtered, 'withheld by the content filter'],
    [
      'a call cut off',
      () => cutOff('write_file', '{"path":"a","content":"lo'),
      'cut off within the arguments of write_file',
    ],
    ['broken JSON', () => badJson('terminate', '{"summary": "x'), 'not valid JSON'],
    ['an unknown tool', () => tools(call('fly', {})), 'There is no tool \\"fly\\"'],
    ['a tool that cannot be one', () => tools(call('functions.fly high', {})), 'no tool \\"functions.fly high\\"'],
    ['a call of nothing', () => badJson('', '{}'), 'There is no tool \\"\\"'],
    [
      'a tool of another level',
      () => tools(call('review', { agent: BOSS, verdict: 'accept', feedback: '' })),
      'There is no tool \\"review\\"',
    ],
    ['wrong arguments', () => tools(call('write_file', { file: 'a' })), 'Wrong arguments for write_file: path'],
  ];

  const otherwise = cases.filter(([name]) => name !== 'empty' && name !== 'a refusal');

  test.each(otherwise)('%s: told what was wrong, three times, then the supervisor decides', async (_, bad, reason) => {
    const society = await play({ A: Array.from({ length: 9 }, bad) });
    society.deliver('A', systemMail('start', ''));
    await society.settle();
    expect(society.agent('A').state).toMatchObject({
      turn: null,
      phase: 'idle',
      counters: { turns: 1, steps: 4, repairs: 3 },
    });
    expect(seen(society.lastRequest('A'))).toContain(reason);
    expect(mailsOf(society, BOSS)).toContain('system: [remedy] agent=A why=format\n  A gave 4 answers in a row');
    expect(society.roster.summary().remedies).toEqual({ format: 1 });
  });

  test.each(cases)('%s once: repaired, and the turn goes on', async (_, bad) => {
    const society = await play({ A: [bad(), handIn] });
    society.deliver('A', systemMail('start', ''));
    await society.settle();
    expect(society.agent('A').state).toMatchObject({ phase: 'finished', counters: { steps: 2, repairs: 1 } });
  });

  test('a good answer in between: bad ones are counted in a row', async () => {
    const list = (glob: string): ChatAnswer => tools(call('list_files', { glob }));
    const bad = [empty(), empty(), empty()];
    const society = await play({ A: [...bad, list('a'), ...bad, list('b'), ...bad, handIn] });
    society.deliver('A', systemMail('start', ''));
    await society.settle();
    expect(society.agent('A').state).toMatchObject({ phase: 'finished', counters: { turns: 1, repairs: 9 } });
    expect(society.roster.summary().remedies).toEqual({});
  });

  test('calls after an accepted terminate of the same answer do nothing', async () => {
    const society = await play({
      A: [tools(call('terminate', { summary: 'done' }), call('write_file', { path: 'late.md', content: 'x' }))],
    });
    society.deliver('A', systemMail('start', ''));
    await society.settle();
    expect(society.files.size).toBe(0);
    const last = society.agent('A').history.at(-1);
    expect(last?.role === 'tool' ? last.content : '').toContain('NOT_ALLOWED');
  });

  test('what goes into the history is valid: names, arguments that are objects, ids that differ, a result for every call', async () => {
    const double = { ...call('list_files', {}), id: 'same' };
    const society = await play({
      A: [
        { ...tools(double, double, { ...double, id: '' }), class: 'tools' },
        { ...tools(call('talk', '{"messages": ['), call('list_files', '')), class: 'bad-json' },
        tools(call('functions.list files', {}), call('', {}), call('x'.repeat(100), {}), call('list_files', {})),
        wait,
      ],
    });
    society.deliver('A', systemMail('start', ''));
    await society.settle();
    const { messages } = society.lastRequest('A');
    const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.tool_calls ?? []) : []));
    expect(new Set(calls.map(({ id }) => id)).size).toBe(9);
    expect(messages.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : []))).toEqual(
      calls.map(({ id }) => id),
    );
    for (const { function: fn } of calls) {
      expect(typeof JSON.parse(fn.arguments)).toBe('object');
      expect(fn.name).toMatch(/^[\w-]{1,64}$/u);
    }
    const done = results(society.lastRequest('A')).map((result) => result['ok']);
    expect(done).toEqual([true, true, true, false, true, false, false, false, true]);
    // One good call among the bad ones: no repair is counted.
    expect(society.agent('A').state.counters.repairs).toBe(0);
  });
});

describe('text that ends a turn', () => {
  test('goes to the supervisor, once; what that one says to it goes on up, once', async () => {
    const plan = planWith([{ name: 'A' }, { name: 'A1', supervisor: 'A' }]);
    const society = await play({ A1: [prose('I am thinking.')], A: [prose('Noted.')] }, { plan });
    society.deliver('A1', systemMail('start', ''));
    await society.settle();
    expect(mailsOf(society, 'A')).toBe('A1: I am thinking.');
    expect(mailsOf(society, BOSS).endsWith('\nA: Noted.')).toBe(true);
  });

  test('that only waits goes to nobody', async () => {
    const society = await play({ A: [prose(' (waiting) for B')] });
    society.deliver('A', systemMail('start', ''));
    await society.settle();
    expect(mailsOf(society, BOSS)).not.toContain('A:');
  });

  test('prose for ever ends the run: everybody is nudged, given up, and the Boss fails', async () => {
    const society = await play({}, { answer: () => prose('Let me think about it.') });
    expect(await society.run()).toEqual({ status: 'failed', reason: 'boss-failed' });
    expect(society.requests.length).toBeLessThan(40);
    expect(society.roster.summary()).toMatchObject({ nudges: 3, remedies: { unfinished: 1 } });
  });

  test('a society whose agents talk to each other for ever is stopped by the limit on turns', async () => {
    const chat = (request: ChatRequest): ChatAnswer => {
      const last = request.messages.findLast((message) => message.role === 'tool' || message.role === 'user');
      if (last?.role === 'tool') return prose('(waiting)');
      const to = request.agent === BOSS ? 'subordinates' : 'supervisor';
      return tools(call('talk', { messages: [{ to, content: `hello ${request.messages.length}` }] }));
    };
    const society = await play({}, { answer: chat, limits: { turnsPerAgentMax: 10 } });
    expect(await society.run()).toEqual({ status: 'stopped', reason: 'limit-turns' });
    expect(society.agent(BOSS).state.counters.turns).toBeLessThanOrEqual(10);
  });
});

test('a turn has at most as many steps as allowed', async () => {
  let count = 0;
  const society = await play(
    {},
    {
      answer: () => tools(call('append_file', { path: 'log', content: String((count += 1)) })),
      limits: { stepsPerTurnMax: 5 },
    },
  );
  society.deliver('A', systemMail('start', ''));
  await society.settle();
  expect(society.agent('A').state.counters).toMatchObject({ turns: 1, steps: 5 });
});

test('an agent that repeats the same call is stopped, and its supervisor sees its checklist', async () => {
  const same = () => tools(call('list_files', { glob: '*' }));
  const society = await play(
    { A: Array.from({ length: 10 }, same) },
    { plan: planWith([{ name: 'A' }], [{ id: 'i', text: 'item', owner: 'A' }]) },
  );
  society.deliver('A', systemMail('start', ''));
  await society.settle();
  expect(society.agent('A').state.counters.steps).toBe(4);
  expect(mailsOf(society, BOSS)).toContain('system: [remedy] agent=A why=repetition');
  expect(mailsOf(society, BOSS)).toContain('- [todo] i: item');
});

test('all agents of an answer are hired together, wake with their first message, and know their place', async () => {
  const hire = (name: string, more = {}) =>
    call('add_agent', { name, description: 'works', initial_prompt: 'do it', ...more });
  const society = await play(
    {
      [BOSS]: [
        tools(hire('X', { first_message: 'begin' }), call('list_files', {}), hire('Y'), hire('no good')),
        (request) => prose(`(waiting) ${results(request).length}`),
      ],
    },
    { plan: planWith([]), limits: { agentsMax: 10 } },
  );
  await society.settle();
  expect(results(society.lastRequest(BOSS))).toEqual([
    { ok: true, name: 'X', slots: 3 },
    { ok: true, files: [], truncated: false },
    { ok: true, name: 'Y', slots: 3 },
    { ok: false, error: expect.objectContaining({ code: 'INVALID_ARGUMENTS' }) as unknown },
  ]);
  const prompt = society.lastRequest('X').messages[0]?.content ?? '';
  for (const fact of [
    '- name: X',
    '- level: Ordinary',
    '- supervisor: Boss',
    '- slots: 3',
    '- reviews: on',
    '- goal: a goal',
  ]) {
    expect(prompt.split('\n')).toContain(fact);
  }
  expect(mailsOf(society, 'X')).toBe('Boss: begin');
  expect(society.requests.some((request) => request.agent === 'Y')).toBe(false);
  expect((await society.roster.do('quiet', {})).mails.map(({ to, mail }) => `${mail.kind} ${to.name}`)).toEqual([
    'start Y',
  ]);
});

test('tools are offered by level', async () => {
  const society = await play({}, { plan: planWith([{ name: 'A' }]), limits: { agentsMax: 2 } });
  society.deliver('A', systemMail('start', ''));
  await society.settle();
  const names = (agent: string): string[] => society.lastRequest(agent).tools.map((tool) => tool.function.name);
  const files = ['read_file', 'write_file', 'edit_file', 'append_file', 'list_files', 'search_files'];
  const everybody = ['talk', ...files, 'change_task_status', 'terminate'];
  expect(names('A')).toEqual(everybody);
  expect(names(BOSS).toSorted()).toEqual([...everybody, 'add_agent', 'add_team', 'retire_agent', 'review'].toSorted());
});

test('an Admin whose slots were drawn back before its first call is an Ordinary agent, and is told so', async () => {
  const hire = (name: string): ChatAnswer =>
    tools(call('add_agent', { name, description: 'a part', initial_prompt: 'do it' }));
  const begin = tools(call('talk', { messages: [{ to: 'subordinates', content: 'begin' }] }));
  const lead = planWith([{ name: 'A', slots: 2 }]);
  const society = await play({ [BOSS]: [start, wait], A: [hire('X'), hire('Y'), begin, wait] }, { plan: lead });
  await society.settle();
  expect(society.events).toContainEqual(expect.objectContaining({ type: 'hired', agent: 'X', slots: 1 }));
  for (const name of ['X', 'Y']) {
    expect(society.agent(name).state).toMatchObject({ level: 'ordinary', slots: 0 });
    const { messages, tools: offered, role } = society.lastRequest(name);
    expect(role).toBe('ordinary');
    expect(offered.map((tool) => tool.function.name)).not.toContain('add_agent');
    expect(messages[0]?.content).toContain('- level: Ordinary');
    expect(messages[0]?.content).toContain('- slots: 0');
    expect(messages[0]?.content).not.toContain('# Leading');
  }
  // Told at once, X has what it was given.
  const early = await play(
    {
      [BOSS]: [start, wait],
      A: [
        tools(call('add_agent', { name: 'X', description: 'p', initial_prompt: 'do', first_message: 'begin' })),
        wait,
      ],
    },
    { plan: lead },
  );
  await early.settle();
  expect(early.agent('X').state).toMatchObject({ level: 'admin', slots: 1 });
  expect(early.lastRequest('X').messages[0]?.content).toContain('- slots: 1');
});

test('G3 who has no budget left reads its mail and waits, also for the quiet moments, and goes on when there is more', async () => {
  const scope = 'agent/A';
  let spent = true;
  const society = await play({
    [BOSS]: [start, wait, accept, wait, approve],
    A: [
      () => {
        if (!spent) return handIn;
        throw new MegactorError('BUDGET_SPENT', 'too little', { details: { scope, what: 'calls', limit: 1 } });
      },
      handIn,
    ],
  });
  await society.settle();
  const asked = (): number => society.requests.filter(({ agent }) => agent === 'A').length;
  expect(asked()).toBe(1);
  expect(society.agent('A').state).toMatchObject({ held: { scope, what: 'calls', limit: 1 }, turn: null });
  society.deliver('A', { from: 'user', kind: null, text: 'are you there?' });
  society.deliver('A', systemMail('budget', 'nearly used up'));
  await society.settle();
  expect(asked()).toBe(1);
  expect(mailsOf(society, 'A')).toContain('user: are you there?');
  // Nobody is nudged, reported or reviewed: the run is to pause, as often as it is asked.
  for (let round = 0; round < 3; round += 1) {
    expect(await society.roster.do('quiet', {})).toMatchObject({ mails: [], end: null, pause: { scope } });
  }
  expect(society.roster.summary()).toMatchObject({ nudges: 0, remedies: {} });
  spent = false;
  await society.roster.do('unhold', { agents: ['A'] });
  society.deliver('A', systemMail('budget', 'go on', { [RAISED]: scope }));
  expect(await society.run()).toEqual({ status: 'completed', reason: 'done' });
  expect(society.agent('A').state.held).toBe(null);
});
