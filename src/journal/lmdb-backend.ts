/**
 * The journal in LMDB: one environment per run directory, in `RUN_DIR/journal/`. It writes a group as one transaction
 * and reads; what a group means was decided before.
 *
 * Tables: `inbox` and `log` (key: shard × 2⁴⁴ + position, one number, because array keys cost a third of the speed;
 * value: a sealed record), `ends` (where each of those sequences ends), `values` and `results` (key: store, zero byte, key; value: sealed), `meta`.
 *
 * Why `batch` and not `transaction`: all puts of one `batch` are one instruction block of one LMDB transaction, and
 * nothing runs inside it that could throw half-way. `transactionSync` would block the loop for the whole write, and an
 * async `transaction` does not roll back when its callback throws. `eventTurnBatching` is off, since it costs a turn of
 * the event loop per group and the groups are gathered already (4,600 small flushed groups a
 * second against 4,300 on a 2-core machine).
 */
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MegactorError } from '../protocol/errors.ts';
import type { Backend, BackendReads, BackendWrite, EndedRecord, PositionedRecord, StoreWrite } from './backend.ts';
import { JOURNAL_FORMAT, openValue, pack, type RecordTable, sealValue, unpack } from './codec.ts';
import { checkDataFile } from './data-file.ts';
import { journalError } from './journal-error.ts';
import { journalDirectory } from './paths.ts';

/** Positions per shard in the key space; 255 shards fit below 2⁵³. */
const POSITIONS_MAX = 2 ** 44;

interface Tables {
  readonly environment: RootDatabase;
  readonly meta: Database<Uint8Array, string>;
  readonly inbox: Database<Uint8Array, number>;
  readonly log: Database<Uint8Array, number>;
  readonly ends: Database<Uint8Array, number>;
  readonly values: Database<Uint8Array, Uint8Array>;
  readonly results: Database<Uint8Array, Uint8Array>;
}

const dataFile = (runDirectory: string): string => join(journalDirectory(runDirectory), 'data.mdb');

const openTables = (runDirectory: string, readOnly: boolean): Tables => {
  const environment = open({
    path: journalDirectory(runDirectory),
    encoding: 'binary',
    cache: false,
    maxDbs: 8,
    maxReaders: 1_024,
    eventTurnBatching: false,
    readOnly,
  });
  const table = <Key extends number | string | Uint8Array>(name: string): Database<Uint8Array, Key> =>
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
  };
  environment.readerCheck();
  return tables;
};

/** What `meta` says of a journal. */
export interface JournalMeta {
  readonly format: number;
  readonly shards: number;
}

const readMeta = (tables: Tables): JournalMeta | undefined => {
  const bytes = tables.meta.get('journal');
  if (bytes === undefined) return undefined;
  const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as JournalMeta;
  if (value.format !== JOURNAL_FORMAT) {
    throw new MegactorError(
      'RUN_FORMAT',
      `the journal has format ${value.format}; this version reads format ${JOURNAL_FORMAT}`,
    );
  }
  return value;
};

/** The reading side; with a transaction all reads see the same state, without one each sees the last commit. */
export class LmdbReads implements BackendReads {
  protected readonly tables: Tables;
  readonly #options: { readonly transaction?: Transaction };
  readonly meta: JournalMeta | undefined;

  constructor(tables: Tables, transaction: Transaction | null) {
    this.tables = tables;
    this.#options = transaction === null ? {} : { transaction };
    this.meta = readMeta(tables);
  }

  *inbox(shard: number, from = 0): Iterable<PositionedRecord> {
    yield* this.#records(this.tables.inbox, shard, from === 0 ? 0 : this.#recordStart(shard, from));
  }

  log(shard: number): Iterable<PositionedRecord> {
    return this.#records(this.tables.log, shard, 0);
  }

