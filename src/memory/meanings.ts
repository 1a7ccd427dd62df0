/**
 * The vectors of scopes in memory: read when somebody first recalls by meaning, kept up with what the embedder makes, and
 * indexed where there are many. Until they are there, words answer alone. What it does not do: make vectors
 * (`embedding.ts`), or search (`vector-set.ts`).
 *
 * Invariants: X6 Nobody waits for vectors to be read or an index to be made; both go on in pieces of some milliseconds.
 * X7 An index whose file is missing, damaged, or of another model or length is made anew from the store.
 */
import type { ServiceStore } from '../journal/shard-log.ts';
import type { Clock } from '../platform/index.ts';
import { loadIndex, removeOthers, saveIndex } from './index-file.ts';
import type { ScopeIndex } from './scope-index.ts';
import type { ScopeHandle } from './scopes.ts';
import { KEY, ordinalOfKey } from './store-layout.ts';
import { loadUsearch, newIndex, type Usearch } from './usearch.ts';
import { decodeVector } from './vector-codec.ts';
import { VectorSet } from './vector-set.ts';

/** Vectors that are read, and vectors that are indexed, at a time. */
const PAGE = 500;
const PIECE = 16;
/** An index is written to its file when it has grown by this part. */
const GROWN = 0.25;

export interface MeaningsParts {
  readonly store: ServiceStore;
  readonly clock: Clock;
  /** Where index files are; null: none are kept. */
  readonly directory: string | null;
  readonly model: string;
  /** Vectors of a scope that are searched one by one; with more they are indexed. */
  readonly exactMax: number;
  readonly onError: (error: unknown) => void;
  /** Told when the vectors of a scope take more or less room than before. */
  readonly onSize: (handle: ScopeHandle) => void;
}

