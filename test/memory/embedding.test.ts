import { describe, expect, test } from 'vitest';
import { FAILURES_MAX } from '../../src/memory/embedding.ts';
import { createMemoryStore, Memory, type EmbeddingStats, type MemoryOptions } from '../../src/memory/index.ts';
import { VirtualClock } from '../../src/platform/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { memoryOf, openStore, temporaryDirectory, WordEmbedder } from './support.ts';

const ONCE = { effectId: null };
const QUERY = 'harbour shuts';
const ANSWER = 'Port closes';

const open = (options: Partial<MemoryOptions>): Promise<Memory> =>
  Memory.open({ store: createMemoryStore(), ...options });

const ask = async (memory: Memory, query = QUERY): Promise<{ first: string | undefined; meaning: string }> => {
  const { memories, meaning } = await memory.recall({ scopes: ['a'], query, meaningWaitMs: 10_000 });
  return { first: memories[0]?.text, meaning };
};

const some = [memoryOf('a', 'Fish arrives daily'), memoryOf('a', ANSWER), memoryOf('a', 'Bring money')];

describe('embedding', () => {
  test('R6, V1 nothing waits for it; what was said is found by its meaning once it was embedded', async () => {
    const embedder = new WordEmbedder();
    const held = Promise.withResolvers<void>();
    embedder.gate = held.promise;
    const memory = await open({ embedder });
    await memory.add(some, ONCE);
    expect(await memory.recall({ scopes: ['a'], query: 'fish harbour shuts' })).toMatchObject({
      memories: [{ text: 'Fish arrives daily' }],
      meaning: 'waiting',
    });
    expect(memory.stats().embedding).toMatchObject({ waiting: 3, state: 'working' });
    held.resolve();
    await memory.embedded();
    expect(await ask(memory)).toEqual({ first: ANSWER, meaning: 'used' });
    expect(memory.stats().embedding).toMatchObject({ waiting: 0, state: 'idle', embedded: 3, dimensions: 64 });
    // Known by now: nobody has to wait.
    const { memories } = await memory.recall({ scopes: ['a'], query: QUERY });
    expect(memories[0]).toMatchObject({ text: ANSWER, words: null });
    expect(memories[0]?.meaning).toBeGreaterThan(0.5);
    await memory.close();
  });

  test('V2 what waits is found again after a restart', async () => {
    const run = temporaryDirectory();
    let opened = await openStore(run);
    const stuck = new WordEmbedder();
    stuck.gate = new Promise(() => undefined);
    const first = await open({ store: opened.store, embedder: stuck });
    for (let at = 0; at < 50; at += 1) await first.add([memoryOf('b', `Some text number n${at}`)], ONCE);
    await first.add(some, ONCE);
    await opened.close();
    opened = await openStore(run);
    const embedder = new WordEmbedder();
    const memory = await open({ store: opened.store, embedder });
    await memory.embedded();
    expect(memory.stats().embedding).toMatchObject({ embedded: 53, waiting: 0 });
    expect(await ask(memory)).toEqual({ first: ANSWER, meaning: 'used' });
    await memory.close();
    await opened.close();
    opened = await openStore(run);
    const again = await open({ store: opened.store, embedder: new WordEmbedder() });
    expect(again.stats().embedding).toMatchObject({ embedded: 0, waiting: 0, reembedding: false });
    expect(await ask(again)).toEqual({ first: ANSWER, meaning: 'used' });
    await again.close();
  });

  test.each([
    ['another model', new WordEmbedder('words-b', 32)],
    ['a model after none', null],
  ])('V2 %s: words alone until everything is embedded again, and it says so', async (_, before) => {
    const store = createMemoryStore();
    const earlier = await open({ store, embedder: before });
    await earlier.add(some, ONCE);
    await earlier.embedded();
    await earlier.close();
    const embedder = new WordEmbedder();
    const held = Promise.withResolvers<void>();
    const changes: EmbeddingStats[] = [];
    embedder.fail = (texts) => (texts.includes(QUERY) ? null : new MegactorError('MODEL_SERVER', 'not yet'));
    const memory = await open({ store, embedder, onEmbedding: (stats) => changes.push(stats) });
    expect(memory.stats().embedding.reembedding).toBe(true);
    const { memories } = await memory.recall({ scopes: ['a'], query: QUERY, meaningWaitMs: 10_000 });
    expect(memories).toEqual([]);
    embedder.fail = null;
    held.resolve();
    await memory.embedded();
    expect(changes.at(-1)).toMatchObject({ reembedding: false, model: 'words-a', embedded: 3 });
    expect(await ask(memory)).toEqual({ first: ANSWER, meaning: 'used' });
    await memory.close();
    const again = await open({ store, embedder: new WordEmbedder() });
    await again.embedded();
    expect(again.stats().embedding).toMatchObject({ embedded: 0, reembedding: false });
    await again.close();
  });

  test('V3 failures are tried again after growing delays, then it stops and says so; words go on', async () => {
    const clock = new VirtualClock({ selfDriven: true });
    const embedder = new WordEmbedder();
    embedder.fail = () => new MegactorError('MODEL_SERVER', 'down');
    const store = createMemoryStore();
    const stopped = Promise.withResolvers<EmbeddingStats>();
    const memory = await open({ store, embedder, clock, onEmbedding: (stats) => stopped.resolve(stats) });
    await memory.add([memoryOf('a', ANSWER)], ONCE);
    expect(await stopped.promise).toMatchObject({ state: 'stopped', error: 'down', waiting: 1 });
    expect(embedder.asked).toHaveLength(FAILURES_MAX);
    expect(clock.monotonic()).toBeGreaterThan(30_000);
    expect(await ask(memory, 'closes')).toEqual({ first: ANSWER, meaning: 'failed' });
    await memory.close();
    // The next opening begins anew.
    const again = await open({ store, embedder: new WordEmbedder() });
    await again.embedded();
    expect(again.stats().embedding).toMatchObject({ embedded: 1, waiting: 0 });
    await again.close();
  });

  test('V3 a text that is refused, and a vector that is none, are left to words alone', async () => {
    const embedder = new WordEmbedder();
    embedder.fail = (texts) =>
      texts.some((text) => text.includes('poison')) ? new MegactorError('MODEL_BAD_REQUEST', 'no') : null;
    const vectorOf = embedder.vectorOf.bind(embedder);
    embedder.vectorOf = (text) => {
      if (text.includes('broken')) return new Float32Array(64).fill(Number.NaN);
      return text.includes('short') ? new Float32Array(3) : vectorOf(text);
    };
    const memory = await open({ embedder });
    const bad = ['some poison', 'a broken one', 'a short one'].map((text) => memoryOf('a', text));
    await memory.add([...some, ...bad], ONCE);
    await memory.embedded();
    expect(memory.stats().embedding).toMatchObject({ embedded: 3, refused: 3, waiting: 0, state: 'idle' });
    expect(await ask(memory)).toEqual({ first: ANSWER, meaning: 'used' });
    expect((await ask(memory, 'some poison')).first).toBe('some poison');
    await memory.close();
  });

  test('a memory that is closed in the middle ends at once and loses nothing', async () => {
    const store = createMemoryStore();
    const embedder = new WordEmbedder();
    embedder.fail = () => new MegactorError('MODEL_SERVER', 'down');
    const memory = await open({ store, embedder });
    await memory.add(some, ONCE);
    await expect.poll(() => memory.stats().embedding.state).toBe('backoff');
    await memory.close();
    const again = await open({ store, embedder: new WordEmbedder() });
    expect(again.stats().embedding.waiting).toBe(3);
    await again.close();
  });
});
