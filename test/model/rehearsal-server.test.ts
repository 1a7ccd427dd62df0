import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import OpenAI, { RateLimitError } from 'openai';
import { afterEach, describe, expect, test } from 'vitest';
import { createOpenAiModel } from '../../src/model/openai.ts';
import { parseRehearsalOptions } from '../../src/model/rehearsal/index.ts';
import {
  startRehearsalServer,
  type RehearsalServer,
  type RehearsalServerOptions,
  type ServerStats,
} from '../../src/model/rehearsal-server/index.ts';
import type { ChatRequest } from '../../src/model/types.ts';
import { ManualClock } from './support/manual-clock.ts';

type Raw = Record<string, unknown>;
type Message = OpenAI.Chat.ChatCompletionMessageParam;

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const start = async (
  raw: Raw = {},
  limits: RehearsalServerOptions['limits'] = {},
  clock?: ManualClock,
): Promise<RehearsalServer> => {
  const rehearsal = parseRehearsalOptions({ latencyMs: 0, scenario: 'chat', ...raw }, 3);
  const server = await startRehearsalServer({ rehearsal, limits, ...(clock === undefined ? {} : { clock }) });
  // With a clock that stands still the grace would never end.
  closers.push(async () => {
    await Promise.all([server.close(), clock?.advance(1_000)]);
  });
  return server;
};

const clientOf = (server: RehearsalServer, agent = 'agent-0'): OpenAI =>
  new OpenAI({
    baseURL: server.baseUrl,
    apiKey: 'any',
    maxRetries: 0,
    logLevel: 'off',
    defaultHeaders: { 'x-agent-id': agent },
  });

const TOOLS: OpenAI.Chat.ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: 'step', parameters: { type: 'object', properties: { i: { type: 'integer' } } } },
  },
];
const ASK = { model: 'rehearsal', messages: [{ role: 'user' as const, content: 'Begin.' }] };

