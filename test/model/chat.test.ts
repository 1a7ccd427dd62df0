import { describe, expect, test } from 'vitest';
import {
  chatCallsOf,
  checkShapeFits,
  createRehearsal,
  parseRehearsalOptions,
  rehearse,
} from '../../src/model/rehearsal/index.ts';
import type { ChatMessage, ToolSpec } from '../../src/model/types.ts';

const STEP: ToolSpec = { type: 'function', function: { name: 'step', description: 'Step.', parameters: {} } };
const options = (raw: object = {}, seed = 3) => parseRehearsalOptions({ latencyMs: 0, scenario: 'chat', ...raw }, seed);

interface Chat {
  readonly calls: number;
  readonly steps: number[];
  readonly end: string;
}

/** Talks with the model until it answers with a text that ends the chat. @param window messages kept at most */
const chat = (raw: object = {}, agent = 'agent-0', window = Infinity, result = '{"ok":true}'): Chat => {
  const setting = options(raw);
  const messages: unknown[] = [{ role: 'user', content: 'Begin.' }];
  const steps: number[] = [];
  for (let calls = 1; calls < 500; calls += 1) {
    const outcome = rehearse(
      { headers: { 'x-agent-id': agent }, body: { messages: messages.slice(-window), tools: [STEP] } },
      setting,
    );
    if (outcome.kind !== 'completion') throw new Error(outcome.kind);
    const { message } = outcome.body.choices[0];
    messages.push(message);
    for (const call of message.tool_calls ?? []) {
      const step = (/^\{"i":(\d+)\}$/u.exec(call.function.arguments) ?? [])[1];
      if (step !== undefined) steps.push(Number(step));
      messages.push({ role: 'tool', tool_call_id: call.id, content: result });
    }
    const text = message.content ?? '';
    if (text.startsWith('Done')) return { calls, steps, end: text };
    if (message.tool_calls === undefined) messages.push({ role: 'user', content: 'Go on.' });
  }
  throw new Error('it does not end');
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('chat', () => {
  test.each([1, 2, 5, 40])('%i calls: all but the last are steps, the last is a text', (calls) => {
    expect(chat({ shape: { calls } })).toEqual({
      calls,
      steps: upTo(calls - 1),
      end: `Done after ${calls} calls (synthetic).`,
    });
  });

  test('five calls unless the shape says otherwise; results may be anything; the window may be short', () => {
    expect(chat().steps).toEqual(upTo(4));
    expect(chat({}, 'a', Infinity, 'fine').steps).toEqual(upTo(4));
    expect(chat({ shape: { calls: 30 } }, 'a', 4).steps).toEqual(upTo(29));
  });

  test('after the end it waits, and without the tool it ends at once', () => {
    const end = { role: 'assistant', content: 'Done after 1 calls (synthetic).' };
    const ask = (messages: unknown[], tools: unknown[]): string | null => {
      const outcome = rehearse({ body: { messages, tools } }, options({ shape: { calls: 1 } }));
      return outcome.kind === 'completion' ? outcome.body.choices[0].message.content : outcome.kind;
    };
    expect(ask([{ role: 'user', content: 'x' }, end, { role: 'user', content: 'y' }], [STEP])).toMatch(/^\(waiting\)/u);
    const other = { type: 'function', function: { name: 'submit_plan' } };
    expect(ask([{ role: 'user', content: 'x' }], [other])).toMatch(/^Done/u);
  });

  test.each(['badJson', 'badOutput', 'prose', 'silence', 'refusal', 'repetition'])(
    'answers that fail as %s are made up for',
    (kind) => {
      const result = chat({ shape: { calls: 40 }, failures: { [kind]: 0.3 } });
      expect([...new Set(result.steps)]).toEqual(upTo(39));
      expect(result.calls).toBeGreaterThan(40);
    },
  );

  test('the model in the process plays it as well', async () => {
    const messages: ChatMessage[] = [{ role: 'user', content: 'Begin.' }];
    const request = { agent: 'a', run: 'r', level: 1, messages, tools: [STEP] };
    const answer = await createRehearsal(options()).complete(request, new AbortController().signal);
    expect(answer).toMatchObject({ class: 'tools', synthetic: true, toolCalls: [{ function: { name: 'step' } }] });
  });

  test('no society can play it', () => {
    expect(() => checkShapeFits(options(), 100)).toThrow(/rehearsal-server/u);
  });
});

describe('heavy agents', () => {
  const raw = { shape: { calls: 4 }, heavy: { agents: 2, factor: 2.5 } };

  test('are as many as set, and ask so much more', () => {
    const counts = [0, 1, 2, 3, 4].map((number) => chatCallsOf(options(raw), `agent-${number}`));
    expect(counts).toEqual([4, 10, 10, 4, 4]);
    expect(chat(raw, 'agent-2').calls).toBe(10);
    expect(chat(raw, 'agent-12').calls).toBe(4);
    expect(chat(raw, 'nobody').calls).toBe(4);
  });

  test('a factor below one asks less, but never nothing', () => {
    expect(chatCallsOf(options({ shape: { calls: 4 }, heavy: { agents: 1, factor: 0 } }), 'a-1')).toBe(1);
  });
});

test('what an answer does wrong is told, and only when it does', () => {
  const failing = (kind: string, messages: unknown[]): string | null =>
    rehearse({ body: { messages, tools: [STEP] } }, options({ shape: { calls: 2 }, failures: { [kind]: 1 } })).failure;
  const begin = [{ role: 'user', content: 'x' }];
  expect(failing('badJson', begin)).toBe('badJson');
  expect(failing('http500', begin)).toBe('http500');
  // There is nothing to repeat yet.
  expect(failing('repetition', begin)).toBe(null);
  const call = { id: 'c', type: 'function', function: { name: 'step', arguments: '{"i":1}' } };
  const stepped = [
    ...begin,
    { role: 'assistant', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c', content: '' },
  ];
  // A text has no arguments to break.
  expect(failing('badJson', stepped)).toBe(null);
  expect(failing('repetition', stepped)).toBe('repetition');
});
