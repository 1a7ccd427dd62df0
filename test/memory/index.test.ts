import { readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VectorSet } from '../../src/memory/vector-set.ts';
import { createMemoryStore, Memory } from '../../src/memory/index.ts';
import { loadUsearch } from '../../src/memory/usearch.ts';
import { decodeVector, encodeVector, normalised } from '../../src/memory/vector-codec.ts';
import { seededRandom } from '../../src/platform/index.ts';
import type { ServiceStore } from '../../src/journal/index.ts';
import { memoryOf, temporaryDirectory, WordEmbedder } from './support.ts';

const ONCE = { effectId: null };
const DIMENSIONS = 16;
const FEW = 400;
const limits = { exactVectorsMax: FEW };
const usearch = await loadUsearch();

const vectors = (count: number, seed = 1): Float32Array[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () =>
    normalised(
      Float32Array.from({ length: DIMENSIONS }, () => random() - 0.5),
      DIMENSIONS,
    ),
  );
};

const dot = (left: Float32Array, right: Float32Array): number =>
  left.reduce((sum, part, at) => sum + part * (right[at] ?? 0), 0);

const nearest = (all: readonly Float32Array[], query: Float32Array, allows: (at: number) => boolean): number[] =>
  all
    .map((vector, at) => ({ at, near: dot(vector, query) }))
    .filter(({ at }) => allows(at))
    .sort((left, right) => right.near - left.near)
    .slice(0, 5)
    .map(({ at }) => at);

describe('vectors', () => {
  test('X1 what is no direction is refused', () => {
    expect(() => normalised(new Float32Array(3), 4)).toThrow(/3 dimensions/u);
    expect(() => normalised(new Float32Array(4), 4)).toThrow(/zeros/u);
    expect(() => normalised(Float32Array.of(1, Number.NaN), 2)).toThrow(/numbers/u);
    expect(() => normalised(Float32Array.of(1, Number.POSITIVE_INFINITY), 2)).toThrow(/numbers/u);
  });

  test('a vector is kept to 16 bits, with its model and its length', () => {
    const [vector = new Float32Array()] = vectors(1);
    const record = encodeVector('m', vector);
    expect(record).toMatchObject({ model: 'm', dimensions: DIMENSIONS });
    expect(dot(decodeVector(record, 'm', DIMENSIONS) ?? vector, vector)).toBeCloseTo(1, 4);
    expect(decodeVector(record, 'other', null)).toBeNull();
    expect(decodeVector(record, 'm', 8)).toBeNull();
    expect(decodeVector({ ...record, data: record.data.subarray(2) }, 'm', null)).toBeNull();
    expect(decodeVector(encodeVector('m', new Float32Array(0)), 'm', null)).toBeNull();
  });

  test('few vectors are searched exactly, with what is removed or not allowed left out', () => {
    const all = vectors(300);
    const set = new VectorSet(usearch, DIMENSIONS);
    for (const [at, vector] of all.entries()) set.add(at, vector);
    for (const query of vectors(10, 2)) {
      const allows = (at: number): boolean => at % 7 !== 0;
      expect(set.search(query, 5, allows).map(({ ordinal }) => ordinal)).toEqual(nearest(all, query, allows));
    }
    const [first = new Float32Array()] = all;
    expect(set.search(first, 1, () => true)[0]).toMatchObject({ ordinal: 0 });
    set.remove(0);
    expect(set.search(first, 1, () => true)[0]?.ordinal).not.toBe(0);
    expect(set.count).toBe(299);
    expect(() => set.add(1_000, new Float32Array(3))).toThrow(/3 dimensions/u);
  });

  test('X3 many get an index; the block answers until it is there', () => {
    const all = vectors(FEW + 200);
    const set = new VectorSet(usearch, DIMENSIONS, null, FEW);
    for (const [at, vector] of all.entries()) set.add(at, vector);
    set.remove(3);
    expect(set.wantsIndex).toBe(true);
    const queries = vectors(20, 3);
    const before = queries.map((query) => set.search(query, 5, (at) => at > 9).map(({ ordinal }) => ordinal));
    expect(before).toEqual(queries.map((query) => nearest(all, query, (at) => at > 9)));
    set.buildSome(100);
    expect(set.index).toBeNull();
    set.remove(4);
    while (set.wantsIndex) set.buildSome(1_000);
    expect(set.index?.size()).toBe(all.length - 2);
    const after = queries.map((query) => set.search(query, 5, (at) => at > 9).map(({ ordinal }) => ordinal));
    const hits = after.flatMap((found, at) => found.filter((ordinal) => before[at]?.includes(ordinal)));
    expect(hits.length).toBeGreaterThanOrEqual(95);
    const [, second = new Float32Array()] = all;
    set.remove(1);
    expect(set.search(second, 1, () => true)[0]?.ordinal).not.toBe(1);
  });
});

