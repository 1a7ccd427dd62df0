/**
 * The tables of the journal's LMDB environment and their keys. It opens them; what is in them is up to others.
 *
 * `inbox` and `log`: shard × 2⁴⁴ + position, one number, because array keys cost a third of the speed; value: a sealed
 * record. `ends`: where each of those sequences ends. `values` and `results`: store, zero byte, key; value: sealed.
 * `actors`, `timers` and `origins`: shard × 2⁴⁴ + id. `history`: shard, id and index of the first entry, 14 bytes. `names`: shard,
 * zero byte, name. `marks` and `bases`: shard. `meta`: `journal`.
 */
import { type Database, open, type RootDatabase } from 'lmdb';
import type { RecordTable } from './codec.ts';

/** Positions per shard in the key space; 254 shards fit below 2⁵³. */
export const POSITIONS_MAX = 2 ** 44;

export interface Tables {
  readonly environment: RootDatabase;
  readonly meta: Database<Uint8Array, string>;
  readonly inbox: Database<Uint8Array, number>;
  readonly log: Database<Uint8Array, number>;
  readonly ends: Database<Uint8Array, number>;
  readonly values: Database<Uint8Array, Uint8Array>;
  readonly results: Database<Uint8Array, Uint8Array>;
  readonly actors: Database<Uint8Array, number>;
  readonly timers: Database<Uint8Array, number>;
  readonly history: Database<Uint8Array, Uint8Array>;
  readonly names: Database<Uint8Array, Uint8Array>;
  readonly marks: Database<Uint8Array, number>;
  readonly bases: Database<Uint8Array, number>;
  /** Not there in a journal that is only read and that no writer has opened since there are such tables. */
  readonly origins: Database<Uint8Array, number> | undefined;
}

/**
 * What `meta` has, from an environment that is there and is not changed by it: in another format, tables would be missing
 * that `openTables` makes. @returns undefined before the first opening is complete
 */
export const peekMeta = async (directory: string): Promise<Uint8Array | undefined> => {
  const environment = open({ path: directory, encoding: 'binary', cache: false, maxDbs: 16, readOnly: true });
  try {
    const meta = environment.openDB<Uint8Array, string>({ name: 'meta', encoding: 'binary', cache: false }) as
      Database<Uint8Array, string> | undefined;
    return meta?.get('journal');
  } finally {
    await environment.close();
  }
};

/** @param directory where `data.mdb` is */
export const openTables = (directory: string, readOnly: boolean): Tables => {
  const environment = open({
    path: directory,
    encoding: 'binary',
    cache: false,
    maxDbs: 16,
    maxReaders: 1_024,
    eventTurnBatching: false,
    readOnly,
  });
  const table = <Key extends number | string>(name: string): Database<Uint8Array, Key> =>
    environment.openDB<Uint8Array, Key>({ name, encoding: 'binary', cache: false });
  const binary = (name: string): Database<Uint8Array, Uint8Array> =>
    environment.openDB<Uint8Array, Uint8Array>({ name, encoding: 'binary', keyEncoding: 'binary', cache: false });
  const tables = {
    environment,
    meta: table<string>('meta'),
    inbox: table<number>('inbox'),
    log: table<number>('log'),
    ends: table<number>('ends'),
    values: binary('values'),
    results: binary('results'),
    actors: table<number>('actors'),
    timers: table<number>('timers'),
    history: binary('history'),
    names: binary('names'),
    marks: table<number>('marks'),
    bases: table<number>('bases'),
    origins: table<number>('origins') as Database<Uint8Array, number> | undefined,
  };
  environment.readerCheck();
  return tables;
};

export const endKey = (table: RecordTable, shard: number): number => 2 * shard + (table === 'inbox' ? 0 : 1);

export const rowKey = (shard: number, number: number): number => shard * POSITIONS_MAX + number;

const HISTORY_KEY_BYTES = 14;
const NUMBER_BYTES = 6;

export const historyKey = (shard: number, id: number, first: number): Uint8Array => {
  const key = Buffer.alloc(HISTORY_KEY_BYTES);
  key.writeUInt16BE(shard, 0);
  key.writeUIntBE(id, 2, NUMBER_BYTES);
  key.writeUIntBE(first, 2 + NUMBER_BYTES, NUMBER_BYTES);
  return key;
};

/** The position that a key of `history` ends with. */
export const firstOfHistoryKey = (key: Uint8Array): number =>
  Buffer.from(key.buffer, key.byteOffset, key.length).readUIntBE(2 + NUMBER_BYTES, NUMBER_BYTES);
