/** The embedder on a server, behind its own gate: what an outage, a wrong key and a used-up quota lead to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { openEmbedding, type ModelEmbedding } from '../../../src/run/services/model-embedding.ts';
import { routeOptionsSchema } from '../../../src/run/services/model-routes.ts';
import type { Spending } from '../../../src/run/services/model-spend.ts';
import { ManualClock } from '../../model/support/manual-clock.ts';
import { memoryStore } from '../../society/memory-store.ts';
import { startScriptedServer, type ScriptedAnswer, type ScriptedServer } from '../../support/scripted-server.ts';

const DOWN: ScriptedAnswer = { status: 503, raw: { error: { message: 'down' } } };
const WRONG_KEY: ScriptedAnswer = { status: 401, raw: { error: { message: 'no such key', code: 'invalid_api_key' } } };
const SPENT: ScriptedAnswer = { status: 429, raw: { error: { message: 'used up', code: 'insufficient_quota' } } };

const vectors = (texts: readonly string[]): ScriptedAnswer => ({
  raw: { data: texts.map((text, index) => ({ index, embedding: [text.length, 1] })), usage: { prompt_tokens: 1 } },
});

const FREE: Spending = { budgets: undefined, changes: () => [], rows: () => [], warned: () => Promise.resolve() };
const open: { close: () => Promise<unknown> }[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const one of open.splice(0)) await one.close();
});

/** An embedder whose server answers with `says`, or else with vectors. */
const start = async (): Promise<{
  embedding: ModelEmbedding;
  server: ScriptedServer;
  clock: ManualClock;
  says: (answer: ScriptedAnswer | null) => void;
}> => {
  let answer: ScriptedAnswer | null = null;
  const server = await startScriptedServer(
    ({ body }) => answer ?? vectors((body as unknown as { input: readonly string[] }).input),
  );
  vi.stubEnv('OPENAI_API_KEY', 'test-key');
  const clock = new ManualClock();
  const options = routeOptionsSchema.parse({ model: 'rehearsal', seed: 1, baseUrl: server.baseUrl });
  const name = 'openai:meaning';
  const embedding = await openEmbedding({ name, options, clock, store: memoryStore(), spending: FREE });
  open.push(embedding, { close: () => server.stop() });
  return { embedding, server, clock, says: (next) => (answer = next) };
};

const embed = async (embedding: ModelEmbedding, ...texts: string[]): Promise<unknown> => {
  const { signal } = new AbortController();
  return await embedding.embed({ texts, urgent: false }, { effectId: null, caller: 'memory', signal });
};

/** Lets time pass until `done` settles: requests take real time, all waiting is the clock's. */
const meanwhile = async <Value>(clock: ManualClock, done: Promise<Value>): Promise<Value> => {
  const state = { over: false };
  const settled = done.finally(() => (state.over = true));
  settled.catch(() => undefined);
  while (!state.over) {
    await clock.advance(200);
    await sleep(1);
  }
  return settled;
};

const codeOf = (done: Promise<unknown>): Promise<unknown> =>
  done.then(
    () => 'answered',
    (error: unknown) => (error as { code?: string }).code,
  );

test('a gate that an outage has made give up is replaced: the next call asks the server anew', async () => {
  const { embedding, server, clock, says } = await start();
  await embed(embedding, 'before');
  says(DOWN);
  expect(await meanwhile(clock, codeOf(embed(embedding, 'in vain')))).toBe('MODEL_SERVER');
  const tries = server.requests.length - 1;
  expect(tries).toBeGreaterThan(1);
  // Still down: another gate, which tries as well, and gives up in its turn.
  expect(await meanwhile(clock, codeOf(embed(embedding, 'in vain again')))).toBe('MODEL_SERVER');
  expect(server.requests.length - 1).toBeGreaterThan(tries);
  says(null);
  expect(await meanwhile(clock, codeOf(embed(embedding, 'after', 'all')))).toBe('answered');
});

test.each([
  ['a wrong key', WRONG_KEY, 'MODEL_AUTH'],
  ['a used-up quota', SPENT, 'MODEL_QUOTA'],
])('%s is said as it is, and nobody asks again', async (_, answer, code) => {
  const { embedding, server, clock, says } = await start();
  says(answer);
  expect(await meanwhile(clock, codeOf(embed(embedding, 'one')))).toBe(code);
  says(null);
  expect(await meanwhile(clock, codeOf(embed(embedding, 'two')))).toBe(code);
  expect(server.requests).toHaveLength(1);
});