describe('the index file', () => {
  const count = FEW + 100;
  const last = `The whale n${count - 1} is rare`;

  const filled = async (store: ServiceStore, directory: string): Promise<void> => {
    const memory = await Memory.open({ store, directory, limits, embedder: new WordEmbedder() });
    const all = Array.from({ length: count }, (_, at) => memoryOf('a', `The whale n${at} is rare`));
    await memory.add(all, ONCE);
    await memory.embedded();
    await recall(memory);
    await memory.close();
  };

  const recall = async (memory: Memory): Promise<string> => {
    const { memories, meaning } = await memory.recall({ scopes: ['a'], query: last, meaningWaitMs: 30_000 });
    expect(memories[0]?.text).toBe(last);
    return meaning;
  };

  test('R7, X4, X7 is loaded when it is what was written, and made anew when it is missing, damaged or of another model', async () => {
    const store = createMemoryStore();
    const directory = temporaryDirectory();
    await filled(store, directory);
    const files = (): string[] => readdirSync(directory);
    expect(files()).toHaveLength(1);
    const path = (): string => join(directory, files()[0] ?? '');
    const reopened = async (model?: string): Promise<number> => {
      const memory = await Memory.open({ store, directory, limits, embedder: new WordEmbedder(model) });
      await memory.embedded();
      expect(await recall(memory)).toBe('used');
      const { rebuilt } = memory.stats();
      await memory.close();
      expect(files()).toHaveLength(1);
      return rebuilt;
    };
    expect(await reopened()).toBe(0);
    const whole = readFileSync(path());
    const flipped = Uint8Array.from(whole);
    flipped[Math.floor(whole.length / 2)] = (whole[Math.floor(whole.length / 2)] ?? 0) ^ 0xff;
    writeFileSync(path(), flipped);
    expect(await reopened()).toBe(1);
    truncateSync(path(), Math.floor(whole.length / 3));
    expect(await reopened()).toBe(1);
    writeFileSync(path(), 'no index at all');
    expect(await reopened()).toBe(1);
    unlinkSync(path());
    expect(await reopened()).toBe(1);
    expect(await reopened()).toBe(0);
    expect(await reopened('words-b')).toBe(1);
    expect(await reopened('words-b')).toBe(0);
  });

  test('words answer while an index is made anew, and what was added since the file is in it', async () => {
    const store = createMemoryStore();
    const directory = temporaryDirectory();
    await filled(store, directory);
    const memory = await Memory.open({ store, directory, limits, embedder: new WordEmbedder() });
    await memory.add([memoryOf('a', 'Port closes')], ONCE);
    await memory.embedded();
    const first = await memory.recall({ scopes: ['a'], query: 'n7 harbour shuts' });
    expect(first.memories[0]?.text).toBe('The whale n7 is rare');
    const query = { scopes: ['a'], query: 'harbour shuts', meaningWaitMs: 30_000 };
    const { memories } = await memory.recall(query);
    expect(memories[0]?.text).toBe('Port closes');
    expect(memory.stats().rebuilt).toBe(0);
    await memory.close();
  });

  test('R6 what got its vector after the file was written is found by its meaning, however much that is', async () => {
    const store = createMemoryStore();
    const directory = temporaryDirectory();
    const gate = Promise.withResolvers<void>();
    gate.promise.catch(() => undefined);
    const held = new (class extends WordEmbedder {
      override async embed(texts: readonly string[]): Promise<Float32Array[]> {
        if (texts.includes('Port closes')) await gate.promise;
        return super.embed(texts);
      }
    })();
    const before = await Memory.open({ store, directory, limits, embedder: held });
    const all = Array.from({ length: count }, (_, at) => memoryOf('a', `The whale n${at} is rare`));
    await before.add(all, ONCE);
    await before.embedded();
    const late = Array.from({ length: 700 }, (_, at) => memoryOf('a', `The whale n${count + at} is rare`));
    await before.add([memoryOf('a', 'Port closes'), ...late], ONCE);
    await recall(before);
    const closed = before.close();
    gate.reject(new Error('the run has ended'));
    await closed;

    const memory = await Memory.open({ store, directory, limits, embedder: new WordEmbedder() });
    await memory.embedded();
    const query = { scopes: ['a'], query: 'harbour shuts', meaningWaitMs: 30_000 };
    expect((await memory.recall(query)).memories[0]?.text).toBe('Port closes');
    expect(memory.stats().rebuilt).toBe(0);
    await memory.close();
  });
});