  end(table: RecordTable, shard: number): number {
    const key = endKey(table, shard);
    const record = this.tables.ends.get(key, this.#options);
    return record === undefined ? 0 : Number(unpack(openValue(Buffer.from(`end ${key}`), record)));
  }

  value(key: Uint8Array): Uint8Array | undefined {
    return this.tables.values.get(key, this.#options);
  }

  *values(from: Uint8Array, to: Uint8Array): Iterable<readonly [Uint8Array, Uint8Array]> {
    const range = this.tables.values.getRange({ start: from, end: to, ...this.#options });
    for (const { key, value } of range) yield [key, value];
  }

  result(key: Uint8Array): Uint8Array | undefined {
    return this.tables.results.get(key, this.#options);
  }

  *#records(table: Database<Uint8Array, number>, shard: number, first: number): Iterable<PositionedRecord> {
    const base = shard * POSITIONS_MAX;
    for (const { key, value } of table.getRange({ start: base + first, end: base + POSITIONS_MAX, ...this.#options })) {
      yield { shard, first: key - base, bytes: value };
    }
  }

  /** Where the inbox record that holds `seq` begins. */
  #recordStart(shard: number, seq: number): number {
    const base = shard * POSITIONS_MAX;
    const back = { start: base + seq, end: base, reverse: true, limit: 1, ...this.#options };
    for (const { key } of this.tables.inbox.getRange(back)) return key - base;
    return 0;
  }

  async close(): Promise<void> {
    this.#options.transaction?.done();
    await this.tables.environment.close();
  }
}

export class LmdbBackend extends LmdbReads implements Backend {
  #failed = false;

  /** Written by the first opening; resolves when it is on disk. */
  async writeMeta(meta: JournalMeta): Promise<void> {
    await this.tables.meta.put('journal', Buffer.from(JSON.stringify(meta)));
    await this.tables.environment.flushed;
  }

  write(group: BackendWrite, onCommitted: () => void, onFlushed: () => void, onFailed: (error: unknown) => void): void {
    const { environment, values, results } = this.tables;
    const failed = (error: unknown): void => {
      this.#failed = true;
      onFailed(commitError(error));
    };
    try {
      const committed = environment.batch(() => {
        for (const record of group.inbox) this.#put('inbox', record);
        for (const record of group.log) this.#put('log', record);
        for (const write of group.values) change(values, write);
        for (const write of group.results) change(results, write);
      });
      // `flushed` means what was written before it is asked for: it must be asked for in this turn.
      const flushed = Promise.resolve(environment.flushed);
      committed.then(onCommitted, failed);
      flushed.then(onFlushed, failed);
    } catch (error) {
      failed(error);
    }
  }

  override async close(): Promise<void> {
    // lmdb-js waits for the flush of the last write, which never comes when that write failed. The environment then
    // ends with its thread; there is nothing left to write.
    if (!this.#failed) await super.close();
  }

  #put(table: RecordTable, { shard, first, end, bytes }: EndedRecord): void {
    void this.tables[table].put(shard * POSITIONS_MAX + first, bytes);
    const key = endKey(table, shard);
    void this.tables.ends.put(key, sealValue(Buffer.from(`end ${key}`), pack(end)));
  }
}

const endKey = (table: RecordTable, shard: number): number => 2 * shard + (table === 'inbox' ? 0 : 1);

const change = (table: Database<Uint8Array, Uint8Array>, write: StoreWrite): void => {
  if (write.value === null) void table.remove(write.key);
  else void table.put(write.key, write.value);
};

/** lmdb-js rejects with a general error that carries a promise of the real one. */
const commitError = (error: unknown): MegactorError => {
  const inner = (error as { commitError?: Promise<unknown> }).commitError;
  // Nobody else waits for it, and an unhandled rejection would end the process.
  inner?.catch(() => undefined);
  return new MegactorError('DISK', `the journal could not be written: ${(error as Error).message}`, { cause: error });
};

/** @throws DISK, JOURNAL_DAMAGED, RUN_FORMAT, CONFIG_INVALID when the directory has another number of shards */
export const openLmdbBackend = async (runDirectory: string, shards: number): Promise<LmdbBackend> => {
  let tables: Tables;
  try {
    mkdirSync(journalDirectory(runDirectory), { recursive: true });
    checkDataFile(dataFile(runDirectory));
    tables = openTables(runDirectory, false);
  } catch (error) {
    throw journalError(error, `the journal in ${runDirectory} cannot be opened`);
  }
  try {
    const backend = new LmdbBackend(tables, null);
    if (backend.meta === undefined) {
      await backend.writeMeta({ format: JOURNAL_FORMAT, shards });
    } else if (backend.meta.shards !== shards) {
      throw new MegactorError(
        'CONFIG_INVALID',
        `${runDirectory} has ${backend.meta.shards} shards; that number is fixed, so it cannot run with ${shards}`,
      );
    }
    return backend;
  } catch (error) {
    await tables.environment.close();
    throw journalError(error, `the journal in ${runDirectory} cannot be used`);
  }
};

/**
 * For readers, also in other processes, live or not: everything is read as it was at this moment. Close it soon, since
 * while it is open the pages that it sees cannot be used again.
 * @throws RUN_DIR_NOT_FOUND, RUN_FORMAT, JOURNAL_DAMAGED, DISK
 */
export const openLmdbReads = async (runDirectory: string): Promise<LmdbReads> => {
  if (!existsSync(dataFile(runDirectory))) {
    throw new MegactorError('RUN_DIR_NOT_FOUND', `there is no journal in ${runDirectory}`);
  }
  let tables: Tables;
  try {
    checkDataFile(dataFile(runDirectory));
    tables = openTables(runDirectory, true);
  } catch (error) {
    throw journalError(error, `the journal in ${runDirectory} cannot be read`);
  }
  try {
    return new LmdbReads(tables, tables.environment.useReadTransaction());
  } catch (error) {
    await tables.environment.close();
    throw journalError(error, `the journal in ${runDirectory} cannot be read`);
  }
};
