/**
 * What agents remember: texts in scopes, found again by their words at once and by their meaning once the background has
 * embedded them. The store (the journal's) has everything; words are indexed when somebody asks, vectors when somebody asks
 * by meaning. One owner per scope. It does not know what an agent is, or a society.
 *
 * Invariants:
 * R1 What was added is in the store before the caller is told, and is found by everybody who recalls after that.
 * R2 A recall sees the scopes it names and no other.
 * R3 An effect id adds once; a repeat gets the first answer.
 * R4 A recall gives nothing that it was told to leave out.
 * R5 A scope holds its last `scopeMemoriesMax` memories: with one more the oldest goes.
 * R6 Nothing waits for an embedding unless it asks to. What has no vector of the embedder's model is found by its words, is
 *    embedded in the background, also after a restart, and no vector of another model is ever compared with it.
 * R7 An index file that is missing, damaged or of another model is never loaded: the index is made anew from the store.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import { freshSeed, seededRandom, systemClock, type Clock, type Random } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { areAlike, shapeOf, type Shape } from './duplicates.ts';
import { Embedding } from './embedding.ts';
import { fuse } from './fusion.ts';
import { checkMemories, checkOptions, checkRecall } from './input.ts';
import { Meanings } from './meanings.ts';
import { idOf, type Entry, type Found, type ReadQuery, type ScopeIndex } from './scope-index.ts';
import { recordOf, Scopes, type ScopeHandle } from './scopes.ts';
import { KEY } from './store-layout.ts';
import { isStopWord, termsOf, TEXT_CHARS_MAX } from './terms.ts';
import { EXACT_MAX } from './vector-set.ts';
import type {
  AddResult,
  Embedder,
  EmbeddingStats,
  MemoryStats,
  NewMemory,
  Recalled,
  RecallQuery,
  RecallResult,
} from './types.ts';

export interface MemoryLimits {
  /** Memories of a scope. */
  readonly scopeMemoriesMax: number;
  /** What scopes in memory may take together, in bytes, about; those that were used longest ago leave it. */
  readonly residentBytesMax: number;
  /** Vectors of a scope that are searched one by one; with more there is an index. */
  readonly exactVectorsMax: number;
}

export const MEMORY_LIMITS: MemoryLimits = {
  scopeMemoriesMax: 100_000,
  residentBytesMax: 256 * 1024 * 1024,
  exactVectorsMax: EXACT_MAX,
};

export interface MemoryOptions {
  readonly store: ServiceStore;
  /** Absent or null: words alone. */
  readonly embedder?: Embedder | null | undefined;
  /** A directory of its own for index files; absent: large scopes are indexed anew by every process. */
  readonly directory?: string | undefined;
  readonly clock?: Clock | undefined;
  /** For the jitter of an embedder's delays. */
  readonly random?: Random | undefined;
  readonly limits?: Partial<MemoryLimits> | undefined;
  /** Told when embedding fails, stops or works again, and when a changed model is noticed or caught up with. */
  readonly onEmbedding?: ((stats: EmbeddingStats) => void) | undefined;
}

export const K_MAX = 50;
const K_DEFAULT = 5;
const SCOPES_MAX = 16;
/** Distinct terms of a query that are looked up. */
const QUERY_TERMS_MAX = 64;

const OFF: EmbeddingStats = {
  model: null,
  dimensions: null,
  embedded: 0,
  waiting: 0,
  refused: 0,
  reembedding: false,
  state: 'off',
  error: null,
};

export class Memory {
  readonly #store: ServiceStore;
  readonly #limits: MemoryLimits;
  readonly #clock: Clock;
  readonly #scopes: Scopes;
  readonly #embedding: Embedding | null;
  readonly #meanings: Meanings | null;
  readonly #counts = { added: 0, merged: 0, dropped: 0, recalls: 0 };
  /** The store is to know that there are memories without vectors. */
  #marksModel: boolean;
  #isClosed = false;

