/**
 * One scope with many memories and their vectors: recall by words, by meaning and by both, beside a plain USearch index of
 * the same vectors with the same settings. Started with its settings as one JSON argument; the last line is the result.
 *
 * 1. Vectors are drawn around centres, as texts gather around subjects; vectors that lie evenly in all directions have no
 *    neighbours worth finding. The embedder takes no time.
 * 2. recall@10 is the part of the ten nearest, found by comparing with all, that are among the ten of a recall by meaning.
 */
import { z } from 'zod';
import type { Embedder, RecallQuery } from '../../src/memory/index.ts';
import { loadUsearch, newIndex, THREADS } from '../../src/memory/usearch.ts';
import { seededRandom, systemClock } from '../../src/platform/index.ts';
import { hashString } from '../../src/protocol/ids.ts';
import { runSubject } from '../harness/program.ts';
import { heapBytes } from '../savina/heap.ts';
import { quantile } from './agents.ts';
import { openJournaled } from './journaled.ts';
import { DIMENSIONS, LARGE_QUERIES } from './settings.ts';
import { memoryText, queryText } from './texts.ts';

export const largeSettingsSchema = z.strictObject({
  directory: z.string(),
  seed: z.int(),
  count: z.int().positive(),
});

const figures = z.strictObject({ p50Ms: z.number(), p99Ms: z.number(), recall: z.number().nullable() });

export const largeRunSchema = z.strictObject({
  words: figures,
  meaning: figures,
  fused: figures,
  plain: figures,
  exact: figures,
  /** From the start of the index to its end, by the memory, in the background. */
  indexSeconds: z.number(),
  plainIndexSeconds: z.number(),
  /** Per 1,000 memories with their words, without vectors. */
  kilobytes: z.number(),
  indexKilobytes: z.number(),
});

export type LargeSettings = z.infer<typeof largeSettingsSchema>;
export type LargeRun = z.infer<typeof largeRunSchema>;
type Figures = z.infer<typeof figures>;

const SCOPE = 'run';
const K = 10;
const ADDED_AT_ONCE = 500;
const PER_CENTRE = 50;
/** Length of what lies between a vector and its centre, whose length is 1. */
const SPREAD = 0.8;
const WAIT_MS = 600_000;

/** The vector of a text: near one of the centres, both drawn from its hash. */
class Directions implements Embedder {
  readonly model = 'directions';
  readonly #centres: readonly Float32Array[];

  constructor(seed: number, count: number) {
    this.#centres = Array.from({ length: Math.max(20, Math.floor(count / PER_CENTRE)) }, (_, at) =>
      this.#drawn(hashString(`centre-${at}`, seed)),
    );
  }

  /** Sums of three are near enough to a normal distribution. */
  #drawn(seed: number): Float32Array {
    const random = seededRandom(seed);
    const scale = 2 / Math.sqrt(DIMENSIONS);
    return Float32Array.from({ length: DIMENSIONS }, () => (random() + random() + random() - 1.5) * scale);
  }

  vectorOf(text: string): Float32Array {
    const hash = hashString(text);
    const centre = this.#centres[hash % this.#centres.length] ?? new Float32Array(DIMENSIONS);
    const vector = this.#drawn(hash);
    for (let at = 0; at < DIMENSIONS; at += 1) vector[at] = (vector[at] ?? 0) * SPREAD + (centre[at] ?? 0);
    let sum = 0;
    for (const part of vector) sum += part * part;
    const length = Math.sqrt(sum);
    return vector.map((part) => part / length);
  }

  embed(texts: readonly string[]): Promise<Float32Array[]> {
    return Promise.resolve(texts.map((text) => this.vectorOf(text)));
  }
}

const secondsSince = (startedAt: number): number => (systemClock.monotonic() - startedAt) / 1_000;

/** Times each query; `find` gives what a recall by meaning found. */
const timed = async (
  queries: readonly string[],
  nearest: readonly ReadonlySet<string>[],
  find: (query: string) => Promise<readonly string[] | null> | readonly string[] | null,
): Promise<Figures> => {
  const times: number[] = [];
  let hits: number | null = 0;
  for (const [at, query] of queries.entries()) {
    const startedAt = systemClock.monotonic();
    const found = await find(query);
    times.push(systemClock.monotonic() - startedAt);
    if (found === null) hits = null;
    else if (hits !== null) hits += found.filter((text) => nearest[at]?.has(text) === true).length;
  }
  const recall = hits === null ? null : hits / (queries.length * K);
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), recall };
};

