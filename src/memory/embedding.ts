/**
 * Vectors in the background: takes what waits, in batches, from the store's own list of it, so that nothing is lost with
 * the process, and keeps the vectors there. What it does not do: decide who searches them, or embed queries on its own.
 *
 * Invariants: V1 Adding and recalling never wait for an embedding. V2 What has no vector of this model is found again after
 * a restart, and after a change of the model or of its vectors' length (nothing of the former is used meanwhile). V3 Failures
 * are tried again after a growing delay, at most `DELAY_MAX_MS`, until one succeeds; from `FAILURES_TOLD` in a row on it says
 * that it fails. What the user must put right (a wrong key, no such model) stops embedding until the next opening. A text that
 * the embedder refuses is left to words alone. V4 One batch is under way at a time, beside queries
 * (`query-vectors.ts`).
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import type { Clock, Random } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { KEY, SCOPES, scopeOfKey, type MemoryRecord, type ScopeRecord } from './store-layout.ts';
import type { Embedder, EmbeddingStats } from './types.ts';
import { QueryVectors, type QueryVector } from './query-vectors.ts';
import { encodeVector, type VectorRecord } from './vector-codec.ts';
import { PROBE, VectorMaker } from './vector-maker.ts';

export const BATCH = 32;
/** Characters of a text that are embedded: what it is about stands at its beginning. */
const CHARS_MAX = 1_000;
const DELAY_MIN_MS = 500;
const DELAY_MAX_MS = 60_000;
/** Failures in a row after which it is told: about 40 seconds. */
export const FAILURES_TOLD = 8;
/** Failures that are about the text, not about the embedder. */
const REFUSALS = new Set(['MODEL_BAD_REQUEST', 'MODEL_CONTEXT_OVERFLOW', 'EMBEDDER_FAILED']);

export interface EmbeddingParts {
  readonly embedder: Embedder;
  readonly store: ServiceStore;
  readonly clock: Clock;
  /** For jitter. */
  readonly random: Random;
  /** Told of vectors that are in the store. */
  readonly onVector: (scope: string, ordinal: number, vector: Float32Array) => void;
  /** Told when embedding fails or stops, works again after failures, and begins or has ended to embed again. */
  readonly onChange: (stats: EmbeddingStats) => void;
}

export interface PendingChanges {
  readonly changes: readonly StoreChange[];
  readonly next: number;
}

interface Waiting {
  readonly scope: string;
  readonly ordinal: number;
  readonly text: string;
}

export class Embedding {
  readonly #parts: EmbeddingParts;
  readonly #stop = new AbortController();
  readonly #maker: VectorMaker;
  readonly #queries: QueryVectors;
  /** What waits: `done … next − 1`, of which the store has those below `ready`. */
  #done: number;
  #ready: number;
  #next: number;
  #running: Promise<void> | null = null;
  #embedded = 0;
  #refused = 0;
  #failures = 0;
  #state: EmbeddingStats['state'] = 'idle';
  #error: string | null = null;
  #reembedding: boolean;
  /** The length that the store says all of its vectors have; null: it says none. */
  #storedDimensions: number | null;