  private constructor(options: MemoryOptions, embedding: Embedding | null, onVector: { call: OnVector }) {
    const { store, clock = systemClock, directory = null } = options;
    this.#store = store;
    this.#clock = clock;
    this.#limits = { ...MEMORY_LIMITS, ...options.limits };
    this.#embedding = embedding;
    this.#marksModel = embedding === null;
    this.#meanings =
      embedding === null
        ? null
        : new Meanings({
            store,
            clock,
            directory,
            model: embedding.model,
            exactMax: this.#limits.exactVectorsMax,
            // What could not be read is tried again by the next recall; words answer meanwhile.
            onError: () => undefined,
            onSize: (handle) => this.#scopes.account(handle),
          });
    this.#scopes = new Scopes(store, this.#limits.residentBytesMax, (handle, index) => {
      // The file is a cache: when it cannot be written, the index is made anew.
      this.#meanings?.save(handle, index, true).catch(() => undefined);
    });
    onVector.call = (scope, ordinal, vector) => {
      const handle = this.#scopes.known(scope);
      if (handle !== undefined) this.#meanings?.add(handle, ordinal, vector);
    };
  }

  /** Opens a memory. Reads little: scopes are read when somebody recalls from them. @throws USAGE, JOURNAL_DAMAGED, DISK */
  static async open(options: MemoryOptions): Promise<Memory> {
    checkOptions(options);
    const { store, embedder = null, clock = systemClock, onEmbedding = (): void => undefined } = options;
    const onVector: { call: OnVector } = { call: () => undefined };
    const embedding =
      embedder === null
        ? null
        : await Embedding.open({
            embedder,
            store,
            clock,
            random: options.random ?? seededRandom(freshSeed()),
            onVector: (...made) => onVector.call(...made),
            onChange: onEmbedding,
          });
    return new Memory(options, embedding, onVector);
  }

  /** Keeps memories. @param call under an effect id it happens once @throws MESSAGE_INVALID, DISK */
  async add(
    memories: readonly NewMemory[],
    call: { readonly effectId: string | null } = { effectId: null },
  ): Promise<AddResult> {
    this.#check();
    checkMemories(memories);
    const names = [...new Set(memories.map(({ scope }) => scope))];
    const handles = new Map<string, ScopeHandle>();
    for (const name of names) {
      const handle = this.#scopes.known(name) ?? (await this.#scopes.handle(name));
      handle.busy += 1;
      handles.set(name, handle);
    }
    try {
      return await this.#add(memories, handles, call.effectId);
    } finally {
      for (const handle of handles.values()) handle.busy -= 1;
    }
  }

  async #add(
    memories: readonly NewMemory[],
    handles: ReadonlyMap<string, ScopeHandle>,
    effectId: string | null,
  ): Promise<AddResult> {
    const changes: StoreChange[] = [];
    const made: { readonly handle: ScopeHandle; readonly entry: Entry; readonly removed: number[] }[] = [];
    const ids = memories.map((memory): string | null => {
      const handle = handles.get(memory.scope);
      if (handle === undefined || memory.text.trim() === '') return null;
      const text = memory.text.slice(0, TEXT_CHARS_MAX).toWellFormed();
      const { scope, when, kind, agent, at = null } = memory;
      const same = handle.index?.same(text) ?? null;
      const count = 1 + (same?.count ?? 0);
      const entry: Entry = { scope, ordinal: handle.next, text, when, kind, agent, at, count };
      handle.next += 1;
      const removed = [...(same === null ? [] : [same.ordinal]), ...this.#dropped(handle)];
      made.push({ handle, entry, removed });
      changes.push({ key: KEY.memory(scope, entry.ordinal), value: recordOf(entry) });
      for (const ordinal of removed) {
        changes.push({ key: KEY.memory(scope, ordinal), value: undefined });
        changes.push({ key: KEY.vector(scope, ordinal), value: undefined });
      }
      return idOf(scope, entry.ordinal);
    });
    for (const [name, { first, next }] of handles) changes.push({ key: KEY.scope(name), value: { first, next } });
    const pending = this.#embedding?.changesFor(made.map(({ entry }) => entry));
    if (pending !== undefined) changes.push(...pending.changes);
    if (this.#marksModel) changes.push({ key: KEY.model, value: null });
    this.#marksModel = false;
    const answer = (await this.#store.commit({ effectId, result: { ok: true, ids }, changes })) as AddResult;
    if (pending !== undefined) this.#embedding?.committed(pending);
    // The answer of another try: its memories are there, and these are not.
    if (answer.ids.some((id, index) => id !== ids[index])) return answer;
    for (const { handle, entry, removed } of made) {
      this.#scopes.apply(handle, entry, removed);
      this.#counts.added += 1;
      if (entry.count > 1) this.#counts.merged += 1;
    }
    for (const handle of handles.values()) this.#scopes.account(handle);
    return answer;
  }

  /** The oldest of a scope that is full. */
  #dropped(handle: ScopeHandle): number[] {
    const dropped: number[] = [];
    for (; handle.next - handle.first > this.#limits.scopeMemoriesMax; handle.first += 1) dropped.push(handle.first);
    this.#counts.dropped += dropped.length;
    return dropped;
  }

  /** The memories that answer a query best. @throws MESSAGE_INVALID, DISK */
  async recall(ask: RecallQuery): Promise<RecallResult> {
    this.#check();
    checkRecall(ask);
    this.#counts.recalls += 1;
    const k = Math.min(K_MAX, Math.max(1, ask.k ?? K_DEFAULT));
    const patience = this.#patience(this.#embedding === null ? 0 : (ask.meaningWaitMs ?? 0));
    try {
      const { query, state } = await this.#read(ask, patience);
      const found: Found[] = [];
      let meaning = state;
      for (const name of [...new Set(ask.scopes)].slice(0, SCOPES_MAX)) {
        const handle = this.#scopes.known(name) ?? (await this.#scopes.handle(name));
        if (handle.next === handle.first) continue;
        const index = handle.index ?? (await this.#scopes.load(handle));
        handle.used = this.#scopes.tick();
        if (query.vector !== null) {
          const isThere = await this.#hasMeaning(handle, index, query.vector.length, patience);
          if (!isThere) meaning = 'waiting';
        }
        found.push(...index.candidates(query));
      }
      return { memories: distinct(fuse(found, { recencyWeight: ask.recency?.weight ?? 0 }), k), meaning };
    } finally {
      patience.stop();
    }
  }

  /** What a recall waits for, at most until its time is over. */
  #patience(waitMs: number): Patience {
    if (waitMs <= 0) return { until: () => Promise.resolve(undefined), stop: () => undefined };
    const stop = new AbortController();
    const over = this.#clock.sleep(waitMs, stop.signal).then(
      () => undefined,
      () => undefined,
    );
    return { until: (coming) => Promise.race([coming, over]), stop: () => stop.abort() };
  }

  /** Whether the scope's vectors are in memory; begins to read them. */
  async #hasMeaning(handle: ScopeHandle, index: ScopeIndex, dimensions: number, patience: Patience): Promise<boolean> {
    // The meaning of a query that was asked for before the vectors changed their length.
    if (dimensions !== this.#embedding?.dimensions) return false;
    const isThere = (): boolean => index.vectors?.dimensions === dimensions;
    if (!isThere() || index.vectors?.wantsIndex === true) this.#meanings?.want(handle, index, dimensions);
    if (!isThere() && handle.meaning !== null) await patience.until(handle.meaning);
    return isThere();
  }

  async #read(
    ask: RecallQuery,
    patience: Patience,
  ): Promise<{ readonly query: ReadQuery; readonly state: RecallResult['meaning'] }> {
    const terms = termsOf(ask.query);
    const distinctTerms = [...new Set(terms.all)];
    const telling = distinctTerms.filter((term) => !isStopWord(term));
    const wanted = new Set((telling.length === 0 ? distinctTerms : telling).slice(0, QUERY_TERMS_MAX));
    const { vector, state } = await this.#meaningOf(ask, patience);
    return { query: { terms, wanted, vector, ask, excluded: new Set(ask.exclude) }, state };
  }

  async #meaningOf(
    { query, rankers }: RecallQuery,
    patience: Patience,
  ): Promise<{ readonly vector: Float32Array | null; readonly state: RecallResult['meaning'] }> {
    if (this.#embedding === null || rankers === 'words' || query.trim() === '') return { vector: null, state: 'off' };
    const asked = this.#embedding.query(query);
    if (asked.vector !== null) return { vector: asked.vector, state: 'used' };
    if (asked.coming === null) return { vector: null, state: 'failed' };
    const vector = await patience.until(asked.coming);
    if (vector === undefined) return { vector: null, state: 'waiting' };
    return { vector, state: vector === null ? 'failed' : 'used' };
  }

  stats(): MemoryStats {
    return {
      ...this.#counts,
      ...this.#scopes.stats,
      rebuilt: this.#meanings?.rebuilt ?? 0,
      embedding: this.#embedding?.stats ?? OFF,
    };
  }

  /** Resolves when nothing waits for a vector any more, or embedding has stopped. */
  async embedded(): Promise<void> {
    await this.#embedding?.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Takes no more calls, ends what goes on in the background, and writes index files. What waits for a vector stays listed. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#embedding?.close();
    await this.#meanings?.close(this.#scopes.loaded());
  }

  #check(): void {
    if (this.#isClosed) throw new MegactorError('SYSTEM_STOPPED', 'the memory is closed', { hint: 'Open it again.' });
  }
}

/** Waits for something, but no longer than a recall may. */
interface Patience {
  /** Undefined when the time is over first. */
  until<Result>(coming: Promise<Result>): Promise<Result | undefined>;
  stop(): void;
}

type OnVector = (scope: string, ordinal: number, vector: Float32Array) => void;

/** The first `k` that say different things. */
const distinct = (found: readonly Found[], k: number): Recalled[] => {
  const chosen: { readonly shape: Shape; readonly memory: Recalled }[] = [];
  for (const { entry, words, meaning } of found) {
    if (chosen.length === k) break;
    const shape = shapeOf(termsOf(entry.text));
    if (chosen.some((other) => areAlike(other.shape, shape))) continue;
    const { scope, ordinal, text, when, kind, agent, count } = entry;
    chosen.push({
      shape,
      memory: { id: idOf(scope, ordinal), scope, text, when, kind, agent, count, words, meaning },
    });
  }
  return chosen.map(({ memory }) => memory);
};
