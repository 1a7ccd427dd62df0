import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LLMock } from '@copilotkit/aimock';
import { afterEach, describe, expect, test } from 'vitest';
import { createOpenAiModel, type OpenAiModel, type OpenAiModelOptions } from '../../src/model/openai.ts';
import { parseRehearsalOptions, rehearse } from '../../src/model/rehearsal/index.ts';
import { MegactorError, errorToWire } from '../../src/protocol/errors.ts';
import type { ChatRequest } from '../../src/model/types.ts';

const KEY = 'sk-secret-0123456789abcdef';
const never = new AbortController().signal;
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const serve = async (handler: Handler): Promise<string> => {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handler(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
};

const modelAt = (baseUrl: string, options: Partial<OpenAiModelOptions> = {}): OpenAiModel => {
  const model = createOpenAiModel({ model: 'tiny', baseUrl, apiKey: KEY, environment: {}, ...options });
  closers.push(() => model.close());
  return model;
};

const request: ChatRequest = {
  agent: 'Health-Budget',
  run: 'run-1',
  level: 2,
  messages: [{ role: 'user', content: 'Boss: hello' }],
  tools: [{ type: 'function', function: { name: 'talk', description: 'Talk.', parameters: { type: 'object' } } }],
};

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

const good = {
  id: 'x',
  model: 'tiny-1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

const failure = async (work: Promise<unknown>): Promise<MegactorError> => {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(MegactorError);
    return error as MegactorError;
  }
  throw new Error('it did not fail');
};

describe('a request', () => {
  test('carries the model, tools, key and agent headers, and gives the answer', async () => {
    let seen: { headers: IncomingMessage['headers']; body: Record<string, unknown>; url: string } | undefined;
    const url = await serve((incoming, response, body) => {
      seen = { headers: incoming.headers, body: JSON.parse(body) as never, url: incoming.url ?? '' };
      json(response, 200, good);
    });
    const answer = await modelAt(url).complete({ ...request, temperature: 0, maxTokens: 9 }, never);
    expect(answer).toMatchObject({ content: 'Hello', class: 'prose', model: 'tiny-1', synthetic: false, attempts: 1 });
    expect(answer.usage).toEqual({ input: 3, cachedInput: 0, output: 2 });
    expect(seen?.url).toBe('/v1/chat/completions');
    expect(seen?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'x-agent-id': 'Health-Budget',
      'x-run-id': 'run-1',
    });
    expect(seen?.body).toMatchObject({
      model: 'tiny',
      messages: request.messages,
      tools: request.tools,
      temperature: 0,
    });
  });

  test('without a key sends no authorization; agent headers say who asks, and can be switched off', async () => {
    let headers: IncomingMessage['headers'] = {};
    const url = await serve((incoming, response) => {
      ({ headers } = incoming);
      json(response, 200, good);
    });
    await modelAt(url).complete({ ...request, sentAs: '_compactor' }, never);
    expect(headers['x-agent-id']).toBe('_compactor');
    await modelAt(url, { apiKey: undefined, agentHeaders: false }).complete(request, never);
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('x-agent-id');
    expect(headers).not.toHaveProperty('x-run-id');
  });

  test('parallel calls and a request without tools', async () => {
    const bodies: Record<string, unknown>[] = [];
    const url = await serve((_incoming, response, body) => {
      bodies.push(JSON.parse(body) as Record<string, unknown>);
      const calls = ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'talk', arguments: '{}' } }));
      json(response, 200, {
        choices: [{ message: { content: null, tool_calls: calls }, finish_reason: 'tool_calls' }],
      });
    });
    const answer = await modelAt(url).complete({ ...request, tools: [] }, never);
    expect(answer.toolCalls.map((call) => call.id)).toEqual(['a', 'b']);
    expect(answer.class).toBe('tools');
    expect(bodies[0]).not.toHaveProperty('tools');
  });

  test('many at once share the pool', async () => {
    const url = await serve((_incoming, response) => void setTimeout(() => json(response, 200, good), 20));
    const model = modelAt(url);
    const answers = await Promise.all(Array.from({ length: 200 }, () => model.complete(request, never)));
    expect(answers.every((answer) => answer.content === 'Hello')).toBe(true);
  });
});