  private constructor(
    parts: EmbeddingParts,
    start: { done: number; next: number; reembedding: boolean; dimensions: number | null },
  ) {
    this.#parts = parts;
    this.#done = start.done;
    this.#ready = start.next;
    this.#next = start.next;
    this.#reembedding = start.reembedding;
    this.#storedDimensions = start.dimensions;
    this.#maker = new VectorMaker({
      embedder: parts.embedder,
      signal: this.#stop.signal,
      dimensions: start.dimensions,
      onLength: () => this.#onLength(),
    });
    this.#queries = new QueryVectors({
      make: async (text) => (await this.#maker.make([text], true))[0] ?? null,
      onFailure: (error) => (this.#error = toMegactorError(error).message),
    });
  }

  static async open(parts: EmbeddingParts): Promise<Embedding> {
    const { store, embedder } = parts;
    const [done = 0, next = 0, model, dimensions] = (await Promise.all([
      store.get(KEY.pendingDone),
      store.get(KEY.pendingNext),
      store.get(KEY.model),
      store.get(KEY.dimensions),
    ])) as [number?, number?, (string | null)?, (number | null)?];
    const isSame = model === embedder.model;
    // Not known although there may be vectors: embedding again did not end, or it was not kept when they were made.
    const isLengthLost = dimensions === null || (dimensions === undefined && done > 0);
    // A store that never had a memory has no model either.
    const reembedding = (!isSame || isLengthLost) && (await store.range(SCOPES.from, SCOPES.to)).length > 0;
    if (!isSame && !reembedding) {
      const changes = [
        { key: KEY.model, value: embedder.model },
        { key: KEY.dimensions, value: undefined },
      ];
      await store.commit({ effectId: null, result: null, changes });
    }
    const known = isSame ? (dimensions ?? null) : null;
    const embedding = new Embedding(parts, { done, next, reembedding, dimensions: known });
    embedding.#wake();
    return embedding;
  }

  get model(): string {
    return this.#parts.embedder.model;
  }

  get dimensions(): number | null {
    return this.#maker.dimensions;
  }

  get stats(): EmbeddingStats {
    return {
      model: this.model,
      dimensions: this.dimensions,
      embedded: this.#embedded,
      waiting: this.#next - this.#done,
      refused: this.#refused,
      reembedding: this.#reembedding,
      state: this.#state,
      error: this.#error,
    };
  }

  /** The changes that make memories wait for their vectors. The caller commits them together, in order, then calls `committed`. */
  changesFor(memories: readonly { readonly scope: string; readonly ordinal: number }[]): PendingChanges {
    const changes: StoreChange[] = memories.map(({ scope, ordinal }, index) => ({
      key: KEY.pending(this.#next + index),
      value: [scope, ordinal],
    }));
    this.#next += memories.length;
    if (changes.length > 0) changes.push({ key: KEY.pendingNext, value: this.#next });
    return { changes, next: this.#next };
  }

  /** What was made by `changesFor` is in the store. */
  committed({ next }: PendingChanges): void {
    this.#ready = Math.max(this.#ready, next);
    this.#wake();
  }

  #wake(): void {
    if (this.#running !== null || this.#stop.signal.aborted || this.#state === 'stopped') return;
    if (this.#done >= this.#ready && !this.#reembedding) return;
    this.#running = this.#work().finally(() => {
      this.#running = null;
      if (this.#state !== 'stopped') this.#state = 'idle';
      this.#wake();
    });
  }

  /** Resolves when nothing waits any more, or embedding has stopped. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async close(): Promise<void> {
    this.#stop.abort(new MegactorError('ABORTED', 'the memory is closed'));
    await this.#running;
    await this.#parts.embedder.close?.();
  }

  /** The vector of a query if it is known; else its embedding is begun, and is known later. */
  query(text: string): QueryVector {
    return this.#queries.of(text.slice(0, CHARS_MAX), this.#state !== 'stopped' && !this.#stop.signal.aborted);
  }

  /** Vectors have another length from here on: what has one of the former is embedded again. */
  #onLength(): void {
    this.#queries.forget();
    this.#reembedding = true;
    this.#parts.onChange(this.stats);
    this.#wake();
  }

  async #work(): Promise<void> {
    try {
      if (this.#reembedding) await this.#embedAgain();
      while (this.#done < this.#ready) {
        const until = Math.min(this.#ready, this.#done + BATCH);
        const rows = await this.#parts.store.range(KEY.pending(this.#done), KEY.pending(until));
        const keys = rows.map(([key]) => key);
        const texts = await this.#texts(rows.map(([, value]) => value as readonly [string, number]));
        const changes: StoreChange[] = keys.map((key) => ({ key, value: undefined }));
        await this.#embed(texts, [...changes, { key: KEY.pendingDone, value: until }]);
        this.#done = until;
      }
    } catch (error) {
      // Aborted, or the store is gone; what waits is in it.
      if (!this.#stop.signal.aborted) this.#give(toMegactorError(error).message);
    }
  }

  /** Everything again that has no vector of this model and this length. */
  async #embedAgain(): Promise<void> {
    const { store, embedder } = this.#parts;
    // Under the same model what has no vector waits for its first one.
    const isSame = (await store.get(KEY.model)) === embedder.model;
    // An opening after a sudden end goes on with it.
    await store.commit({ effectId: null, result: null, changes: [{ key: KEY.dimensions, value: null }] });
    this.#storedDimensions = null;
    if (this.dimensions === null) await this.#vectors([{ scope: '', ordinal: 0, text: PROBE }]);
    let dimensions: number | null;
    do {
      dimensions = this.dimensions;
      for (const [key, record] of await store.range(SCOPES.from, SCOPES.to)) {
        await this.#scopeAgain(scopeOfKey(key), record as ScopeRecord, isSame);
      }
      // The length may have changed meanwhile, `LENGTHS_MAX` times at most.
    } while (dimensions !== this.dimensions);
    const changes = [
      { key: KEY.model, value: embedder.model },
      { key: KEY.dimensions, value: dimensions },
    ];
    this.#reembedding = false;
    this.#storedDimensions = dimensions;
    await store.commit({ effectId: null, result: null, changes });
    this.#parts.onChange(this.stats);
  }

  async #scopeAgain(scope: string, { first, next }: ScopeRecord, isSame: boolean): Promise<void> {
    const { store, embedder } = this.#parts;
    for (let from = first; from < next; from += BATCH) {
      const to = Math.min(next, from + BATCH);
      const vectors = new Map(await store.range(KEY.vector(scope, from), KEY.vector(scope, to)));
      const foreign: [string, number][] = [];
      for (let ordinal = from; ordinal < to; ordinal += 1) {
        const vector = vectors.get(KEY.vector(scope, ordinal)) as VectorRecord | undefined;
        if (vector === undefined && isSame) continue;
        if (vector?.model === embedder.model && vector.dimensions === this.dimensions) continue;
        foreign.push([scope, ordinal]);
      }
      await this.#embed(await this.#texts(foreign), []);
    }
  }

  /** What of these memories still exists. */
  async #texts(places: readonly (readonly [string, number])[]): Promise<Waiting[]> {
    const records = await Promise.all(
      places.map(([scope, ordinal]) => this.#parts.store.get(KEY.memory(scope, ordinal))),
    );
    return places.flatMap(([scope, ordinal], index) => {
      const record = records[index] as MemoryRecord | undefined;
      return record === undefined ? [] : [{ scope, ordinal, text: record[0].slice(0, CHARS_MAX) }];
    });
  }

  /** Embeds a batch, whatever it takes within V3, and commits its vectors with `changes`. @throws when embedding stops */
  async #embed(batch: readonly Waiting[], changes: readonly StoreChange[]): Promise<void> {
    const vectors = batch.length === 0 ? [] : await this.#vectors(batch);
    const { store, embedder, onVector } = this.#parts;
    const kept = batch.map(({ scope, ordinal }, index): StoreChange => {
      const vector = vectors[index] ?? new Float32Array(0);
      return { key: KEY.vector(scope, ordinal), value: encodeVector(embedder.model, vector) };
    });
    if (kept.length + changes.length === 0) return;
    const dimensions = this.dimensions;
    const isLearned = !this.#reembedding && dimensions !== null && dimensions !== this.#storedDimensions;
    if (isLearned) kept.push({ key: KEY.dimensions, value: dimensions });
    await store.commit({ effectId: null, result: null, changes: [...kept, ...changes] });
    if (isLearned) this.#storedDimensions = dimensions;
    this.#embedded += vectors.filter((vector) => vector !== null).length;
    for (const [index, { scope, ordinal }] of batch.entries()) {
      const vector = vectors[index];
      if (vector !== null && vector !== undefined) onVector(scope, ordinal, vector);
    }
  }

  /** A vector for each, or null for one that was refused. */
  async #vectors(batch: readonly Waiting[]): Promise<(Float32Array | null)[]> {
    for (;;) {
      this.#state = this.#failures < FAILURES_TOLD ? 'working' : 'failing';
      try {
        const vectors = await this.#maker.make(
          batch.map(({ text }) => text),
          false,
        );
        this.#succeeded();
        return vectors;
      } catch (thrown) {
        this.#stop.signal.throwIfAborted();
        const error = toMegactorError(thrown);
        if (REFUSALS.has(error.code)) {
          if (batch.length > 1) return await this.#oneByOne(batch);
          this.#refused += 1;
          this.#error = error.message;
          return [null];
        }
        await this.#failed(error);
      }
    }
  }

  async #oneByOne(batch: readonly Waiting[]): Promise<(Float32Array | null)[]> {
    const vectors: (Float32Array | null)[] = [];
    for (const one of batch) vectors.push(...(await this.#vectors([one])));
    return vectors;
  }

  #succeeded(): void {
    const failed = this.#failures > 0;
    this.#failures = 0;
    this.#error = null;
    this.#state = 'working';
    if (failed) this.#parts.onChange(this.stats);
  }

  /** Waits before the next try. @throws when there is none */
  async #failed(error: MegactorError): Promise<void> {
    this.#failures += 1;
    this.#error = error.message;
    if (error.family === 'user' && !error.retryable) throw error;
    this.#state = this.#failures < FAILURES_TOLD ? 'backoff' : 'failing';
    if (this.#failures === FAILURES_TOLD) this.#parts.onChange(this.stats);
    const delayMs = Math.min(DELAY_MAX_MS, DELAY_MIN_MS * 2 ** (this.#failures - 1));
    // Between the half and the whole: several owners do not come at the same moments.
    await this.#parts.clock.sleep(delayMs * (0.5 + this.#parts.random() / 2), this.#stop.signal);
  }

  #give(error: string): void {
    this.#state = 'stopped';
    this.#error = error;
    this.#parts.onChange(this.stats);
  }
}
