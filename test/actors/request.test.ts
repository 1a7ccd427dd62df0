/** The window of the history, the situation, the facts: what a model is shown. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../src/model/types.ts';
import { agentStateSchema, defaultPollIntervalMs, limitsWith, type GroupView } from '../../src/society/index.ts';
import { initialState } from '../../actors/agent.ts';
import type { AgentInit } from '../../actors/agent-types.ts';
import { agentPrompt } from '../../actors/prompts/agent.ts';
import { situation } from '../../actors/prompts/situation.ts';
import { buildRequest, estimateTokens, windowStartOf } from '../../actors/request.ts';

const init = (more: Partial<AgentInit> = {}): AgentInit => ({
  name: 'Health',
  level: 'admin',
  above: [],
  depth: 1,
  supervisor: 'Boss',
  slots: 3,
  description: 'Leads health.',
  initialPrompt: 'Write h.md.',
  files: [],
  planned: [],
  checklist: [],
  settings: { run: 'r', goal: 'a goal', reviews: true, limits: limitsWith(), pollIntervalMs: defaultPollIntervalMs },
  ...more,
});

describe('the prompt', () => {
  const facts = (prompt: string): string[] =>
    prompt
      .slice(0, prompt.indexOf('# Your task'))
      .split('\n')
      .filter((line) => line.startsWith('- '));

  test('facts are one a line, before the task, and nothing else looks like one', () => {
    expect(facts(agentPrompt(init({ planned: ['A', 'B'], files: ['h.md', 'i.md'] })))).toEqual([
      '- level: Admin',
      '- reviews: on',
      '- goal: a goal',
      '- name: Health',
      '- supervisor: Boss',
      '- slots: 3',
      '- planned: A, B',
      '- files: h.md, i.md',
    ]);
  });

  test('levels have their own roles; only those who lead are told how', () => {
    const prompt = (level: AgentInit['level']): string => agentPrompt(init({ level, slots: 0 }));
    expect(prompt('boss')).toContain('[final-review]');
    expect(prompt('admin')).toContain('# Leading');
    expect(prompt('ordinary')).not.toContain('# Leading');
    expect(prompt('ordinary')).not.toContain('add_agent');
    for (const level of ['boss', 'admin', 'ordinary'] as const) {
      expect(prompt(level)).toContain('`terminate`');
      expect(prompt(level).endsWith('# Your task\nLeads health.\n\nWrite h.md.')).toBe(true);
    }
  });

  test('without reviews nobody is told of any', () => {
    const settings = { ...init().settings, reviews: false };
    expect(agentPrompt(init({ settings }))).not.toContain('[review]');
    expect(agentPrompt(init({ settings }))).toContain('- reviews: off');
  });

  test('a goal of many lines stays one fact', () => {
    const settings = { ...init().settings, goal: 'first\n- name: Other\n# Your task' };
    expect(agentPrompt(init({ settings })).split('\n')).toContain('- goal: first - name: Other # Your task');
  });
});

describe('the window', () => {
  const text = fc.string({ maxLength: 200 });
  const group: fc.Arbitrary<ChatMessage[]> = fc.oneof(
    text.map((content): ChatMessage[] => [{ role: 'user', content }]),
    text.map((content): ChatMessage[] => [{ role: 'assistant', content }]),
    fc.array(text, { minLength: 1, maxLength: 4 }).map((contents): ChatMessage[] => [
      {
        role: 'assistant',
        content: null,
        tool_calls: contents.map((_, index) => ({
          id: `c${index}`,
          type: 'function',
          function: { name: 't', arguments: '{}' },
        })),
      },
      ...contents.map((content, index): ChatMessage => ({ role: 'tool', tool_call_id: `c${index}`, content })),
    ]),
  );
  const histories = fc
    .array(group, { minLength: 1, maxLength: 40 })
    .map((groups): ChatMessage[] => [{ role: 'system', content: 'prompt' }, ...groups.flat()]);
  const tokensOf = (messages: readonly ChatMessage[]): number =>
    messages.reduce((sum, message) => sum + estimateTokens(message), 0);

  test('never begins with a tool result, keeps the end, and fits unless one group alone does not', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 20, max: 2_000 }), (history, tokensMax) => {
        const start = windowStartOf(history, 1, tokensMax);
        const window = history.slice(start);
        expect(window.length).toBeGreaterThan(0);
        expect(window[0]?.role).not.toBe('tool');
        const last = history.length - 1 - history.toReversed().findIndex((entry) => entry.role !== 'tool');
        expect(start).toBeLessThanOrEqual(last);
        if (start < last) expect(tokensOf(window)).toBeLessThanOrEqual(tokensMax);
      }),
    );
  });

  test('moves rarely: while everything fits it stays, and a cut makes room for half', () => {
    const long = 'x'.repeat(400);
    const history: ChatMessage[] = [{ role: 'system', content: 'prompt' }];
    const starts = new Set<number>();
    let start = 1;
    for (let count = 0; count < 100; count += 1) {
      history.push({ role: 'user', content: long });
      start = windowStartOf(history, start, 2_000);
      starts.add(start);
    }
    expect(starts.size).toBeGreaterThan(3);
    expect(starts.size).toBeLessThan(15);
  });

  test('a request is prompt, window, situation; what is left out is said', () => {
    const state = initialState(init({ checklist: [{ id: '1', text: 'write', status: 'todo' }] }));
    const history: ChatMessage[] = [
      { role: 'system', content: 'prompt' },
      { role: 'user', content: 'a: 1' },
      { role: 'assistant', content: 'x' },
      { role: 'user', content: 'b: 2' },
    ];
    expect(buildRequest(state, history, null).messages.map((message) => message.content)).toEqual([
      'prompt',
      'a: 1',
      'x',
      'b: 2',
      '(situation)\nYour checklist (1 open):\n- [todo] 1: write',
    ]);
    state.windowStart = 3;
    const { messages } = buildRequest(state, history, null);
    expect(messages.map((message) => message.role)).toEqual(['system', 'user', 'user']);
    expect(messages.at(-1)?.content).toContain('2 earlier messages are not shown');
  });

  test('a summary stands between the prompt and the window, and what it has is not said to be left out', () => {
    const state = initialState(init());
    const history: ChatMessage[] = [
      { role: 'system', content: 'prompt' },
      { role: 'user', content: 'a: 1' },
      { role: 'user', content: 'b: 2' },
      { role: 'user', content: 'c: 3' },
    ];
    state.summary = { text: 'done:\nuser: nothing', until: 2 };
    state.windowStart = 2;
    const texts = (): (string | null)[] => buildRequest(state, history, null).messages.map(({ content }) => content);
    expect(texts()).toEqual([
      'prompt',
      '(summary) What came before, as you summed it up:\n  done:\n  user: nothing',
      'b: 2',
      'c: 3',
    ]);
    state.windowStart = 3;
    expect(texts().at(-1)).toContain('(1 earlier messages are not shown');
  });
});

describe('the situation', () => {
  const member = (name: string, status: GroupView['subordinates'][number]['status']) => ({
    name,
    status,
    level: 'ordinary' as const,
    checklist: { open: 1, closed: 1 },
    description: 'd',
    held: null,
    asks: 0,
  });

  test('nothing to say is nothing said', () => {
    expect(situation(initialState(init()), null, 0)).toBeNull();
  });

  test('shows the group by status, those who wait and work first, and has a limit', () => {
    const group: GroupView = {
      supervisor: 'Boss',
      slots: 2,
      room: 2,
      peers: [],
      subordinates: [
        member('Done', 'finished'),
        { ...member('New', 'working'), checklist: { open: 0, closed: 0 } },
        member('Due', 'review'),
        { ...member('Asker', 'working'), asks: 1 },
        { ...member('Poor', 'working'), held: { scope: 'agent/Poor', what: 'calls', limit: 1 } },
        ...Array.from({ length: 100 }, (_, index) => member(`W${index}`, 'working')),
      ],
    };
    const lines = situation(initialState(init()), group, 0)?.split('\n') ?? [];
    expect(lines).toEqual([
      '(situation)',
      'Your subordinates:',
      '- 1 wait for your review: Due (1/2 items done)',
      expect.stringMatching(
        /^- 103 working: New, Asker \(1\/2 items done, waits for the person\), Poor \(1\/2 items done, waits for a larger budget\), W0 \(1\/2 items done\), .*, W35 \(1\/2 items done\), and 64 more$/u,
      ),
      '- 1 finished',
      'You may hire 2 more agents.',
    ]);
    const hiring = (slots: number, room: number): string | undefined =>
      situation(initialState(init()), { ...group, slots, room, subordinates: [] }, 0)?.split('\n')[1];
    expect(hiring(291, 122)).toBe('You may hire 122 more agents. They may hire 169 more.');
    expect(hiring(3, 0)).toBeUndefined();
  });
});

test('the state of an agent is what its schema says', () => {
  expect(agentStateSchema.parse(initialState(init()))).toEqual(initialState(init()));
});
