/**
 * Where the journal keeps its records: memory or LMDB. A backend writes one group as one transaction, in the order of
 * the calls, and reads. It knows nothing of fencing, epochs or actors; everything was checked before it is asked.
 */

import type { RecordTable } from './codec.ts';

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

export interface BackendWrite {
  readonly inbox: readonly EndedRecord[];
  readonly log: readonly EndedRecord[];
  readonly values: readonly StoreWrite[];
  readonly results: readonly StoreWrite[];
}

export interface BackendReads {
  /** Records of one shard in order of position, from the one that holds position `from` (default: all). */
  inbox(shard: number, from?: number): Iterable<PositionedRecord>;
  log(shard: number): Iterable<PositionedRecord>;
  /** Where the last record that was written to `table` ends: one that is missing at the end is noticed. */
  end(table: RecordTable, shard: number): number;
  value(key: Uint8Array): Uint8Array | undefined;
  /** `from <= key < to`, in the order of the bytes. */
  values(from: Uint8Array, to: Uint8Array): Iterable<readonly [Uint8Array, Uint8Array]>;
  result(key: Uint8Array): Uint8Array | undefined;
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
