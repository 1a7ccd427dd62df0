/**
 * The journal in LMDB: one environment per run directory, in `RUN_DIR/journal/`. It writes a group as one transaction
 * and reads; what a group means was decided before.
 *
 * The tables and their keys are in `lmdb-tables.ts`.
 *
 * Why `batch` and not `transaction`: all puts of one `batch` are one instruction block of one LMDB transaction, and
 * nothing runs inside it that could throw half-way. `transactionSync` would block the loop for the whole write, and an
 * async `transaction` does not roll back when its callback throws. `eventTurnBatching` is off, since it costs a turn of
 * the event loop per group and the groups are gathered already (4,600 small flushed groups a
 * second against 4,300 on a 2-core machine).
 */
import type { Database, Transaction } from 'lmdb';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MegactorError } from '../protocol/errors.ts';
import {
  type Backend,
  type BackendReads,
  type BackendWrite,
  type EndedRecord,
  nameKey,
  type PositionedRecord,
  type StoreWrite,
} from './backend.ts';
import { JOURNAL_FORMAT, openValue, pack, type RecordTable, sealValue, unpack } from './codec.ts';
import { clearCompaction, syncDirectory } from './compaction-files.ts';
import { checkDataFile, isUnflushed } from './data-file.ts';
import { journalError } from './journal-error.ts';
import {
  endKey,
  firstOfHistoryKey,
  historyKey,
  openTables,
  peekMeta,
  POSITIONS_MAX,
  rowKey,
  type Tables,
} from './lmdb-tables.ts';
import { hasJournal, journalDirectory, makingDirectory } from './paths.ts';
import { decodeName, encodeName, type HistoryChunk, nameOfActorRow, type SnapshotWire } from './snapshot-codec.ts';
import { openAlone, Visitors } from './visitors.ts';

const dataFile = (runDirectory: string): string => join(journalDirectory(runDirectory), 'data.mdb');

/** What `meta` says of a journal. */
export interface JournalMeta {
  readonly format: number;
  readonly shards: number;
}

/**
 * Resolves when it is on disk, with everything that was written before. Asked for in the turn of the put, `flushed` also
 * says that LMDB's writing thread is through; an environment that is closed before that takes the process along.
 */
export const writeMetaInto = async (tables: Tables, meta: JournalMeta): Promise<void> => {
  const written = tables.meta.put('journal', Buffer.from(JSON.stringify(meta)));
  const flushed = Promise.resolve(tables.environment.flushed);
  await written;
  await flushed;
};

