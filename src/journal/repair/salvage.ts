/**
 * Finds what is intact in a journal's data file: records whose checksums are right, at the positions that they
 * name themselves, and the tables of services. Three sources, the best that serves: the state that LMDB would open, a
 * state before it, or what is left of all of them together. It decides nothing about what belongs together (`cut.ts`).
 *
 * Invariants: V1 Nothing without a right checksum is in a `Salvage`. V2 `perfect` is said only of one whole state in
 * which every key is where LMDB looks for it and every checksum is right. V3 An older version of a value is taken only
 * where the newest is lost, and counted.
 */
import { bufferToKeyValue } from 'lmdb';
import { crc32 } from 'node:zlib';
import { nameKey } from '../backend.ts';
import { SHARDS_MAX } from '../../protocol/ids.ts';
import { openValue, type RecordTable, unpack } from '../codec.ts';
import { currentBootId, type Head } from '../data-file.ts';
import { historyKey, rowKey } from '../lmdb-tables.ts';
import { Holes, isCount, type SealedTable, SEALED_TABLES, SnapshotRows } from './snapshot-rows.ts';
import type { Located, PageReader, Walked, WalkedTable } from './pages.ts';

const CHECKSUM_BYTES = 4;

export type ServiceTable = 'values' | 'results';

/** Where the intact things of a journal are. */
export interface Salvage {
  readonly format: number | null;
  readonly shards: number | null;
  /** By shard, then by position. */
  readonly records: Readonly<Record<RecordTable, Map<number, Map<number, Located>>>>;
  /** Where each sequence ended, by the key of the table `ends`. */
  readonly ends: Map<number, number>;
  /** By the key in latin1. */
  readonly services: Readonly<Record<ServiceTable, Map<string, Located>>>;
  readonly snapshots: SnapshotRows;
  /** All rows of a `perfect` state; null of what was put together. */
  readonly tables: ReadonlyMap<string, WalkedTable> | null;
  readonly perfect: boolean;
  /** Whether `ends` is of the newest state: both heads are there to say so. */
  readonly endsKnown: boolean;
  readonly faults: SalvageFaults;
}

export interface SalvageFaults {
  /** Pages, or places in pages, that could not be read. */
  pages: number;
  /** Records of inboxes, logs and snapshots that do not match their checksums. */
  records: number;
  /** Rows of services' tables that do not match their checksums: store and key as far as known. */
  readonly rows: string[];
  /** Values of which only an older version is left. */
  readonly older: string[];
  /** Parts of the services' tables that cannot be read. */
  ranges: number;
}

const ROWS_TOLD_MAX = 1_000;

const nameOf = (key: Buffer): string => key.toString('utf8').replace('\0', ' at ').slice(0, 200);
const textOf = (key: Buffer): string => key.toString('latin1');
/** `agent/step/key` behind the name of the store: only results are kept under such keys. */
const EFFECT_KEY = /^[^\0]+\0[^/]*\/\d+\/./u;

interface Named {
  readonly table: SealedTable;
  readonly shard: number;
  /** The position of a record, the id of an actor. */
  readonly number: number;
  /** What else its key is made of. */
  readonly rest: unknown;
}

/** What a record says that it is; null when its checksum is wrong. */
const identify = (bytes: Buffer | null): Named | null => {
  if (bytes === null || bytes.length <= CHECKSUM_BYTES) return null;
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (crc32(body) !== bytes.readUInt32LE(0)) return null;
  try {
    const [name, shard, number, rest] = unpack(body) as unknown[];
    const table = SEALED_TABLES.find((known) => known === name);
    if (table === undefined || !isCount(shard) || !isCount(number) || shard >= SHARDS_MAX) return null;
    return { table, shard, number, rest };
  } catch {
    return null;
  }
};

const isSound = (key: Buffer, bytes: Buffer | null): boolean => {
  if (bytes === null) return false;
  try {
    openValue(key, bytes);
    return true;
  } catch {
    return false;
  }
};

const metaOf = (bytes: Buffer | null): { readonly format: number | null; readonly shards: number | null } => {
  try {
    const { format, shards } = JSON.parse((bytes ?? Buffer.of()).toString('utf8')) as Record<string, unknown>;
    return {
      format: isCount(format) ? format : null,
      shards: isCount(shards) && shards > 0 && shards <= SHARDS_MAX ? shards : null,
    };
  } catch {
    return { format: null, shards: null };
  }
};

