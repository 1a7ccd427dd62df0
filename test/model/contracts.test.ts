/**
 * Answers in the shapes of the servers that people run, written after their documentation and replayed over HTTP: each
 * must be read the same way, streamed or not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MegactorError } from '../../src/protocol/errors.ts';
import { createOpenAiModel, type OpenAiModel } from '../../src/model/openai.ts';
import type { ChatAnswer, ChatRequest } from '../../src/model/types.ts';

const caseSchema = z.strictObject({
  name: z.string(),
  status: z.int().default(200),
  headers: z.record(z.string(), z.string()).default({}),
  /** What comes at once; or else the chunks of a stream. */
  body: z.unknown().optional(),
  events: z.array(z.unknown()).optional(),
  /** Fields of the answer; `calls`: id (null: any that is not empty), name, arguments. */
  answer: z
    .looseObject({ calls: z.array(z.tuple([z.string().nullable(), z.string(), z.string()])).optional() })
    .optional(),
  error: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  /** What a watcher reads, piece by piece. */
  deltas: z.array(z.string()).optional(),
});
const contractSchema = z.strictObject({ server: z.string(), source: z.string(), cases: z.array(caseSchema).min(10) });

type Case = z.output<typeof caseSchema>;

const folder = join(import.meta.dirname, 'contracts');
const contracts = readdirSync(folder).map((file) =>
  contractSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
);

const request: ChatRequest = {
  agent: 'Writer',
  run: 'run',
  level: 2,
  messages: [{ role: 'user', content: 'Boss: begin' }],
  tools: [{ type: 'function', function: { name: 'read_file', description: 'Reads.', parameters: { type: 'object' } } }],
  maxTokens: 100,
};

/** The body of a stream, cut into packets of an odd size, as networks do. */
const stream = (response: ServerResponse, events: readonly unknown[]): void => {
  const text = [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n'].join('');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let at = 0; at < text.length; at += 37) response.write(text.slice(at, at + 37));
  response.end();
};

describe.each(contracts)('$server', ({ cases }) => {
  let played: Case;
  let sent: Record<string, unknown> = {};
  let model: OpenAiModel;
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      sent = JSON.parse(body) as Record<string, unknown>;
      const { status, headers, events } = played;
      if (events !== undefined && sent['stream'] === true) return stream(response, events);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(played.body));
    });
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    model = createOpenAiModel({ model: 'any', baseUrl: `http://127.0.0.1:${port}/v1`, environment: {} });
  });

  afterAll(async () => {
    await model.close();
    server.closeAllConnections();
    server.close();
  });

  const outcome = async (
    one: Case,
    listens: boolean,
  ): Promise<{ answer?: ChatAnswer; error?: MegactorError; deltas: string[] }> => {
    played = one;
    const deltas: string[] = [];
    const hooks = listens ? { onDelta: (text: string) => deltas.push(text) } : {};
    try {
      return { answer: await model.complete(request, new AbortController().signal, hooks), deltas };
    } catch (error) {
      if (error instanceof MegactorError) return { error, deltas };
      throw error;
    }
  };

  const check = (one: Case, { answer, error }: { answer?: ChatAnswer; error?: MegactorError }): void => {
    expect(error?.code).toBe(one.error);
    if (one.details !== undefined) expect(error?.details).toMatchObject(one.details);
    if (one.answer === undefined) return;
    const { calls = [], ...fields } = one.answer;
    expect(answer).toMatchObject(fields);
    expect(answer?.toolCalls.length).toBe(
      ['truncated', 'bad-json'].includes(String(fields['class'])) ? answer?.toolCalls.length : calls.length,
    );
    for (const [index, [id, name, args]] of calls.entries()) {
      const call = answer?.toolCalls[index];
      expect(call?.function).toEqual({ name, arguments: args });
      expect(call?.id).toEqual(id ?? expect.stringMatching(/./u));
    }
  };

  test.each(cases.filter(({ events }) => events === undefined))('$name', async (one) => {
    check(one, await outcome(one, false));
    expect(Object.keys(sent).sort()).toEqual(['max_tokens', 'messages', 'model', 'tools']);
    // Also when a watcher wants a stream, and the server gives the whole instead.
    const watched = await outcome(one, true);
    check(one, watched);
    const { answer } = watched;
    if (answer === undefined) return;
    expect(watched.deltas).toHaveLength(1);
    expect(answer.firstTokenMs).toBe(answer.latencyMs);
  });

  test.each(cases.filter(({ events }) => events !== undefined))('streamed: $name', async (one) => {
    const watched = await outcome(one, true);
    check(one, watched);
    expect(watched.deltas).toEqual(one.deltas);
    expect(sent).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    const { answer } = watched;
    if (answer !== undefined) expect(answer.firstTokenMs).toBeLessThanOrEqual(answer.latencyMs);
  });
});
