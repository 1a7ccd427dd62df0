import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyReader } from '../../src/model/rehearsal-server/body-reader.ts';
import { embed, embeddingsSchema, vectorOf } from '../../src/model/rehearsal-server/embeddings.ts';
import { LimitWindow, NO_LIMITS, resetText } from '../../src/model/rehearsal-server/limits.ts';
import { readChat } from '../../src/model/rehearsal-server/requests.ts';
import { StatsCounter } from '../../src/model/rehearsal-server/stats.ts';
import { eventsOf } from '../../src/model/rehearsal-server/stream.ts';
import { parseRehearsalOptions, rehearse } from '../../src/model/rehearsal/index.ts';

const user = { role: 'user', content: 'x' };

describe('limits', () => {
  const taken = (window: LimitWindow, tokens: number, now: number): boolean =>
    window.check(now) === null && window.take(tokens, now) === null;

  test('no window lets more through than its limits, and each one lets something through', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ after: fc.integer({ min: 0, max: 60 }), tokens: fc.integer({ min: 0, max: 30 }) }), {
          maxLength: 80,
        }),
        (calls) => {
          const window = new LimitWindow({ requests: 5, tokens: 40, quota: null, windowMs: 100 });
          const passed: { at: number; tokens: number }[] = [];
          let now = 0;
          for (const { after, tokens } of calls) {
            now += after;
            if (taken(window, tokens, now)) passed.push({ at: now, tokens });
          }
          let start = Number.NEGATIVE_INFINITY;
          let inWindow: typeof passed = [];
          for (const call of passed) {
            if (call.at >= start + 100) {
              start = call.at;
              inWindow = [];
            }
            inWindow.push(call);
            expect(inWindow.length).toBeLessThanOrEqual(5);
            expect(inWindow.reduce((sum, one) => sum + one.tokens, 0)).toBeLessThanOrEqual(40);
          }
          expect(passed.length > 0).toBe(calls.length > 0);
        },
      ),
      { seed: 11, numRuns: 300 },
    );
  });

  test('who waits as long as told gets in', () => {
    const window = new LimitWindow({ ...NO_LIMITS, requests: 1, windowMs: 250 });
    expect(taken(window, 0, 1_000)).toBe(true);
    const refusal = window.check(1_100);
    expect(refusal).toMatchObject({ type: 'requests', retryAfterMs: 150 });
    expect(window.check(1_249)).not.toBe(null);
    expect(taken(window, 0, 1_100 + (refusal?.retryAfterMs ?? 0))).toBe(true);
  });

  test('a call that no window has room for is told to wait for a whole one', () => {
    const window = new LimitWindow({ ...NO_LIMITS, tokens: 10, windowMs: 250 });
    expect(window.check(0)).toBe(null);
    const refusal = window.take(11, 0);
    expect(refusal).toMatchObject({ type: 'tokens', retryAfterMs: 250 });
    expect(refusal?.message).toMatch(/too large/u);
    expect(taken(window, 10, 1)).toBe(true);
  });

  test('the quota does not come back by waiting, only by a reset', () => {
    const window = new LimitWindow({ ...NO_LIMITS, quota: 2, windowMs: 10 });
    expect([0, 100, 200, 10_000].map((now) => taken(window, 0, now))).toEqual([true, true, false, false]);
    expect(window.check(99_999)).toMatchObject({ type: 'insufficient_quota', retryAfterMs: null });
    window.reset();
    expect(taken(window, 0, 100_000)).toBe(true);
  });

  test.each([
    [0, '0ms'],
    [19.2, '20ms'],
    [1_000, '1s'],
    [1_500, '1.5s'],
    [60_000, '1m0s'],
    [90_500, '1m30.5s'],
  ])('%d ms are %s', (milliseconds, text) => {
    expect(resetText(milliseconds)).toBe(text);
  });
});