describe('failures', () => {
  const refusal = (message: string, code: string | null = null, type = 'error') => ({ error: { message, code, type } });
  const table: [string, number, unknown, string][] = [
    ['401', 401, refusal(`Incorrect API key provided: ${KEY}`, 'invalid_api_key'), 'MODEL_AUTH'],
    ['403', 403, refusal('no'), 'MODEL_AUTH'],
    ['403 for a model', 403, refusal('no access', 'model_not_found'), 'MODEL_UNKNOWN'],
    ['404 for a model', 404, refusal('The model `tiny` does not exist', 'model_not_found'), 'MODEL_UNKNOWN'],
    ['404 as text', 404, 'not found', 'MODEL_UNKNOWN'],
    ['402', 402, refusal('pay'), 'MODEL_QUOTA'],
    ['429 quota', 429, refusal('You exceeded your current quota', 'insufficient_quota'), 'MODEL_QUOTA'],
    ['429', 429, refusal('slow down', 'rate_limit_exceeded'), 'MODEL_RATE_LIMITED'],
    ['400', 400, refusal('bad tool'), 'MODEL_BAD_REQUEST'],
    ['422', 422, { detail: [{ msg: 'bad' }] }, 'MODEL_BAD_REQUEST'],
    ['400 too long', 400, refusal('x', 'context_length_exceeded'), 'MODEL_CONTEXT_OVERFLOW'],
    ['400 too long, in words', 400, refusal("This model's maximum context length is 4096"), 'MODEL_CONTEXT_OVERFLOW'],
    ['500', 500, refusal('boom'), 'MODEL_SERVER'],
    ['503 as text', 503, 'busy', 'MODEL_SERVER'],
    ['529', 529, refusal('overloaded'), 'MODEL_SERVER'],
    ['408', 408, refusal('late'), 'MODEL_TIMEOUT'],
    ['200 without choices', 200, { hello: 1 }, 'MODEL_BAD_RESPONSE'],
    ['200 with an error', 200, refusal('boom'), 'MODEL_BAD_RESPONSE'],
    ['a redirect', 302, '', 'MODEL_BAD_REQUEST'],
  ];
  test.each(table)('%s', async (_name, status, body, code) => {
    let requests = 0;
    const url = await serve((_incoming, response) => {
      requests += 1;
      if (typeof body === 'string') response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
      else json(response, status, body);
    });
    const error = await failure(modelAt(url).complete(request, never));
    expect(error.code).toBe(code);
    expect(requests).toBe(1);
    const everything = JSON.stringify([errorToWire(error), error.stack, error.cause]);
    expect(everything).not.toContain(KEY);
    expect(everything).not.toContain('sk-secret');
  });

  test.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '120', 'retry-after': '1' }, 120],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('429 with %j waits %s ms', async (headers, expected) => {
    const url = await serve((_incoming, response) => json(response, 429, refusal('slow'), headers));
    const error = await failure(modelAt(url).complete(request, never));
    expect(error.details['retryAfterMs']).toBe(expected);
  });

  test('Retry-After as a date', async () => {
    const startedAt = Date.now();
    const until = Math.floor((startedAt + 60_000) / 1_000) * 1_000;
    const date = new Date(until).toUTCString();
    const url = await serve((_incoming, response) => json(response, 503, refusal('slow'), { 'retry-after': date }));
    const error = await failure(modelAt(url).complete(request, never));
    // What is left of it at some moment between the call and its end.
    expect(error.details['retryAfterMs']).toBeLessThanOrEqual(until - startedAt);
    expect(error.details['retryAfterMs']).toBeGreaterThanOrEqual(until - Date.now());
  });

  test('malformed JSON, an empty body, a page of HTML', async () => {
    const bodies: [string, string][] = [
      ['application/json', '{"choices": ['],
      ['application/json', ''],
      ['text/html', '<html>login</html>'],
    ];
    for (const [type, body] of bodies) {
      const url = await serve((_incoming, response) => response.writeHead(200, { 'content-type': type }).end(body));
      expect((await failure(modelAt(url).complete(request, never))).code).toBe('MODEL_BAD_RESPONSE');
    }
  });

  test('a server that hangs before the headers, and one that hangs in the body', async () => {
    for (const begin of [false, true]) {
      const url = await serve((_incoming, response) => {
        if (begin) response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices"');
      });
      // Without its own limit nobody would end it before this test's.
      const error = await failure(modelAt(url, { timeoutMs: 150 }).complete(request, never));
      expect(error.code).toBe('MODEL_TIMEOUT');
    }
  });

  test('an abort before, during the wait and during the body', async () => {
    for (const begin of [false, true]) {
      const url = await serve((_incoming, response) => {
        if (begin) response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices"');
      });
      const caller = new AbortController();
      const work = failure(modelAt(url).complete(request, caller.signal));
      setTimeout(() => caller.abort(), 60);
      expect((await work).code).toBe('ABORTED');
      expect((await failure(modelAt(url).complete(request, caller.signal))).code).toBe('ABORTED');
    }
  });

  test('an abort right behind the call: nothing is sent', async () => {
    let came = 0;
    const url = await serve((_incoming, response) => {
      came += 1;
      json(response, 200, good);
    });
    const model = modelAt(url);
    const caller = new AbortController();
    const work = failure(model.complete(request, caller.signal));
    caller.abort();
    expect((await work).code).toBe('ABORTED');
    // Another one comes first if the aborted one was on its way.
    expect((await model.complete(request, never)).content).toBe('Hello');
    expect(came).toBe(1);
  });

  test('connection refused, an unknown host, a connection that breaks', async () => {
    const refused = await failure(modelAt('http://127.0.0.1:1/v1').complete(request, never));
    expect(refused.code).toBe('MODEL_UNREACHABLE');
    expect(refused.message).toContain('ECONNREFUSED');
    const unknown = await failure(modelAt('http://nowhere.invalid/v1').complete(request, never));
    expect(unknown.code).toBe('MODEL_UNREACHABLE');
    const url = await serve((incoming) => incoming.socket.destroy());
    expect((await failure(modelAt(url).complete(request, never))).code).toBe('MODEL_UNREACHABLE');
    const half = await serve((incoming, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"choi');
      setTimeout(() => incoming.socket.destroy(), 20);
    });
    expect((await failure(modelAt(half).complete(request, never))).code).toBe('MODEL_UNREACHABLE');
  });
});

