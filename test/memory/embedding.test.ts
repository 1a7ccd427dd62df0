import { describe, expect, test } from 'vitest';
import { FAILURES_TOLD } from '../../src/memory/embedding.ts';
import { LENGTHS_MAX } from '../../src/memory/vector-maker.ts';
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

  test('V3 a long outage is said, tried through at bounded delays, and over by itself; words go on', async () => {
    const clock = new VirtualClock({ selfDriven: true });
    const embedder = new WordEmbedder();
    const triedAt: number[] = [];
    embedder.fail = () => {
      triedAt.push(clock.monotonic());
      return triedAt.length <= 40 ? new MegactorError('MODEL_SERVER', 'down') : null;
    };
    const changes: EmbeddingStats[] = [];
    const memory = await open({ embedder, clock, random: () => 0.5, onEmbedding: (stats) => changes.push(stats) });
    await memory.add([memoryOf('a', ANSWER)], ONCE);
    expect(await memory.recall({ scopes: ['a'], query: 'closes', rankers: 'words' })).toMatchObject({
      memories: [{ text: ANSWER }],
    });
    await memory.embedded();
    expect(changes).toMatchObject([
      { state: 'failing', error: 'down', waiting: 1, embedded: 0 },
      { state: 'working', error: null },
    ]);
    expect(triedAt).toHaveLength(41);
    const delays = triedAt.slice(1).map((at, before) => at - (triedAt[before] ?? 0));
    expect(delays.slice(0, 3)).toEqual([375, 750, 1_500]);
    expect(delays.slice(FAILURES_TOLD).every((delayMs) => delayMs === 45_000)).toBe(true);
    expect(memory.stats().embedding).toMatchObject({ state: 'idle', error: null, waiting: 0, embedded: 1 });
    expect(await ask(memory)).toEqual({ first: ANSWER, meaning: 'used' });
    await memory.close();
  });

  test('V3 what cannot heal stops it at once and is said; the next opening begins anew', async () => {
    const embedder = new WordEmbedder();
    embedder.fail = () => new MegactorError('MODEL_AUTH', 'wrong key');
    const store = createMemoryStore();
    const changes: EmbeddingStats[] = [];
    const memory = await open({ store, embedder, onEmbedding: (stats) => changes.push(stats) });
    await memory.add([memoryOf('a', ANSWER)], ONCE);
    await memory.embedded();
    expect(changes).toMatchObject([{ state: 'stopped', error: 'wrong key', waiting: 1 }]);
    expect(embedder.asked).toHaveLength(1);
    expect(await ask(memory, 'closes')).toEqual({ first: ANSWER, meaning: 'failed' });
    await memory.close();
    const again = await open({ store, embedder: new WordEmbedder() });
    await again.embedded();
    expect(again.stats().embedding).toMatchObject({ embedded: 1, waiting: 0 });
    await again.close();
  });

  test('V2 vectors of another length under the same name: everything is embedded again, and it says so', async () => {
    const store = createMemoryStore();
    const earlier = await open({ store, embedder: new WordEmbedder('words-a', 64) });
    await earlier.add(some, ONCE);
    await earlier.embedded();
    await earlier.close();
    // The length is another after an opening, and changes once more in the middle of it.
    const changes: EmbeddingStats[] = [];
    let length = 32;
    const embedder = new WordEmbedder();
    embedder.vectorOf = (text) => new WordEmbedder('words-a', length).vectorOf(text);
    const memory = await open({ store, embedder, onEmbedding: (stats) => changes.push(stats) });
    expect(memory.stats().embedding).toMatchObject({ reembedding: false, dimensions: 64 });
    for (const query of [QUERY, 'the harbour shuts', 'a harbour that shuts']) {
      await ask(memory, query);
      await memory.embedded();
      expect(await ask(memory, query)).toEqual({ first: ANSWER, meaning: 'used' });
      if (query === QUERY) length = 16;
    }
    expect(changes).toMatchObject([
      { reembedding: true, dimensions: 32 },
      { reembedding: false, embedded: 3 },
      { reembedding: true, dimensions: 16 },
      { reembedding: false, embedded: 6 },
    ]);
    expect(memory.stats().embedding).toMatchObject({ refused: 0, waiting: 0, state: 'idle' });
    // A restart in the middle goes on without being asked anything.
    length = 8;
    embedder.fail = (texts) => (texts.includes(ANSWER) ? new MegactorError('MODEL_SERVER', 'down') : null);
    await ask(memory, 'harbour');
    await expect.poll(() => memory.stats().embedding.state).toBe('backoff');
    await memory.close();
    const again = await open({ store, embedder: new WordEmbedder('words-a', 8) });
    expect(again.stats().embedding.reembedding).toBe(true);
    await again.embedded();
    expect(again.stats().embedding).toMatchObject({ embedded: 3, reembedding: false, dimensions: 8 });
    expect(await ask(again)).toEqual({ first: ANSWER, meaning: 'used' });
    await again.close();
  });

  test('V3 a server whose vectors change their length all the time is not followed for ever', async () => {
    const embedder = new WordEmbedder();
    let length = 8;
    embedder.vectorOf = (text) => new WordEmbedder('words-a', length).vectorOf(text);
    const changes: EmbeddingStats[] = [];
    const memory = await open({ embedder, onEmbedding: (stats) => changes.push(stats) });
    for (; length < 8 + LENGTHS_MAX + 2; length += 1) {
      await memory.add([memoryOf('a', `text n${length}`)], ONCE);
      await memory.embedded();
    }
    expect(changes.filter(({ reembedding }) => reembedding)).toHaveLength(LENGTHS_MAX);
    expect(memory.stats().embedding).toMatchObject({ state: 'stopped', waiting: 1 });
    expect(memory.stats().embedding.error).toContain('change their length');
    await memory.close();
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