class Gathering {
  readonly records = { inbox: new Map<number, Map<number, Located>>(), log: new Map<number, Map<number, Located>>() };
  readonly services = { values: new Map<string, Located>(), results: new Map<string, Located>() };
  readonly snapshots = new SnapshotRows();
  readonly ends = new Map<number, number>();
  readonly faults: SalvageFaults = { pages: 0, records: 0, rows: [], older: [], ranges: 0 };
  readonly holes = { values: new Holes(), results: new Holes() };
  readonly #reader: PageReader;
  format: number | null = null;
  shards: number | null = null;
  misplaced = 0;

  constructor(reader: PageReader) {
    this.#reader = reader;
  }

  /** The state that everything else only adds to. */
  primary(walked: Walked): void {
    this.faults.pages += walked.damagedPages;
    const tables = walked.tables;
    for (const table of SEALED_TABLES) {
      const found = tables.get(table);
      for (const [index, row] of found?.rows.entries() ?? []) {
        const named = this.#record(row, true);
        if (named === null) this.faults.records += 1;
        else if (named.table !== table || !isKeyOf(named, row.key)) this.misplaced += 1;
        const between = { from: found?.rows[index - 1]?.key ?? null, to: found?.rows[index + 1]?.key ?? null };
        if (table === 'actors' && named === null) this.snapshots.holes.add(between);
      }
    }
    // Snapshots of a compaction: the rows are those of actors.
    for (const row of tables.get('origins')?.rows ?? []) {
      const named = this.#record(row, false);
      if (named === null) this.faults.records += 1;
      else if (named.table !== 'actors' || !isKeyOf(named, row.key)) this.misplaced += 1;
      else this.snapshots.addOrigin(named.shard, named.number, row);
    }
    for (const range of tables.get('actors')?.lost ?? []) this.snapshots.holes.add(range);
    if (!tables.has('actors') && !walked.whole) this.snapshots.holes.add({ from: null, to: null });
    for (const table of ['values', 'results'] as const) this.#service(table, walked);
    this.#ends(tables.get('ends')?.rows ?? []);
    this.meta(walked);
  }

  meta(walked: Walked): void {
    const [row] = walked.tables.get('meta')?.rows ?? [];
    if (row !== undefined) this.#meta(row);
  }

  #meta(row: Located): void {
    const { format, shards } = metaOf(this.#reader.value(row));
    this.format ??= format;
    this.shards ??= shards;
  }

  /** Adds what is missing from rows of anywhere; rows of newer transactions come first. */
  add(rows: readonly Located[], table: string | null): void {
    if (table === null && rows.length === 1 && rows[0] !== undefined) this.#meta(rows[0]);
    // A leaf page belongs to one table, and does not say to which.
    const unnamed = rows.every(({ key }) => EFFECT_KEY.test(textOf(key))) ? 'results' : 'values';
    const into = table === 'values' || table === 'results' ? table : table === null ? unnamed : null;
    for (const row of rows) {
      if ((table ?? 'log') !== 'values' && table !== 'results' && this.#record(row, false) !== null) continue;
      if (into === null || this.services[into].has(textOf(row.key)) || !this.holes[into].holds(row.key)) continue;
      if (!isSound(row.key, this.#reader.value(row))) continue;
      this.services[into].set(textOf(row.key), row);
      if (into === 'values' && this.faults.older.length < ROWS_TOLD_MAX) this.faults.older.push(nameOf(row.key));
    }
  }

  #record(row: Located, current: boolean): Named | null {
    const bytes = this.#reader.value(row);
    const named = identify(bytes);
    if (named === null || bytes === null) return null;
    const { table, shard, number, rest } = named;
    if (table !== 'inbox' && table !== 'log') {
      this.snapshots.add(table, { shard, number, rest, row, checksum: bytes.readUInt32LE(0) }, current);
      return named;
    }
    let records = this.records[table].get(shard);
    if (records === undefined) {
      records = new Map();
      this.records[table].set(shard, records);
    }
    if (!records.has(number)) records.set(number, row);
    return named;
  }

  #service(table: ServiceTable, walked: Walked): void {
    const found = walked.tables.get(table);
    if (found === undefined) {
      if (!walked.whole) this.holes[table].add({ from: null, to: null });
      return;
    }
    for (const range of found.lost) this.holes[table].add(range);
    for (const [index, row] of found.rows.entries()) {
      if (isSound(row.key, this.#reader.value(row))) {
        this.services[table].set(textOf(row.key), row);
        continue;
      }
      // Its key may be what is damaged.
      this.holes[table].add({ from: found.rows[index - 1]?.key ?? null, to: found.rows[index + 1]?.key ?? null });
      if (this.faults.rows.length < ROWS_TOLD_MAX) this.faults.rows.push(`${table} ${nameOf(row.key)}`);
    }
    this.faults.ranges += found.lost.length;
  }

  #ends(rows: readonly Located[]): void {
    for (const row of rows) {
      const bytes = this.#reader.value(row);
      const end = this.#endOf(row.key, bytes);
      if (end === null) this.misplaced += 1;
      else this.ends.set(...end);
    }
  }

  #endOf(key: Buffer, bytes: Buffer | null): [number, number] | null {
    const number = numberOf(key);
    if (number === null || bytes === null) return null;
    const sealKey = Buffer.from(`end ${number}`);
    if (!isSound(sealKey, bytes)) return null;
    const end = unpack(openValue(sealKey, bytes));
    return isCount(end) ? [number, end] : null;
  }
}