export const measureLarge = async ({ directory, seed, count }: LargeSettings): Promise<LargeRun> => {
  const random = seededRandom(seed);
  const embedder = new Directions(seed, count);
  const texts = Array.from({ length: count }, (_, at) => memoryText(random, at));
  const queries = Array.from({ length: LARGE_QUERIES }, () => queryText(random));
  const opened = await openJournaled(directory, embedder);
  const { memory } = opened;
  const heapBefore = heapBytes() + process.memoryUsage().arrayBuffers;
  for (let from = 0; from < count; from += ADDED_AT_ONCE) {
    const part = texts.slice(from, from + ADDED_AT_ONCE);
    const added = part.map((text, at) => ({ scope: SCOPE, text, when: from + at, kind: 'said', agent: 'A' }) as const);
    await memory.add(added, { effectId: null });
  }
  await memory.embedded();
  const ask = (query: string, rankers: RecallQuery['rankers'], meaningWaitMs = 0): ReturnType<typeof memory.recall> =>
    memory.recall({ scopes: [SCOPE], query, k: K, rankers, meaningWaitMs });
  await ask(queries[0] ?? '', 'words');
  const kilobytes = (heapBytes() + process.memoryUsage().arrayBuffers - heapBefore) / count;
  const indexedAt = systemClock.monotonic();
  const { meaning } = await ask(queries[0] ?? '', 'both', WAIT_MS);
  const indexSeconds = secondsSince(indexedAt);
  if (meaning !== 'used') throw new Error(`the vectors are ${meaning}`);
  // Queries are embedded before they are timed.
  for (const query of queries) await ask(query, 'both', WAIT_MS);

  const usearch = await loadUsearch();
  const plainIndex = newIndex(usearch, DIMENSIONS);
  const block = new Float32Array(count * DIMENSIONS);
  for (const [at, text] of texts.entries()) block.set(embedder.vectorOf(text), at * DIMENSIONS);
  const plainAt = systemClock.monotonic();
  for (let at = 0; at < count; at += 1) {
    plainIndex.add(BigInt(at), block.subarray(at * DIMENSIONS, (at + 1) * DIMENSIONS), THREADS);
  }
  const plainIndexSeconds = secondsSince(plainAt);
  const vectors = new Map(queries.map((query) => [query, embedder.vectorOf(query)]));
  const vectorOf = (query: string): Float32Array => vectors.get(query) ?? new Float32Array(DIMENSIONS);
  const textsOf = (keys: BigUint64Array): string[] => Array.from(keys, (key) => texts[Number(key)] ?? '');
  const exactly = (query: string): string[] =>
    textsOf(usearch.exactSearch(block, vectorOf(query), DIMENSIONS, K, usearch.MetricKind.IP, THREADS).keys);
  const nearest = queries.map((query) => new Set(exactly(query)));
  const recalled = async (query: string, rankers: RecallQuery['rankers']): Promise<readonly string[] | null> => {
    const { memories, meaning: state } = await ask(query, rankers);
    if (rankers !== 'words' && state !== 'used') throw new Error(`the vectors are ${state}`);
    return rankers === 'meaning' ? memories.map(({ text }) => text) : null;
  };
  const result: LargeRun = {
    words: await timed(queries, nearest, (query) => recalled(query, 'words')),
    meaning: await timed(queries, nearest, (query) => recalled(query, 'meaning')),
    fused: await timed(queries, nearest, (query) => recalled(query, 'both')),
    plain: await timed(queries, nearest, (query) => textsOf(plainIndex.search(vectorOf(query), K, THREADS).keys)),
    exact: await timed(queries, nearest, exactly),
    indexSeconds,
    plainIndexSeconds,
    kilobytes,
    // Half precision and the links of the graph, by the size of its file.
    indexKilobytes: memory.stats().vectorBytes / count,
  };
  await opened.close();
  return result;
};

if (import.meta.main) await runSubject(largeSettingsSchema, measureLarge);