const post = (server: RehearsalServer, path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const statsOf = async (server: RehearsalServer): Promise<ServerStats> =>
  (await (await fetch(`${server.url}/stats`)).json()) as ServerStats;

const until = async (done: () => boolean): Promise<void> => {
  for (let tries = 0; !done(); tries += 1) {
    if (tries > 5_000) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};

/** One chat to its end. @returns model calls made */
const chat = async (client: OpenAI, streamed: boolean): Promise<number> => {
  const messages: Message[] = [{ role: 'user', content: 'Begin.' }];
  for (let calls = 1; calls < 50; calls += 1) {
    const body = { model: 'rehearsal', messages, tools: TOOLS };
    const completion = streamed
      ? await client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
      : await client.chat.completions.create(body);
    const message = completion.choices[0]?.message;
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0);
    expect(completion.model).toBe('rehearsal');
    if (message?.tool_calls === undefined || message.tool_calls.length === 0) {
      expect(message?.content).toMatch(/synthetic/u);
      return calls;
    }
    messages.push(message);
    for (const call of message.tool_calls)
      messages.push({ role: 'tool', tool_call_id: call.id, content: '{"ok":true}' });
  }
  throw new Error('it does not end');
};

describe('the openai SDK', () => {
  test.each([false, true])('plays a chat to its end (streamed: %s)', async (streamed) => {
    const server = await start({ shape: { calls: 7 }, heavy: { agents: 1, factor: 2 } });
    expect(await chat(clientOf(server, 'agent-0'), streamed)).toBe(7);
    expect(await chat(clientOf(server, 'agent-1'), streamed)).toBe(14);
    const stats = await statsOf(server);
    expect(stats).toMatchObject({ calls: 21, byAgent: { 'agent-0': 7, 'agent-1': 14 }, byTool: { step: 6 + 13 } });
  });

  test('streamed and not are the same answer, tool calls in pieces', async () => {
    const server = await start({ scenario: 'society' });
    const goal = 'Fair water for everybody. '.repeat(20);
    const body = {
      model: 'any',
      messages: [{ role: 'system' as const, content: `- goal: ${goal}\n- agents: 60\n- fan-out: 128` }],
      tools: [{ type: 'function' as const, function: { name: 'submit_plan', parameters: {} } }],
    };
    const client = clientOf(server, '_planner');
    const whole = await client.chat.completions.create(body);
    const deltas: OpenAI.Chat.ChatCompletionChunk[] = [];
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) deltas.push(chunk);
    expect(deltas.length).toBeGreaterThan(10);
    expect(deltas[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(deltas.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(deltas.every((chunk) => chunk.usage === undefined)).toBe(true);
    const joined = deltas.map((chunk) => chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '').join('');
    const call = whole.choices[0]?.message.tool_calls?.[0] as OpenAI.Chat.ChatCompletionMessageFunctionToolCall;
    expect(joined).toBe(call.function.arguments);
    const { agents } = JSON.parse(joined) as { agents: { slots: number }[] };
    expect(1 + agents.length + agents.reduce((sum, agent) => sum + agent.slots, 0)).toBe(60);
  });

  test('usage comes in a last chunk without choices, only when asked for', async () => {
    const server = await start();
    const stream = await clientOf(server).chat.completions.create({
      ...ASK,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) as number } });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    const text = await (await post(server, '/v1/chat/completions', { ...ASK, stream: true })).text();
    expect(text).toMatch(/^data: \{/u);
    expect(text).toMatch(/\n\ndata: \[DONE\]\n\n$/u);
    expect(text).toContain('"synthetic":true');
  });

  test('embeddings, models, any key and none', async () => {
    const server = await start();
    const client = clientOf(server, '_embedder');
    const [first, again] = await Promise.all([
      client.embeddings.create({ model: 'any', input: ['water', 'water supply', 'trade'], dimensions: 64 }),
      client.embeddings.create({ model: 'any', input: 'water', dimensions: 64, encoding_format: 'float' }),
    ]);
    expect(first.data.map((one) => one.embedding.length)).toEqual([64, 64, 64]);
    expect(first.data[0]?.embedding[3]).toBeCloseTo(again.data[0]?.embedding[3] ?? 9, 6);
    expect(first).toMatchObject({ synthetic: true, model: 'rehearsal' });
    expect((await client.embeddings.create({ model: 'any', input: 'x' })).data[0]?.embedding).toHaveLength(1_536);
    expect((await client.models.list()).data.map((model) => model.id)).toEqual(['rehearsal']);
    expect(await client.models.retrieve('rehearsal')).toMatchObject({ synthetic: true });
    await expect(client.models.retrieve('gpt')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    expect((await post(server, '/v1/chat/completions', ASK)).status).toBe(200);
    expect((await statsOf(server)).byAgent).toEqual({ _embedder: 3, agent: 1 });
  });
});

test("the project's own client works with the server's URL, with and without /v1", async () => {
  const server = await start();
  const request: ChatRequest = { agent: 'A', run: 'r', level: 1, messages: ASK.messages, tools: [] };
  for (const baseUrl of [server.url, server.baseUrl, `${server.url}/`]) {
    const model = createOpenAiModel({ model: 'rehearsal', baseUrl, environment: {} });
    closers.push(() => model.close());
    expect(await model.complete(request, new AbortController().signal)).toMatchObject({ class: 'tools' });
    expect(await model.listModels(new AbortController().signal)).toEqual(['rehearsal']);
  }
});

describe('limits', () => {
  test('requests per window: 429 with the time to wait, and through after that time', async () => {
    const clock = new ManualClock();
    const server = await start({}, { requests: 3, windowMs: 400 }, clock);
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => (await post(server, '/v1/chat/completions', ASK)).status),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    await clock.advance(150);
    const refused = await post(server, '/v1/chat/completions', ASK);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after-ms')).toBe('250');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('3');
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(refused.headers.get('x-ratelimit-reset-requests')).toBe('250ms');
    expect(await refused.json()).toMatchObject({
      error: { type: 'requests', code: 'rate_limit_exceeded', param: null },
    });
    await clock.advance(250);
    const later = await post(server, '/v1/chat/completions', ASK);
    expect(later.status).toBe(200);
    expect(later.headers.get('x-ratelimit-remaining-requests')).toBe('2');
    expect(await statsOf(server)).toMatchObject({ calls: 4, rejected: 6 });
  });

  test('tokens per window count what is not cached', async () => {
    const tokens = { input: 1_000, cachedInput: 900, output: 50 };
    const server = await start({ tokens }, { tokens: 450, windowMs: 60_000 });
    const statuses: number[] = [];
    for (let index = 0; index < 5; index += 1) statuses.push((await post(server, '/v1/chat/completions', ASK)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refused = await post(server, '/v1/chat/completions', ASK);
    expect(refused.headers.get('x-ratelimit-remaining-tokens')).toBe('0');
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe(null);
    expect(await refused.json()).toMatchObject({ error: { type: 'tokens' } });
    expect((await statsOf(server)).tokens).toEqual({ input: 3_000, cachedInput: 2_700, output: 150 });
  });

  test('a used-up quota is insufficient_quota until the reset', async () => {
    const server = await start({}, { quota: 1 });
    const client = clientOf(server);
    await client.chat.completions.create(ASK);
    const error: unknown = await client.chat.completions.create(ASK).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ code: 'insufficient_quota', type: 'insufficient_quota' });
    expect((error as RateLimitError).headers.get('retry-after')).toBe(null);
    const model = createOpenAiModel({ model: 'rehearsal', baseUrl: server.url, environment: {} });
    closers.push(() => model.close());
    const request: ChatRequest = { agent: 'A', run: 'r', level: 1, messages: ASK.messages, tools: [] };
    await expect(model.complete(request, new AbortController().signal)).rejects.toMatchObject({ code: 'MODEL_QUOTA' });
    expect((await post(server, '/v1/embeddings', { model: 'x', input: 'x' })).status).toBe(429);
    expect(await (await post(server, '/reset', '')).json()).toEqual({ ok: true });
    await client.chat.completions.create(ASK);
  });
});

describe('statistics', () => {
  test('have exactly the promised fields, and a reset empties them', async () => {
    const clock = new ManualClock();
    const server = await start({ latencyMs: 300 }, {}, clock);
    const body = JSON.stringify({ ...ASK, tools: TOOLS });
    const work = Array.from({ length: 6 }, (_, index) =>
      post(server, '/v1/chat/completions', body, { 'x-agent-id': `a${index % 2}` }),
    );
    await until(() => server.stats().inFlight === 6);
    await clock.advance(300);
    await Promise.all(work);
    const stats = await statsOf(server);
    expect(stats).toEqual({
      calls: 6,
      inFlight: 0,
      maxInFlight: 6,
      rejected: 0,
      byAgent: { a0: 3, a1: 3 },
      byTool: { step: 6 },
      bytesIn: 6 * body.length,
      tokens: { input: expect.any(Number) as number, cachedInput: 0, output: expect.any(Number) as number },
      planted: [],
    });
    expect(Object.keys(stats)).toEqual([
      'calls',
      'inFlight',
      'maxInFlight',
      'rejected',
      'byAgent',
      'byTool',
      'bytesIn',
      'tokens',
      'planted',
    ]);
    await post(server, '/reset', '');
    expect(await statsOf(server)).toEqual({
      calls: 0,
      inFlight: 0,
      maxInFlight: 0,
      rejected: 0,
      byAgent: {},
      byTool: {},
      bytesIn: 0,
      tokens: { input: 0, cachedInput: 0, output: 0 },
      planted: [],
    });
  });
});

describe('failures on purpose', () => {
  test('are planted at their rate, told in the statistics, and the same after a reset', async () => {
    const server = await start({ failures: { http429: 0.2, http500: 0.2, badJson: 0.2 } });
    const round = async (): Promise<{ answers: number[]; planted: ServerStats['planted'] }> => {
      const answers: number[] = [];
      for (let index = 0; index < 60; index += 1) {
        const agent = { 'x-agent-id': `agent-${index}` };
        answers.push((await post(server, '/v1/chat/completions', { ...ASK, tools: TOOLS }, agent)).status);
      }
      const { planted, rejected, calls } = await statsOf(server);
      expect({ rejected, calls }).toEqual({ rejected: 0, calls: 60 });
      await post(server, '/reset', '');
      return { answers, planted };
    };
    const first = await round();
    expect(await round()).toEqual(first);
    const count = (kind: string): number => first.planted.filter((one) => one.kind === kind).length;
    for (const kind of ['http429', 'http500', 'badJson']) {
      expect(count(kind)).toBeGreaterThan(3);
      expect(count(kind)).toBeLessThan(24);
    }
    expect(first.answers.filter((status) => status === 429)).toHaveLength(count('http429'));
    expect(first.answers.filter((status) => status === 500)).toHaveLength(count('http500'));
  });

  test('a 429 says how long to wait; the next attempt is another draw', async () => {
    const server = await start({ failures: { http429: 0.5 } });
    for (let index = 0; index < 40; index += 1) {
      let response = await post(server, '/v1/chat/completions', ASK, { 'x-agent-id': `a-${index}` });
      for (let attempt = 0; response.status === 429; attempt += 1) {
        expect(attempt).toBeLessThan(30);
        expect(response.headers.get('retry-after-ms')).toBe('200');
        response = await post(server, '/v1/chat/completions', ASK, { 'x-agent-id': `a-${index}` });
      }
    }
  });

  test('a timeout answers nothing until the client gives up', async () => {
    const server = await start({ failures: { timeout: 1 } });
    const patience = new AbortController();
    const work = clientOf(server).chat.completions.create(ASK, { signal: patience.signal });
    const outcome = expect(work).rejects.toThrow(/aborted/u);
    await until(() => server.stats().inFlight === 1);
    patience.abort();
    await outcome;
    await until(() => server.stats().inFlight === 0);
    expect(server.stats()).toMatchObject({ calls: 1, planted: [{ kind: 'timeout', agent: 'agent-0' }] });
  });

  test('an outage begins and ends', async () => {
    const clock = new ManualClock();
    const server = await start({ outage: { afterMs: 0, lengthMs: 150, status: 502 } }, {}, clock);
    expect((await post(server, '/v1/chat/completions', ASK)).status).toBe(502);
    expect((await post(server, '/v1/embeddings', { model: 'x', input: 'x' })).status).toBe(502);
    await clock.advance(150);
    expect((await post(server, '/v1/chat/completions', ASK)).status).toBe(200);
    expect(server.stats().planted.map((one) => one.kind)).toEqual(['outage', 'outage']);
  });
});

describe('bad manners', () => {
  test.each([
    ['{"messages":', 400],
    ['', 400],
    ['null', 400],
    ['{"messages":[]}', 400],
    ['{"messages":[{"role":"tool","tool_call_id":"x","content":""}]}', 400],
  ])('%j gets %i in the shape of OpenAI, and is no call', async (body, status) => {
    const server = await start();
    for (const path of ['/v1/chat/completions', '/v1/embeddings']) {
      const response = await post(server, path, body);
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({
        error: {
          message: expect.any(String) as string,
          type: 'invalid_request_error',
          param: expect.toBeOneOf([null, expect.any(String)]) as string | null,
          code: null,
        },
      });
    }
    expect(await statsOf(server)).toMatchObject({ calls: 0, bytesIn: body.length * 2 });
  });

  test('wrong paths and methods are told so', async () => {
    const server = await start();
    expect((await fetch(`${server.url}/v1/nothing`)).status).toBe(404);
    const wrong = await fetch(`${server.url}/v1/chat/completions`);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${server.url}/v1/`)).status).toBe(200);
    expect(await (await fetch(server.url)).json()).toMatchObject({ synthetic: true });
  });

  test('a body without end is refused while it comes', async () => {
    const server = await start();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${server.url}/v1/chat/completions`, { method: 'POST' }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      // The answer may be overtaken by the connection being cut: refused all the same.
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EPIPE' || error.code === 'ECONNRESET') resolve(undefined);
        else reject(error);
      });
      const piece = Buffer.alloc(1024 * 1024, 'x');
      const write = (): void => {
        while (!request.destroyed && request.write(piece));
        if (!request.destroyed) request.once('drain', write);
      };
      write();
    });
    expect([413, undefined]).toContain(status);
    expect((await post(server, '/v1/chat/completions', ASK)).status).toBe(200);
  });

  test('what is not HTTP is refused, and hurts nobody', async () => {
    const server = await start();
    const said = await new Promise<string>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.end('hello\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(said).toMatch(/^HTTP\/1\.1 400 /u);
    expect((await fetch(`${server.url}/stats`)).status).toBe(200);
  });

  test.each([false, true])('an aborted call is over at once (streamed: %s)', async (stream) => {
    const server = await start({ latencyMs: 60_000 });
    const controller = new AbortController();
    const work = clientOf(server).chat.completions.create({ ...ASK, stream }, { signal: controller.signal });
    await until(() => server.stats().inFlight === 1);
    controller.abort();
    await expect(work).rejects.toThrow(/abort/iu);
    await until(() => server.stats().inFlight === 0);
    expect(server.stats()).toMatchObject({ calls: 1, maxInFlight: 1, byTool: {}, tokens: { output: 0 } });
  });
});

describe('the end', () => {
  test('is quick, whatever is in flight, and the port is free again', async () => {
    const server = await start({ latencyMs: 60_000 });
    const work = post(server, '/v1/chat/completions', ASK).catch((error: unknown) => error);
    await until(() => server.stats().inFlight === 1);
    await Promise.all([server.close(), server.close()]);
    expect(await work).toBeInstanceOf(TypeError);
    const rehearsal = parseRehearsalOptions({}, 1);
    const next = await startRehearsalServer({ rehearsal, port: server.port });
    await next.close();
  });

  test('answers that come soon still arrive', async () => {
    const clock = new ManualClock();
    const server = await start({ latencyMs: 250 }, {}, clock);
    const [first, second] = [post(server, '/v1/chat/completions', ASK), post(server, '/v1/chat/completions', ASK)];
    await until(() => server.stats().inFlight === 2);
    const closed = server.close();
    await clock.advance(250);
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    await clock.advance(250);
    await closed;
  });

  test('a port that is taken is an error of the user', async () => {
    const server = await start();
    const rehearsal = parseRehearsalOptions({}, 1);
    await expect(startRehearsalServer({ rehearsal, port: server.port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`port ${server.port} is in use`) as string,
    });
  });
});
