/**
 * Vectors in the background: takes what waits, in batches, from the store's own list of it, so that nothing is lost with
 * the process, and keeps the vectors there. What it does not do: decide who searches them, or embed queries on its own.
 *
 * Invariants: V1 Adding and recalling never wait for an embedding. V2 What has no vector of this model is found again after
 * a restart, and after a change of the model (nothing of another model is used meanwhile). V3 Failures are tried again after
 * a growing delay, `FAILURES_MAX` times in a row; then embedding stops until the next opening, and says so. A text that the
 * embedder refuses is left to words alone. V4 One batch is under way at a time, beside queries, of which at most
 * `QUERIES_MAX` are.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import type { Clock } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { KEY, SCOPES, scopeOfKey, type MemoryRecord, type ScopeRecord } from './store-layout.ts';
import type { Embedder, EmbeddingStats } from './types.ts';
import { encodeVector, normalised, type VectorRecord } from './vector-codec.ts';

export const BATCH = 32;
/** Characters of a text that are embedded: what it is about stands at its beginning. */
const CHARS_MAX = 1_000;
const DELAY_MIN_MS = 500;
const DELAY_MAX_MS = 60_000;
export const FAILURES_MAX = 8;
const QUERIES_MAX = 64;
const QUERY_VECTORS_MAX = 512;
/** Failures that are about the text, not about the embedder. */
const REFUSALS = new Set(['MODEL_BAD_REQUEST', 'MODEL_CONTEXT_OVERFLOW', 'EMBEDDER_FAILED']);

export interface EmbeddingParts {
  readonly embedder: Embedder;
  readonly store: ServiceStore;
  readonly clock: Clock;
  /** Told of vectors that are in the store. */
  readonly onVector: (scope: string, ordinal: number, vector: Float32Array) => void;
  /** Told when embedding stops, and when it works again after failures. */
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
  readonly #queries = new Map<string, Promise<Float32Array | null>>();
  readonly #queryVectors = new Map<string, Float32Array>();
  #dimensions: number | null = null;
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

  private constructor(parts: EmbeddingParts, start: { done: number; next: number; reembedding: boolean }) {
    this.#parts = parts;
    this.#done = start.done;
    this.#ready = start.next;
    this.#next = start.next;
    this.#reembedding = start.reembedding;
  }

  static async open(parts: EmbeddingParts): Promise<Embedding> {
    const { store, embedder } = parts;
    const [done, next, model] = await Promise.all([
      store.get(KEY.pendingDone),
      store.get(KEY.pendingNext),
      store.get(KEY.model),
    ]);
    // A store that never had a memory has no model either.
    const reembedding = model !== embedder.model && (await store.range(SCOPES.from, SCOPES.to)).length > 0;
    if (model !== embedder.model && !reembedding) {
      await store.commit({ effectId: null, result: null, changes: [{ key: KEY.model, value: embedder.model }] });
    }
    const embedding = new Embedding(parts, {
      done: (done as number | undefined) ?? 0,
      next: (next as number | undefined) ?? 0,
      reembedding,
    });
    embedding.#wake();
    return embedding;
  }

  get model(): string {
    return this.#parts.embedder.model;
  }

  get dimensions(): number | null {
    return this.#dimensions;
  }

  get stats(): EmbeddingStats {
    return {
      model: this.model,
      dimensions: this.#dimensions,
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
  query(text: string): { readonly vector: Float32Array | null; readonly coming: Promise<Float32Array | null> | null } {
    const clipped = text.slice(0, CHARS_MAX);
    const known = this.#queryVectors.get(clipped);
    if (known !== undefined) return { vector: known, coming: null };
    if (this.#state === 'stopped') return { vector: null, coming: null };
    const coming = this.#queries.get(clipped);
    if (coming !== undefined) return { vector: null, coming };
    if (this.#queries.size >= QUERIES_MAX || this.#stop.signal.aborted) return { vector: null, coming: null };
    const asked = this.#ask([clipped], true).then(
      ([vector = null]) => {
        if (vector !== null) this.#remember(clipped, vector);
        return vector;
      },
      (error: unknown) => {
        this.#error = toMegactorError(error).message;
        return null;
      },
    );
    const settled = asked.finally(() => this.#queries.delete(clipped));
    this.#queries.set(clipped, settled);
    return { vector: null, coming: settled };
  }

  #remember(text: string, vector: Float32Array): void {
    this.#queryVectors.set(text, vector);
    if (this.#queryVectors.size <= QUERY_VECTORS_MAX) return;
    for (const oldest of this.#queryVectors.keys()) {
      this.#queryVectors.delete(oldest);
      return;
    }
  }

  async #ask(texts: readonly string[], urgent: boolean): Promise<Float32Array[]> {
    const vectors = await this.#parts.embedder.embed(texts, { signal: this.#stop.signal, urgent });
    if (vectors.length !== texts.length) {
      throw new MegactorError('EMBEDDER_FAILED', `${vectors.length} vectors came for ${texts.length} texts`);
    }
    const dimensions = this.#dimensions ?? vectors[0]?.length ?? 0;
    const checked = vectors.map((vector) => normalised(vector, dimensions));
    this.#dimensions = dimensions;
    return checked;
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

  /** Everything again that another model has embedded, or none. */
  async #embedAgain(): Promise<void> {
    const { store, embedder } = this.#parts;
    for (const [key, record] of await store.range(SCOPES.from, SCOPES.to)) {
      const scope = scopeOfKey(key);
      const { first, next } = record as ScopeRecord;
      for (let from = first; from < next; from += BATCH) {
        const to = Math.min(next, from + BATCH);
        const vectors = new Map(await store.range(KEY.vector(scope, from), KEY.vector(scope, to)));
        const foreign: [string, number][] = [];
        for (let ordinal = from; ordinal < to; ordinal += 1) {
          const vector = vectors.get(KEY.vector(scope, ordinal)) as VectorRecord | undefined;
          if (vector?.model !== embedder.model) foreign.push([scope, ordinal]);
        }
        await this.#embed(await this.#texts(foreign), []);
      }
    }
    await store.commit({ effectId: null, result: null, changes: [{ key: KEY.model, value: embedder.model }] });
    this.#reembedding = false;
    this.#parts.onChange(this.stats);
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
    await store.commit({ effectId: null, result: null, changes: [...kept, ...changes] });
    for (const [index, { scope, ordinal }] of batch.entries()) {
      const vector = vectors[index];
      if (vector !== null && vector !== undefined) onVector(scope, ordinal, vector);
    }
  }

  /** A vector for each, or null for one that was refused. */
  async #vectors(batch: readonly Waiting[]): Promise<(Float32Array | null)[]> {
    for (;;) {
      this.#state = 'working';
      try {
        const vectors = await this.#ask(
          batch.map(({ text }) => text),
          false,
        );
        this.#embedded += vectors.length;
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
    if (failed) this.#parts.onChange(this.stats);
  }

  /** Waits before the next try. @throws when there is none */
  async #failed(error: MegactorError): Promise<void> {
    this.#failures += 1;
    this.#error = error.message;
    if (this.#failures >= FAILURES_MAX || !error.retryable) throw error;
    this.#state = 'backoff';
    const delayMs = Math.min(DELAY_MAX_MS, DELAY_MIN_MS * 2 ** (this.#failures - 1));
    await this.#parts.clock.sleep(delayMs, this.#stop.signal);
  }

  #give(error: string): void {
    this.#state = 'stopped';
    this.#error = error;
    this.#parts.onChange(this.stats);
  }
}
