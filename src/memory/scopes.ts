/**
 * The scopes of a store: numbers for new memories, and which scopes are in memory. A scope is read when somebody recalls
 * from it, in pages, and leaves memory when others need the room; adding to one that is not in memory reads nothing but
 * where its numbers stand.
 *
 * Invariants: S4 Numbers are given once, in the order of the commits. S5 What is in memory is what the store holds: a memory
 * is put there when its commit is through, also while the scope is being read. S6 What is in memory is bounded by
 * `residentBytesMax`, one scope aside.
 */
import type { ServiceStore } from '../journal/shard-log.ts';
import { KEY, ordinalOfKey, type MemoryRecord, type ScopeRecord } from './store-layout.ts';
import { ScopeIndex, type Entry } from './scope-index.ts';
import type { MemoryStats } from './types.ts';
import { Scoreboard } from './word-index.ts';

/** Numbers of a scope that are read at a time. */
const PAGE = 1_000;
/** Scopes of which only the numbers are known. */
const HANDLES_MAX = 20_000;

export interface ScopeHandle {
  readonly name: string;
  first: number;
  next: number;
  /** Commits under way. */
  busy: number;
  index: ScopeIndex | null;
  /** Set while it is being read. */
  loading: Promise<ScopeIndex> | null;
  /** Committed while it was being read. */
  late: Entry[];
  lateRemoved: number[];
  /** Vectors are being read. */
  meaning: Promise<void> | null;
  bytes: number;
  used: number;
}

export const entryOf = (scope: string, ordinal: number, record: unknown): Entry => {
  const [text, when, kind, agent, at, count] = record as MemoryRecord;
  return { scope, ordinal, text, when, kind: kind === 0 ? 'said' : 'done', agent, at, count };
};

export const recordOf = ({ text, when, kind, agent, at, count }: Omit<Entry, 'scope' | 'ordinal'>): MemoryRecord => [
  text,
  when,
  kind === 'said' ? 0 : 1,
  agent,
  at,
  count,
];

export class Scopes {
  readonly #store: ServiceStore;
  readonly #residentBytesMax: number;
  readonly #onLeave: (handle: ScopeHandle, index: ScopeIndex) => void;
  readonly #handles = new Map<string, ScopeHandle>();
  readonly #opening = new Map<string, Promise<ScopeHandle>>();
  readonly #board = new Scoreboard();
  #bytes = 0;
  #uses = 0;

  /** @param onLeave is told before a scope leaves memory */
  constructor(
    store: ServiceStore,
    residentBytesMax: number,
    onLeave: (handle: ScopeHandle, index: ScopeIndex) => void,
  ) {
    this.#store = store;
    this.#residentBytesMax = residentBytesMax;
    this.#onLeave = onLeave;
  }

  get stats(): Pick<MemoryStats, 'scopes' | 'loadedScopes' | 'loadedMemories' | 'vectorBytes'> {
    const loaded = [...this.#handles.values()].flatMap(({ index }) => (index === null ? [] : [index]));
    return {
      scopes: this.#handles.size,
      loadedScopes: loaded.length,
      loadedMemories: loaded.reduce((sum, { count }) => sum + count, 0),
      vectorBytes: loaded.reduce((sum, { vectors }) => sum + (vectors?.bytes ?? 0), 0),
    };
  }

  loaded(): ScopeHandle[] {
    return [...this.#handles.values()].filter(({ index }) => index !== null);
  }

  /** The handle if it is known already, without waiting. */
  known(name: string): ScopeHandle | undefined {
    return this.#handles.get(name);
  }

  async handle(name: string): Promise<ScopeHandle> {
    const known = this.#handles.get(name);
    if (known !== undefined) return known;
    const opening = this.#opening.get(name) ?? this.#open(name);
    this.#opening.set(name, opening);
    return opening;
  }

  async #open(name: string): Promise<ScopeHandle> {
    try {
      const record = (await this.#store.get(KEY.scope(name))) as ScopeRecord | undefined;
      const { first, next } = record ?? { first: 0, next: 0 };
      const handle: ScopeHandle = {
        name,
        first,
        next,
        busy: 0,
        index: null,
        loading: null,
        late: [],
        lateRemoved: [],
        meaning: null,
        bytes: 0,
        used: this.tick(),
      };
      this.#forgetSome();
      this.#handles.set(name, handle);
      return handle;
    } finally {
      this.#opening.delete(name);
    }
  }

  /** Handles with nothing in memory and nothing under way go, the oldest first. */
  #forgetSome(): void {
    if (this.#handles.size < HANDLES_MAX) return;
    for (const [name, { index, loading, busy }] of this.#handles) {
      if (this.#handles.size < HANDLES_MAX * 0.9) return;
      if (index === null && loading === null && busy === 0) this.#handles.delete(name);
    }
  }

  /** Grows with every use: what has the smallest goes first. */
  tick(): number {
    this.#uses += 1;
    return this.#uses;
  }

  /** The scope in memory. */
  async load(handle: ScopeHandle): Promise<ScopeIndex> {
    if (handle.index !== null) return handle.index;
    handle.loading ??= this.#read(handle);
    return handle.loading;
  }

  async #read(handle: ScopeHandle): Promise<ScopeIndex> {
    try {
      const index = new ScopeIndex(this.#board);
      const { name } = handle;
      for (let from = handle.first; from < handle.next; from += PAGE) {
        const to = Math.min(handle.next, from + PAGE);
        const page = await this.#store.range(KEY.memory(name, from), KEY.memory(name, to));
        for (const [key, record] of page) index.add(entryOf(name, ordinalOfKey(key), record));
      }
      handle.late.sort((left, right) => left.ordinal - right.ordinal);
      for (const entry of handle.late) index.add(entry);
      for (const ordinal of handle.lateRemoved) index.remove(ordinal);
      handle.index = index;
      this.account(handle);
      return index;
    } finally {
      handle.late = [];
      handle.lateRemoved = [];
      handle.loading = null;
    }
  }

  /** Puts what was committed into memory, where the scope is there. */
  apply(handle: ScopeHandle, entry: Entry, removed: readonly number[]): void {
    if (handle.index !== null) {
      for (const ordinal of removed) handle.index.remove(ordinal);
      handle.index.add(entry);
    } else if (handle.loading !== null) {
      handle.late.push(entry);
      handle.lateRemoved.push(...removed);
    }
  }

  /** Takes a scope's size anew, and lets others go when all together have become too large. */
  account(handle: ScopeHandle): void {
    const bytes = handle.index?.bytes ?? 0;
    this.#bytes += bytes - handle.bytes;
    handle.bytes = bytes;
    if (this.#bytes <= this.#residentBytesMax) return;
    const others = this.loaded()
      .filter((other) => other !== handle && other.meaning === null && other.busy === 0)
      .sort((left, right) => left.used - right.used);
    for (const other of others) {
      if (this.#bytes <= this.#residentBytesMax * 0.9) return;
      this.#leave(other);
    }
  }

  #leave(handle: ScopeHandle): void {
    if (handle.index === null) return;
    this.#onLeave(handle, handle.index);
    this.#bytes -= handle.bytes;
    handle.bytes = 0;
    handle.index = null;
  }
}
