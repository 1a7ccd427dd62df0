import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createCassette, recordTo, Redaction } from '../../../src/model/cassette/index.ts';
import type { ChatAnswer, ChatModel, ChatRequest } from '../../../src/model/types.ts';
import { systemClock } from '../../../src/platform/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'megactor-cassette-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const never = new AbortController().signal;
let files = 0;
const newFile = (): string => join(directory, `${(files += 1)}`, 'tape.jsonl');

const request = (content: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  agent: 'A',
  run: 'r1',
  level: 2,
  messages: [
    { role: 'system', content: 'You are an agent.' },
    { role: 'user', content },
  ],
  tools: [{ type: 'function', function: { name: 'talk', description: 'Talks.', parameters: {} } }],
  ...more,
});

/** A model that numbers its answers. */
const counting = (text = 'answer'): ChatModel & { calls: number } => {
  const model = {
    name: 'counting',
    synthetic: true,
    calls: 0,
    complete: (asked: ChatRequest): Promise<ChatAnswer> => {
      model.calls += 1;
      const said = asked.messages.at(-1)?.content ?? '';
      return Promise.resolve({
        model: 'm-1',
        synthetic: true,
        content: `${text} ${model.calls} to ${said}`,
        toolCalls: [{ id: 'c1', type: 'function', function: { name: 'talk', arguments: '{"to":"B"}' } }],
        refusal: null,
        finishReason: 'tool_calls',
        class: 'tools',
        usage: { input: 7, cachedInput: 3, output: 2, reasoning: 1 },
        latencyMs: 12,
        attempts: 4,
      });
    },
    close: () => Promise.resolve(),
  };
  return model;
};

const recorded = async (file: string, contents: readonly string[], redaction = new Redaction()): Promise<void> => {
  const model = recordTo(counting(), { file, redaction, clock: systemClock });
  for (const content of contents) await model.complete(request(content), never);
};

const play = (file: string, more: { otherwise?: ChatModel; redaction?: Redaction } = {}): ChatModel =>
  createCassette({ file, redaction: more.redaction ?? new Redaction(), otherwise: more.otherwise });

describe('record and play', () => {
  test('the same request gets the same answer, whoever asks in whichever run; what is about the way is not kept', async () => {
    const file = newFile();
    await recorded(file, ['one', 'two']);
    const answer = await play(file).complete(request('two', { agent: 'B', run: 'r2', deadlineMs: 5 }), never);
    expect(answer).toMatchObject({
      content: 'answer 2 to two',
      synthetic: true,
      class: 'tools',
      toolCalls: [{ id: 'c1', function: { name: 'talk', arguments: '{"to":"B"}' } }],
      usage: { input: 7, cachedInput: 3, output: 2, reasoning: 1 },
      attempts: 1,
    });
  });

  test('what was asked more than once is answered in its order, then as the last time', async () => {
    const file = newFile();
    await recorded(file, ['x', 'x', 'y']);
    const cassette = play(file);
    const said: (string | null)[] = [];
    for (let turn = 0; turn < 4; turn += 1) said.push((await cassette.complete(request('x'), never)).content);
    expect(said).toEqual(['answer 1 to x', 'answer 2 to x', 'answer 2 to x', 'answer 2 to x']);
  });

  test('the situation, which depends on the moment, is no part of a request; everything else is', async () => {
    const file = newFile();
    await recorded(file, ['x']);
    const base = request('x');
    const at = (text: string): ChatRequest => ({
      ...base,
      messages: [...base.messages, { role: 'user', content: `(situation)\n${text}` }],
    });
    await expect(play(file).complete(at('now'), never)).resolves.toMatchObject({ content: 'answer 1 to x' });
    for (const other of [
      { ...base, temperature: 0.5 },
      { ...base, maxTokens: 9 },
      { ...base, tools: [] },
      { ...base, messages: base.messages.slice(1) },
    ]) {
      await expect(play(file).complete(other, never)).rejects.toMatchObject({ code: 'CASSETTE_MISS' });
    }
  });

  test('messages stand in the file once, however long the conversation', async () => {
    const file = newFile();
    const model = recordTo(counting(), { file, redaction: new Redaction(), clock: systemClock });
    const messages: ChatRequest['messages'][number][] = [...request('begin').messages];
    for (let step = 0; step < 50; step += 1) {
      messages.push({ role: 'user', content: `${step} ${'x'.repeat(1_000)}` });
      await model.complete(request('', { messages: [...messages] }), never);
    }
    // 50 messages of a kilobyte in some 1,300 places.
    expect(readFileSync(file).length).toBeLessThan(50 * 1_000 * 4);
    await expect(play(file).complete(request('', { messages }), never)).resolves.toMatchObject({ class: 'tools' });
  });

  test('a file is continued; a last line that was cut off by a crash is not in the way', async () => {
    const file = newFile();
    await recorded(file, ['one']);
    appendFileSync(file, '{"kind":"call","key":"ab');
    await expect(play(file).complete(request('one'), never)).resolves.toMatchObject({ class: 'tools' });
    await recorded(file, ['two']);
    for (const content of ['one', 'two']) {
      await expect(play(file).complete(request(content), never)).resolves.toMatchObject({ class: 'tools' });
    }
  });
});