export class Meanings {
  readonly #parts: MeaningsParts;
  #usearch: Usearch | null = null;
  #rebuilt = 0;
  /** How large the index of a scope was when its file was written. */
  readonly #saved = new WeakMap<VectorSet, number>();
  readonly #saving = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: MeaningsParts) {
    this.#parts = parts;
  }

  get rebuilt(): number {
    return this.#rebuilt;
  }

  /** Begins to read the vectors of a scope that is in memory, unless they are there, of this length, or being read. */
  want(handle: ScopeHandle, index: ScopeIndex, dimensions: number): void {
    if (handle.meaning !== null || this.#closed) return;
    if (index.vectors?.dimensions === dimensions) {
      if (index.vectors.wantsIndex) this.#run(handle, () => this.#build(handle, index.vectors));
      return;
    }
    index.vectors = null;
    this.#run(handle, () => this.#read(handle, index, dimensions));
  }

  #run(handle: ScopeHandle, work: () => Promise<void>): void {
    handle.meaning = work()
      .catch((error: unknown) => this.#parts.onError(error))
      .finally(() => {
        handle.meaning = null;
        this.#parts.onSize(handle);
      });
  }

  /** A vector that was just made. */
  add(handle: ScopeHandle, ordinal: number, vector: Float32Array): void {
    const set = handle.index?.vectors ?? null;
    if (set === null || handle.index?.find(ordinal) === null || set.dimensions !== vector.length) return;
    set.add(ordinal, vector);
    this.#parts.onSize(handle);
  }

  async #read(handle: ScopeHandle, index: ScopeIndex, dimensions: number): Promise<void> {
    const { store, model, directory, exactMax } = this.#parts;
    this.#usearch ??= await loadUsearch();
    const { name } = handle;
    let set = new VectorSet(this.#usearch, dimensions, null, exactMax);
    let from = handle.first;
    if (index.count > exactMax) {
      const record = directory === null ? undefined : await store.get(KEY.index(name));
      const loaded = await loadIndex(this.#usearch, directory ?? '', record, { model, dimensions });
      if (loaded.index === null) this.#rebuilt += 1;
      set = new VectorSet(this.#usearch, dimensions, loaded.index ?? newIndex(this.#usearch, dimensions));
      if (loaded.index !== null) {
        from = loaded.record.next;
        this.#saved.set(set, loaded.record.count);
      }
    }
    // What is embedded meanwhile is in the store before anybody is told, and `next` grows with it.
    for (; from < handle.next && !this.#closed; from += PAGE) {
      const page = await store.range(KEY.vector(name, from), KEY.vector(name, Math.min(handle.next, from + PAGE)));
      let piece = 0;
      for (const [key, record] of page) {
        const vector = decodeVector(record, model, dimensions);
        const ordinal = ordinalOfKey(key);
        if (vector === null || index.find(ordinal) === null) continue;
        set.add(ordinal, vector);
        piece += 1;
        if (piece % PIECE === 0 && set.index !== null) await this.#breathe();
      }
    }
    if (this.#closed) return;
    index.vectors = set;
    await this.#catchUp(handle, index, set);
    if (set.wantsIndex) await this.#build(handle, set);
    else await this.save(handle, index);
  }

  /** Vectors that came for older memories while they were read, or after the index was written to its file. */
  async #catchUp(handle: ScopeHandle, index: ScopeIndex, set: VectorSet): Promise<void> {
    const { store, model } = this.#parts;
    const lacking = [...index.entries()].map(({ ordinal }) => ordinal).filter((ordinal) => !set.has(ordinal));
    for (let at = 0; at < lacking.length && !this.#closed; at += PAGE) {
      const page = lacking.slice(at, at + PAGE);
      const records = await Promise.all(page.map((ordinal) => store.get(KEY.vector(handle.name, ordinal))));
      let piece = 0;
      for (const [row, ordinal] of page.entries()) {
        const vector = records[row] === undefined ? null : decodeVector(records[row], model, set.dimensions);
        if (vector === null || set.has(ordinal) || index.find(ordinal) === null) continue;
        set.add(ordinal, vector);
        piece += 1;
        if (piece % PIECE === 0 && set.index !== null) await this.#breathe();
      }
    }
  }

  async #build(handle: ScopeHandle, set: VectorSet | null): Promise<void> {
    for (let isMore = set?.wantsIndex === true; isMore && !this.#closed; isMore = set?.wantsIndex === true) {
      set?.buildSome(PIECE);
      await this.#breathe();
    }
    if (handle.index !== null && handle.index.vectors === set) await this.save(handle, handle.index);
  }

  #breathe(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.soon(resolve);
    });
  }

  /** Writes the index of a scope to its file when it has grown enough, or `always` when it has changed. */
  async save(handle: ScopeHandle, index: ScopeIndex, always = false): Promise<void> {
    const saving = this.#save(handle, index, always);
    this.#saving.add(saving);
    try {
      await saving;
    } finally {
      this.#saving.delete(saving);
    }
  }

  async #save(handle: ScopeHandle, { vectors }: ScopeIndex, always: boolean): Promise<void> {
    const { directory, store, model } = this.#parts;
    const index = vectors?.index ?? null;
    if (directory === null || vectors === null || index === null) return;
    const before = this.#saved.get(vectors) ?? 0;
    const count = index.size();
    if (count === before || (!always && count < before * (1 + GROWN))) return;
    this.#saved.set(vectors, count);
    const { name, next } = handle;
    // A vector that is on its way may belong to a memory before `next`: what is not in the file is found by `#catchUp`.
    const record = await saveIndex(directory, name, index, { model, dimensions: vectors.dimensions, next });
    await store.commit({ effectId: null, result: null, changes: [{ key: KEY.index(name), value: record }] });
    await removeOthers(directory, name, record.file);
  }

  /** Stops reading and building, and writes what has changed. */
  async close(handles: readonly ScopeHandle[]): Promise<void> {
    this.#closed = true;
    for (const handle of handles) {
      await handle.meaning;
      if (handle.index !== null) await this.save(handle, handle.index, true);
    }
    await Promise.all(this.#saving);
  }
}