describe('settings', () => {
  const make = (options: Partial<OpenAiModelOptions>) => () =>
    void createOpenAiModel({ model: 'm', environment: {}, ...options });
  const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

  test('a key is needed at the default URL only', () => {
    expect(make({})).toThrow(code('KEY_MISSING'));
    expect(make({ environment: { OPENAI_API_KEY: '  ' } })).toThrow(code('KEY_MISSING'));
    expect(make({ environment: { OPENAI_API_KEY: 'k' } })).not.toThrow();
    expect(make({ environment: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } })).not.toThrow();
  });

  test.each(['nonsense', 'ftp://host/v1', 'http://user:hunter2@host/v1'])('%s is refused', (baseUrl) => {
    expect(make({ baseUrl })).toThrow(code('CONFIG_INVALID'));
    expect(make({ baseUrl })).not.toThrow(/hunter2/u);
  });

  test('a key that cannot be a header is refused without repeating it', () => {
    expect(make({ apiKey: 'sécrèt' })).toThrow(code('CONFIG_INVALID'));
    expect(make({ apiKey: 'sécrèt' })).not.toThrow(/sécrèt/u);
  });
});

describe('the list of models', () => {
  test('is read, may be missing, and shows a wrong key and a missing server', async () => {
    const there = await serve((_incoming, response) => json(response, 200, { object: 'list', data: [{ id: 'tiny' }] }));
    expect(await modelAt(there).listModels(never)).toEqual(['tiny']);
    const without = await serve((_incoming, response) => json(response, 404, { error: { message: 'no such path' } }));
    expect(await modelAt(without).listModels(never)).toBeNull();
    const odd = await serve((_incoming, response) => json(response, 200, { models: [] }));
    expect(await modelAt(odd).listModels(never)).toBeNull();
    const locked = await serve((_incoming, response) => json(response, 401, { error: { message: 'no' } }));
    expect((await failure(modelAt(locked).listModels(never))).code).toBe('MODEL_AUTH');
    expect((await failure(modelAt('http://127.0.0.1:1/v1').listModels(never))).code).toBe('MODEL_UNREACHABLE');
  });
});