describe('requests', () => {
  const call = (id: string) => ({ id, type: 'function', function: { name: 'step', arguments: '{}' } });
  const asks = (...ids: string[]) => ({ role: 'assistant', content: null, tool_calls: ids.map(call) });
  const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '' });

  test.each<[unknown, string | null]>([
    [null, null],
    [[], null],
    [{}, 'messages'],
    [{ messages: 'x' }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ content: 'x' }] }, 'messages[0].role'],
    [{ messages: [user, { role: 'robot', content: 'x' }] }, 'messages[1].role'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ messages: [user], tools: [{}] }, 'tools[0].function'],
    [{ messages: [user], model: 5 }, 'model'],
    [{ messages: [user], n: 2 }, 'n'],
    [{ messages: [user], stream: 'yes' }, 'stream'],
    [{ messages: [user], stream_options: { include_usage: true } }, 'stream_options'],
    [{ messages: [user, result('a')] }, 'messages[1].tool_call_id'],
    [{ messages: [user, asks('a')] }, 'messages'],
    [{ messages: [user, asks('a', 'b'), result('a')] }, 'messages'],
    [{ messages: [user, asks('a'), user, result('a')] }, 'messages'],
    [{ messages: [user, asks('a'), result('a'), result('a')] }, 'messages[3].tool_call_id'],
  ])('%j is refused', (raw, param) => {
    expect(readChat(raw)).toMatchObject({ param, message: expect.stringMatching(/\S\.$|: \w+$/u) as string });
  });

  test('what a provider takes is taken', () => {
    const messages = [user, asks('a', 'b'), result('b'), result('a'), asks(), user];
    expect(readChat({ messages, temperature: 1, n: 1, stream: null, unknown: {} })).toMatchObject({ stream: false });
    expect(readChat({ messages: [user], stream: true, stream_options: { include_usage: true } })).toMatchObject({
      stream: true,
      includeUsage: true,
    });
  });
});

describe('bodies with known tools', () => {
  /** What a server makes of a text: by the reader, and by JSON.parse alone. */
  const both = (reader: BodyReader, text: string): [unknown, unknown] => {
    const of = (read: () => unknown): unknown => {
      try {
        return read();
      } catch {
        return 'not JSON';
      }
    };
    return [
      of(() => {
        const { raw, tools } = reader.read(text);
        return readChat(raw, tools);
      }),
      of(() => readChat(JSON.parse(text))),
    ];
  };
  const mark = ',"tools":[';
  const tools = [{ type: 'function', function: { name: 'step', parameters: { properties: { tools: [] } } } }];

  test.each([
    JSON.stringify({ messages: [user], tools }),
    JSON.stringify({ messages: [user], tools, stream: true, stream_options: { include_usage: true } }),
    JSON.stringify({ messages: [{ role: 'user', content: mark }], tools, n: 2 }),
    JSON.stringify({ messages: [user], nested: { a: 1, tools } }),
    JSON.stringify({ messages: [user], nested: { a: 1, tools }, tools }),
    JSON.stringify({ messages: [user], tools: [{}] }),
    JSON.stringify({ messages: [user], tools: [] }),
    JSON.stringify([{ messages: [user], tools }]),
    `{"messages":[{"role":"user","content":"x"}],"tools":[{"function":{"name":"a"}}],"tools":[]}`,
    `{"messages":[{"role":"user","content":"x"}],"tools":7,"tools":[]}`,
    `{"messages":[{"role":"user","content":"x"}],"tools":[],"messages":[]}`,
    `{${mark}]}`,
    `{ ${mark}]}`,
    `{"messages":[]${mark}]}}`,
    `{"messages":[]${mark}`,
    `{"messages":["a${mark}]}`,
  ])('%s is read as JSON.parse reads it, the first time and again', (text) => {
    const reader = new BodyReader();
    for (let round = 0; round < 3; round += 1) {
      const [read, parsed] = both(reader, text);
      expect(read).toEqual(parsed);
    }
  });

  test('so is every text, cut and mended anywhere, and more of them than are kept', () => {
    const reader = new BodyReader();
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      '\\',
      mark,
      '"messages":',
      '[]',
      '"tools":[]',
      '1',
      'x',
    );
    const whole = fc
      .record({ messages: fc.constant([user]), extra: fc.jsonValue(), tools: fc.constant(tools), user: fc.string() })
      .map((value) => JSON.stringify(value));
    const cut = fc
      .tuple(whole, fc.nat(), fc.nat(20), fc.array(pieces, { maxLength: 3 }))
      .map(([text, at, length, put]) => {
        const start = at % text.length;
        return text.slice(0, start) + put.join('') + text.slice(start + length);
      });
    const made = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(whole, cut, made), (text) => {
        const [read, parsed] = both(reader, text);
        expect(read).toEqual(parsed);
      }),
      { seed: 8, numRuns: 3_000 },
    );
  });
});