/** @throws RUN_FORMAT */
const metaOf = (bytes: Uint8Array | undefined): JournalMeta | undefined => {
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
    this.meta = metaOf(tables.meta.get('journal'));
  }

  inbox(shard: number, from = 0): Iterable<PositionedRecord> {
    return this.#records(this.tables.inbox, shard, from);
  }

  log(shard: number, from = 0): Iterable<PositionedRecord> {
    return this.#records(this.tables.log, shard, from);
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

  actor(shard: number, id: number): Uint8Array | undefined {
    return this.tables.actors.get(rowKey(shard, id), this.#options);
  }

  *actorIds(shard: number): Iterable<number> {
    for (const key of this.tables.actors.getKeys(this.#ofShard(shard))) yield key - shard * POSITIONS_MAX;
  }

  actorCount(shard: number): number {
    return this.tables.actors.getKeysCount(this.#ofShard(shard));
  }

  history(shard: number, id: number): HistoryChunk[] {
    const bounds = { start: historyKey(shard, id, 0), end: historyKey(shard, id + 1, 0), ...this.#options };
    return [...this.tables.history.getRange(bounds)].map(({ key, value }) => [firstOfHistoryKey(key), value] as const);
  }

  *timers(shard: number): Iterable<readonly [number, Uint8Array]> {
    for (const { key, value } of this.tables.timers.getRange(this.#ofShard(shard))) {
      yield [key - shard * POSITIONS_MAX, value];
    }
  }

  named(shard: number, name: string): Uint8Array | undefined {
    return this.tables.names.get(nameKey(shard, name), this.#options);
  }

  mark(shard: number): Uint8Array | undefined {
    return this.tables.marks.get(shard, this.#options);
  }

  base(shard: number): Uint8Array | undefined {
    return this.tables.bases.get(shard, this.#options);
  }

  /** The snapshots of a shard's actors that its compaction made. */
  *origins(shard: number): Iterable<readonly [number, Uint8Array]> {
    for (const { key, value } of this.tables.origins?.getRange(this.#ofShard(shard)) ?? []) {
      yield [key - shard * POSITIONS_MAX, value];
    }
  }

  /** Everything in a table of the stores. */
  *allOf(table: 'values' | 'results'): Iterable<readonly [Uint8Array, Uint8Array]> {
    for (const { key, value } of this.tables[table].getRange(this.#options)) yield [key, value];
  }

  *#records(table: Database<Uint8Array, number>, shard: number, from: number): Iterable<PositionedRecord> {
    const base = shard * POSITIONS_MAX;
    const start = from === 0 ? base : this.#recordStart(table, base, from);
    for (const { key, value } of table.getRange({ ...this.#ofShard(shard), start })) {
      yield { shard, first: key - base, bytes: value };
    }
  }

  /** The key of the record that holds position `from`, if there is one. */
  #recordStart(table: Database<Uint8Array, number>, base: number, from: number): number {
    const back = { start: base + from, end: base, reverse: true, limit: 1, ...this.#options };
    for (const key of table.getKeys(back)) return key;
    return base;
  }

  #ofShard(shard: number): { readonly start: number; readonly end: number; readonly transaction?: Transaction } {
    return { start: shard * POSITIONS_MAX, end: (shard + 1) * POSITIONS_MAX, ...this.#options };
  }

  async close(): Promise<void> {
    this.#options.transaction?.done();
    await this.tables.environment.close();
  }
}

export class LmdbBackend extends LmdbReads implements Backend {
  readonly #visitors: Visitors;
  #failed = false;

  constructor(tables: Tables, runDirectory: string) {
    super(tables, null);
    this.#visitors = new Visitors(runDirectory, () => {
      const seen = tables.environment.useReadTransaction();
      return () => seen.done();
    });
  }

  write(group: BackendWrite, onCommitted: () => void, onFlushed: () => void, onFailed: (error: unknown) => void): void {
    const { environment, values, results } = this.tables;
    const failed = (error: unknown): void => {
      this.#failed = true;
      onFailed(commitError(error));
    };
    try {
      this.#visitors.beforeWrite();
      // The groups before are committed, since they are handed over one at a time: what is read now is what there is.
      const removals = group.stopped.flatMap(([shard, id]) => this.#removals(shard, id) ?? []);
      const committed = environment.batch(() => {
        for (const record of group.inbox) this.#put('inbox', record);
        for (const record of group.log) this.#put('log', record);
        for (const write of group.values) change(values, write);
        for (const write of group.results) change(results, write);
        for (const { shard, snapshot } of group.snapshots) this.#putSnapshot(shard, snapshot);
        for (const keys of removals) this.#remove(keys);
        for (const { shard, bytes } of group.marks) void this.tables.marks.put(shard, bytes);
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
    this.#visitors.close();
    // lmdb-js waits for the flush of the last write, which never comes when that write failed. The environment then
    // ends with its thread; there is nothing left to write.
    if (!this.#failed) await super.close();
  }

  #put(table: RecordTable, { shard, first, end, bytes }: EndedRecord): void {
    void this.tables[table].put(rowKey(shard, first), bytes);
    const key = endKey(table, shard);
    void this.tables.ends.put(key, endRecord(key, end));
  }

  #putSnapshot(shard: number, [id, name, row, historyFirst, history, timers]: SnapshotWire): void {
    const { actors, timers: timerTable, names } = this.tables;
    void actors.put(rowKey(shard, id), row);
    if (history !== null) void this.tables.history.put(historyKey(shard, id, historyFirst), history);
    if (timers !== null) void timerTable.put(rowKey(shard, id), timers);
    else if (timerTable.doesExist(rowKey(shard, id))) void timerTable.remove(rowKey(shard, id));
    if (name === '') return;
    const named = encodeName(shard, name, id);
    const known = this.named(shard, name);
    if (known === undefined || Buffer.compare(known, named) !== 0) void names.put(nameKey(shard, name), named);
  }

  /** What is to be removed of an actor that stopped: nothing when it has no snapshot. */
  #removals(shard: number, id: number): Removals | null {
    const row = this.actor(shard, id);
    if (row === undefined) return null;
    // A replay begins with the snapshot of the compaction, and its history is in the same chunks.
    const kept = this.tables.origins?.doesExist(rowKey(shard, id)) === true;
    const history = kept ? [] : this.history(shard, id).map(([first]) => historyKey(shard, id, first));
    let name: Uint8Array | null = null;
    try {
      const text = nameOfActorRow(shard, id, row);
      const record = this.named(shard, text);
      if (record !== undefined && decodeName(shard, text, record) === id) name = nameKey(shard, text);
    } catch {
      // What is damaged goes away with it; a name that stays leads to no actor any more.
    }
    return { key: rowKey(shard, id), history, name };
  }

  #remove({ key, history, name }: Removals): void {
    void this.tables.actors.remove(key);
    void this.tables.timers.remove(key);
    for (const chunk of history) void this.tables.history.remove(chunk);
    if (name !== null) void this.tables.names.remove(name);
  }
}

/** A record of `ends`. */
export const endRecord = (key: number, end: number): Uint8Array => sealValue(Buffer.from(`end ${key}`), pack(end));

/** The keys of what an actor has in the tables of snapshots. */
interface Removals {
  readonly key: number;
  readonly history: readonly Uint8Array[];
  readonly name: Uint8Array | null;
}

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

/**
 * Looks at a data file before it is opened to write or read. @param directory where it may be opened
 * @throws JOURNAL_DAMAGED, RUN_FORMAT, DISK
 */
export const checkFile = async (file: string, directory: string): Promise<void> => {
  checkDataFile(file);
  // After a power loss only a writer finds the state to look at.
  if (!existsSync(file) || statSync(file).size === 0 || isUnflushed(file)) return;
  metaOf(await peekMeta(directory));
};

/** Makes a new journal aside and puts it in its place when it is whole, so that nobody meets one that is not. */
const makeJournal = async (runDirectory: string, shards: number): Promise<void> => {
  const making = makingDirectory(runDirectory);
  rmSync(making, { recursive: true, force: true });
  if (hasJournal(runDirectory)) return;
  mkdirSync(making);
  const tables = openTables(making, false);
  try {
    await writeMetaInto(tables, { format: JOURNAL_FORMAT, shards });
  } finally {
    await tables.environment.close();
  }
  renameSync(join(making, 'data.mdb'), dataFile(runDirectory));
  syncDirectory(journalDirectory(runDirectory));
  rmSync(making, { recursive: true, force: true });
};

/** @throws DISK, JOURNAL_DAMAGED, RUN_FORMAT, CONFIG_INVALID when the directory has another number of shards */
export const openLmdbBackend = async (runDirectory: string, shards: number): Promise<LmdbBackend> => {
  let tables: Tables;
  try {
    mkdirSync(journalDirectory(runDirectory), { recursive: true });
    clearCompaction(runDirectory);
    await makeJournal(runDirectory, shards);
    tables = await openAlone(runDirectory, async () => {
      await checkFile(dataFile(runDirectory), journalDirectory(runDirectory));
      return openTables(journalDirectory(runDirectory), false);
    });
  } catch (error) {
    throw journalError(error, `the journal in ${runDirectory} cannot be opened`);
  }
  let backend: LmdbBackend | null = null;
  try {
    backend = new LmdbBackend(tables, runDirectory);
    if (backend.meta === undefined) {
      await writeMetaInto(tables, { format: JOURNAL_FORMAT, shards });
    } else if (backend.meta.shards !== shards) {
      throw new MegactorError(
        'CONFIG_INVALID',
        `${runDirectory} has ${backend.meta.shards} shards; that number is fixed, so it cannot run with ${shards}`,
      );
    }
    return backend;
  } catch (error) {
    await (backend ?? tables.environment).close();
    throw journalError(error, `the journal in ${runDirectory} cannot be used`);
  }
};