describe('what was not recorded', () => {
  test('strict: names the nearest request of the same agent, and where the two part', async () => {
    const file = newFile();
    await recorded(file, ['Write about whales.', 'Something else']);
    const error = await play(file)
      .complete(request('Write about wolves.'), never)
      .then(
        () => null,
        (thrown: Error) => thrown,
      );
    expect(error).toMatchObject({ code: 'CASSETTE_MISS', details: { agent: 'A', common: 1 } });
    expect(error?.message).toContain('whales');
    expect(error?.message).toContain('wolves');
  });

  test('loose: another model answers, and only that', async () => {
    const file = newFile();
    await recorded(file, ['known']);
    const other = counting('other');
    const cassette = play(file, { otherwise: other });
    await expect(cassette.complete(request('known'), never)).resolves.toMatchObject({ content: 'answer 1 to known' });
    await expect(cassette.complete(request('new'), never)).resolves.toMatchObject({ content: 'other 1 to new' });
    expect(other.calls).toBe(1);
  });

  test.each([
    ['not there', null],
    ['empty', ''],
    ['something else', 'hello\nworld\n'],
    ['of a later format', '{"kind":"cassette","format":99,"recordedAt":"x"}\n'],
    ['damaged inside', '{"kind":"cassette","format":1,"recordedAt":"x"}\n{"kind":"call"}\n'],
  ])('a file that is %s is refused', (_name, content) => {
    const file = join(directory, `bad-${(files += 1)}.jsonl`);
    if (content !== null) writeFileSync(file, content);
    expect(existsSync(file)).toBe(content !== null);
    expect(() => play(file)).toThrow(expect.objectContaining({ code: 'CASSETTE_INVALID' }) as Error);
  });
});

test('no key and nothing else that is to be blotted out is in a file, and requests still find their answers', async () => {
  const file = newFile();
  const redaction = new Redaction(['my-own-secret'], ['\\b[A-Z]{2}\\d{6}\\b']);
  const text =
    'use sk-abcdefghijklmnopqrstuvwx, Bearer abcdefghijklmnop.qrs, my-own-secret and AB123456 for the risk-based key-value store';
  await recorded(file, [text], redaction);
  const content = readFileSync(file, 'utf8');
  for (const secret of ['sk-abc', 'abcdefghijklmnop', 'my-own-secret', 'AB123456'])
    expect(content).not.toContain(secret);
  expect(content).toContain('risk-based key-value store');
  const answer = await play(file, { redaction }).complete(request(text), never);
  expect(answer.content).toContain('[redacted]');
});

test('a refusal that repeats a key is blotted out as every other text', async () => {
  const file = newFile();
  const model = counting();
  const refusing: ChatModel = {
    ...model,
    complete: async (asked, signal) => ({
      ...(await model.complete(asked, signal)),
      content: null,
      toolCalls: [],
      refusal: 'I will not use sk-abcdefghijklmnopqrstuvwx.',
      finishReason: 'stop',
      class: 'refusal',
    }),
  };
  await recordTo(refusing, { file, redaction: new Redaction(), clock: systemClock }).complete(request('x'), never);
  expect(readFileSync(file, 'utf8')).not.toContain('sk-abc');
  await expect(play(file).complete(request('x'), never)).resolves.toMatchObject({
    refusal: 'I will not use [redacted].',
  });
});

test('a secret with quotes and backslashes is blotted out, also within arguments and results, which are JSON in JSON', async () => {
  const file = newFile();
  const secret = 'pa"ss\\word';
  const redaction = new Redaction([secret], ['c:\\\\temp']);
  const args = JSON.stringify({ content: `it is ${secret} in c:\\temp` });
  const asked = request('x');
  const messages: ChatRequest['messages'] = [
    ...asked.messages,
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'write_file', arguments: args } }],
    },
    { role: 'tool', tool_call_id: 'c', content: JSON.stringify({ ok: true, nested: args }) },
    { role: 'user', content: `A: ${secret}` },
  ];
  const model = recordTo(counting(), { file, redaction, clock: systemClock });
  await model.complete({ ...asked, messages }, never);
  const content = readFileSync(file, 'utf8');
  for (const part of ['pa\\"ss', 'pa"ss', 'word', 'temp']) expect(content).not.toContain(part);
  expect(content).toContain('it is [redacted] in [redacted]');
  await expect(play(file, { redaction }).complete({ ...asked, messages }, never)).resolves.toMatchObject({
    model: 'm-1',
  });
});

test('arguments that nest too deep, or are no JSON, are recorded all the same, and without the secret', () => {
  const redaction = new Redaction(['pa"ss\\word']);
  const inJson = '"pa\\"ss\\\\word"';
  const deep = `${'['.repeat(20_000)}${inJson}${']'.repeat(20_000)}`;
  for (const text of [deep, `{"content":${inJson}`, JSON.stringify(`see ${inJson}`)]) {
    expect(text).toContain('word');
    expect(redaction.of(text)).not.toContain('word');
  }
});

test('mail about a budget is no part of a request: that of the recorded run may have been another', async () => {
  const file = newFile();
  await recorded(file, ['A: one\nB: two']);
  const base = request('A: one\nB: two');
  const mail = 'system: [budget] The budget of the run is nearly used up.\n  Bring it to an end.';
  for (const messages of [
    [...base.messages.slice(0, 1), { role: 'user' as const, content: `A: one\n${mail}\nB: two` }],
    [...base.messages.slice(0, 1), { role: 'user' as const, content: `A: one\nB: two\n${mail}` }],
    [...base.messages, { role: 'user' as const, content: mail }],
  ]) {
    await expect(play(file).complete({ ...base, messages }, never)).resolves.toMatchObject({ model: 'm-1' });
  }
  const said = { ...base, messages: [...base.messages, { role: 'user' as const, content: `A: ${mail}` }] };
  await expect(play(file).complete(said, never)).rejects.toMatchObject({ code: 'CASSETTE_MISS' });
});
