/**
 * Where the journal keeps its records: memory or LMDB. A backend writes one group as one transaction, in the order of
 * the calls, and reads. It knows nothing of fencing, epochs or actors; everything was checked before it is asked.
 */

import { hashString } from '../protocol/ids.ts';
import type { RecordTable } from './codec.ts';
import type { HistoryChunk, SnapshotWire } from './snapshot-codec.ts';

/** A record at the position of its first entry. */
export interface PositionedRecord {
  readonly shard: number;
  readonly first: number;
  readonly bytes: Uint8Array;
}

/** A record to be written, with the position after its last entry. */
export interface EndedRecord extends PositionedRecord {
  readonly end: number;
}

/** A change to a service's table, or (in `results`) the kept result of an effect; null removes. */
export interface StoreWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** The snapshot of an actor, which takes the place of the one before. */
export interface SnapshotWrite {
  readonly shard: number;
  readonly snapshot: SnapshotWire;
}

/** A record of one shard in a table with one such record per shard. */
export interface ShardWrite {
  readonly shard: number;
  readonly bytes: Uint8Array;
}

export interface BackendWrite {
  readonly inbox: readonly EndedRecord[];
  readonly log: readonly EndedRecord[];
  readonly values: readonly StoreWrite[];
  readonly results: readonly StoreWrite[];
  /** In the order in which they were made; several of one actor may be among them. */
  readonly snapshots: readonly SnapshotWrite[];
  readonly marks: readonly ShardWrite[];
  /** Actors that stopped: shard and id. Their snapshots are gone after it; `snapshots` has none of them. */
  readonly stopped: readonly (readonly [shard: number, id: number])[];
}

export interface BackendReads {
  /** Records of one shard in order of position, from the one that holds position `from` (default: all). */
  inbox(shard: number, from?: number): Iterable<PositionedRecord>;
  log(shard: number, from?: number): Iterable<PositionedRecord>;
  /** Where the last record that was written to `table` ends: one that is missing at the end is noticed. */
  end(table: RecordTable, shard: number): number;
  value(key: Uint8Array): Uint8Array | undefined;
  /** `from <= key < to`, in the order of the bytes. */
  values(from: Uint8Array, to: Uint8Array): Iterable<readonly [Uint8Array, Uint8Array]>;
  result(key: Uint8Array): Uint8Array | undefined;
  /** The latest snapshot of an actor. */
  actor(shard: number, id: number): Uint8Array | undefined;
  /** Ids of all actors with a snapshot, in growing order. */
  actorIds(shard: number): Iterable<number>;
  actorCount(shard: number): number;
  history(shard: number, id: number): HistoryChunk[];
  /** Timers of all actors whose snapshot has some. */
  timers(shard: number): Iterable<readonly [id: number, bytes: Uint8Array]>;
  named(shard: number, name: string): Uint8Array | undefined;
  mark(shard: number): Uint8Array | undefined;
  /** What a compaction has left of what it cut off. */
  base(shard: number): Uint8Array | undefined;
}

/** A row of a new journal; null removes it. Of `ends` the number. */
export interface NewRow {
  readonly table:
    | RecordTable
    | 'ends'
    | 'values'
    | 'results'
    | 'actors'
    | 'timers'
    | 'history'
    | 'names'
    | 'marks'
    | 'bases'
    | 'origins';
  readonly key: number | Uint8Array;
  readonly value: Uint8Array | number | null;
}

/** Reads see what was last committed. */
export interface Backend extends BackendReads {
  /**
   * Writes all of `group` or nothing. Calls back at the two levels, in order, or once with an error; a backend that
   * failed once is not written to again.
   */
  write(group: BackendWrite, onCommitted: () => void, onFlushed: () => void, onFailed: (error: unknown) => void): void;
  close(): Promise<void>;
}

/** The key of a service's value or of an effect's result: the store's name, a zero byte, the key. */
export const storeKey = (store: string, key: string): Uint8Array => Buffer.from(`${store}\0${key}`, 'utf8');

/** The part of a `storeKey` after the store's name. */
export const keyInStore = (store: string, key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8', Buffer.byteLength(store) + 1);

/** Longer names are cut off in keys, which have a limit. */
const NAME_IN_KEY_MAX = 256;

export const nameKey = (shard: number, name: string): Uint8Array =>
  storeKey(String(shard), name.length <= NAME_IN_KEY_MAX ? name : name.slice(0, NAME_IN_KEY_MAX) + hashString(name));