describe('embeddings', () => {
  const product = (left: Float32Array, right: Float32Array): number =>
    left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);

  test('have length 1, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.integer({ min: 1, max: 64 }),
        (text, dimensions) => {
          const vector = vectorOf(text, dimensions, 1);
          expect(vector).toHaveLength(dimensions);
          expect(product(vector, vector)).toBeCloseTo(1, 4);
          expect(vectorOf(text, dimensions, 1)).toEqual(vector);
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });

  test('of texts with words in common are nearer; another seed is another space', () => {
    const [water, waters, trade] = ['Water supply of the north', 'the WATER supply', 'Foreign trade quotas'].map(
      (text) => vectorOf(text, 512, 1),
    ) as [Float32Array, Float32Array, Float32Array];
    expect(product(water, waters)).toBeGreaterThan(0.6);
    expect(Math.abs(product(water, trade))).toBeLessThan(0.25);
    expect(Math.abs(product(water, vectorOf('Water supply of the north', 512, 2)))).toBeLessThan(0.25);
  });

  test('base64 is the same vector, and tokens are inputs as well', () => {
    const ask = (raw: object) => embed(embeddingsSchema.parse({ dimensions: 4, ...raw }), 1);
    const floats = (ask({ input: 'a b' }).body['data'] as { embedding: number[] }[])[0]?.embedding ?? [];
    const text = (ask({ input: ['a b'], encoding_format: 'base64' }).body['data'] as { embedding: string }[])[0];
    const bytes = Buffer.from(text?.embedding ?? '', 'base64');
    expect(floats).toHaveLength(4);
    expect([0, 1, 2, 3].map((index) => bytes.readFloatLE(index * 4))).toEqual(floats);
    expect(ask({ input: [[1, 2], [3]] }).body['data']).toHaveLength(2);
    expect(ask({ input: [1, 2, 3] }).body['data']).toHaveLength(1);
  });

  test.each([{}, { input: '' }, { input: [] }, { input: ['a', ''] }, { input: 'a', dimensions: 0 }, { input: [1.5] }])(
    '%j is refused',
    (raw) => {
      expect(embeddingsSchema.safeParse(raw).success).toBe(false);
    },
  );
});

test('pieces of a stream put together are the answer, whatever its characters', () => {
  const text = '𝒳é👩‍👩‍👧 '.repeat(200);
  const outcome = rehearse({ body: { messages: [] } }, parseRehearsalOptions({ scenario: 'chat' }, 1));
  if (outcome.kind !== 'completion') throw new Error(outcome.kind);
  const [choice] = outcome.body.choices;
  const completion = {
    ...outcome.body,
    choices: [{ ...choice, message: { ...choice.message, content: text } }] as const,
  };
  const joined = eventsOf(completion, false)
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => {
      expect(event.isWellFormed()).toBe(true);
      const { choices } = JSON.parse(event.slice(6)) as { choices: { delta: { content?: string | null } }[] };
      return choices[0]?.delta.content ?? '';
    })
    .join('');
  expect(joined).toBe(text);
});

test('statistics by name are bounded, and forget all but the calls in flight', () => {
  const stats = new StatsCounter();
  for (let index = 0; index < 100_010; index += 1) stats.begin(`agent-${index}`);
  stats.begin('__proto__');
  const { byAgent, calls } = stats.read();
  expect(calls).toBe(100_011);
  expect(Object.keys(byAgent)).toHaveLength(100_001);
  expect(byAgent['_others']).toBe(11);
  for (let index = 0; index < 100_000; index += 1) stats.end();
  stats.reset();
  expect(stats.read()).toMatchObject({ calls: 0, inFlight: 11, maxInFlight: 11, byAgent: {} });
});