test('a double of the protocol that answers from the rehearsal core', async () => {
  const options = parseRehearsalOptions({ latencyMs: 0 }, 5);
  const mock = await LLMock.create({ port: 0 });
  closers.push(() => mock.stop());
  mock.on({ predicate: () => true }, (body) => {
    const outcome = rehearse({ body }, options);
    if (outcome.kind !== 'completion') throw new Error(outcome.kind);
    const { message } = outcome.body.choices[0];
    return {
      content: message.content ?? '',
      toolCalls: (message.tool_calls ?? []).map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
      })),
    };
  });
  const model = modelAt(`${mock.url}/v1`);
  const answer = await model.complete(
    {
      ...request,
      agent: '_planner',
      messages: [{ role: 'system', content: '- goal: A fair policy\n- agents: 10\n- fan-out: 128\n- depth: 6' }],
      tools: [
        { type: 'function', function: { name: 'submit_plan', description: 'Plan.', parameters: { type: 'object' } } },
      ],
    },
    never,
  );
  expect(answer.class).toBe('tools');
  expect(answer.toolCalls.map((call) => call.function.name)).toEqual(['submit_plan']);
  const plan = JSON.parse(answer.toolCalls[0]?.function.arguments ?? '') as { agents: { slots: number }[] };
  expect(1 + plan.agents.length + plan.agents.reduce((sum, agent) => sum + agent.slots, 0)).toBe(10);
});

describe('a stream', () => {
  const chunk = (delta: unknown): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;

  /** Streams one piece and then nothing; resolves when the client has gone. */
  const hanging = async (): Promise<{ url: string; gone: Promise<void> }> => {
    let left: () => void;
    const gone = new Promise<void>((resolve) => (left = resolve));
    const url = await serve((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ content: 'All' }));
      response.on('close', () => left());
    });
    return { url, gone };
  };

  test('that is aborted in the middle is ABORTED, and the server sees it', async () => {
    const { url, gone } = await hanging();
    const controller = new AbortController();
    const heard: string[] = [];
    const onDelta = (text: string): void => {
      heard.push(text);
      controller.abort();
    };
    const error = await failure(modelAt(url).complete(request, controller.signal, { onDelta }));
    expect(error.code).toBe('ABORTED');
    expect(heard).toEqual(['All']);
    await gone;
  });

  test('that stands still is a timeout', async () => {
    const { url, gone } = await hanging();
    const model = modelAt(url, { timeoutMs: 200 });
    const error = await failure(model.complete(request, never, { onDelta: () => {} }));
    expect(error.code).toBe('MODEL_TIMEOUT');
    await gone;
  });

  test('of something else is no answer', async () => {
    const url = await serve((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"choices":7}\n\n');
    });
    expect((await failure(modelAt(url).complete(request, never, { onDelta: () => {} }))).code).toBe(
      'MODEL_BAD_RESPONSE',
    );
  });
});