/** The number that a key stands for, or null. */
const numberOf = (key: Buffer): number | null => {
  try {
    const value = bufferToKeyValue(key);
    return isCount(value) ? value : null;
  } catch {
    return null;
  }
};

const isKeyOf = ({ table, shard, number, rest }: Named, key: Buffer): boolean => {
  switch (table) {
    case 'marks':
    case 'bases':
      return numberOf(key) === shard;
    case 'names':
      return typeof rest === 'string' && key.equals(nameKey(shard, rest));
    case 'history':
      return isCount(rest) && key.equals(historyKey(shard, number, rest));
    default:
      return numberOf(key) === rowKey(shard, number);
  }
};

const isPerfect = (walked: Walked, { faults, misplaced, format }: Gathering): boolean =>
  walked.whole && faults.pages + faults.records + faults.rows.length + misplaced === 0 && format !== null;

const salvageOf = (walked: Walked | null, gathering: Gathering, endsKnown: boolean): Salvage => {
  const { format, shards, records, ends, services, snapshots, faults } = gathering;
  const perfect = walked !== null && isPerfect(walked, gathering);
  return {
    format,
    shards,
    records,
    ends,
    services,
    snapshots,
    faults,
    tables: walked?.tables ?? null,
    perfect,
    endsKnown,
  };
};

/** The states of the file, the one that LMDB would open first. */
export const candidates = (reader: PageReader): Head[] => {
  const states = reader.states();
  const bootId = currentBootId();
  const [newest] = states;
  const rebooted = newest !== undefined && bootId !== 0n && newest.bootId !== bootId;
  // After a power loss LMDB goes back to the flushed state, which comes last here.
  return rebooted ? [...states.slice(-1), ...states.slice(0, -1)] : states;
};

/** What one state holds. */
export const salvageState = (reader: PageReader, head: Head): Salvage => {
  const walked = reader.walk(head);
  const gathering = new Gathering(reader);
  gathering.primary(walked);
  return salvageOf(walked, gathering, true);
};

/** What all states and all pages of the file hold together. */
export const salvageAll = (reader: PageReader): Salvage => {
  const states = reader.states();
  const walks = states.map((head) => reader.walk(head));
  const gathering = new Gathering(reader);
  const [first, ...older] = walks;
  if (first === undefined) {
    const all = [gathering.holes.values, gathering.holes.results, gathering.snapshots.holes];
    for (const holes of all) holes.add({ from: null, to: null });
  } else gathering.primary(first);
  for (const walked of older) {
    for (const [name, { rows }] of walked.tables) gathering.add(rows, name);
    gathering.meta(walked);
  }
  const pages = [...reader.scan(states[0]?.pageBytes ?? PAGE_BYTES)];
  pages.sort((left, right) =>
    left.transaction < right.transaction ? 1 : left.transaction > right.transaction ? -1 : 0,
  );
  for (const { rows } of pages) gathering.add(rows, null);
  return salvageOf(null, gathering, reader.hasBothHeads());
};

/** Of a file without any head left. */
const PAGE_BYTES = 4_096;
