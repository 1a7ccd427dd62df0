/**
 * Repairs the journal of a run directory: keeps what is provably good, cut back to a whole over all shards, and says
 * what was dropped. The caller holds the lease. It reads the damaged file without LMDB, so that nothing in it can end
 * the process.
 *
 * Invariants: H1 A healthy journal is not touched. H2 The damaged file is never changed or deleted: it goes to
 * `journal.damaged-N`. H3 The new file takes its place in one rename, after it was written, flushed, read again and
 * found to be whole; whatever fails before that leaves everything as it was.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MegactorError, toMegactorError } from '../../protocol/errors.ts';
import { bufferToKeyValue } from 'lmdb';
import { keyInStore, storeKey } from '../backend.ts';
import { damaged, JOURNAL_FORMAT, openValue, pack, sealValue, unpack } from '../codec.ts';
import { checkDataFile } from '../data-file.ts';
import { journalError } from '../journal-error.ts';
import { journalDirectory } from '../paths.ts';
import type { ActorRecord, StoreChange } from '../shard-log.ts';
import type { NewRow } from '../backend.ts';
import { type Cut, cutOf } from './cut.ts';
import { ActorChooser } from './kept-actors.ts';
import { type Located, PageReader, type WalkedTable } from './pages.ts';
import { endsOf, rebuildShard, rowsOf } from './rebuild.ts';
import { isExact, type RepairReport, type Repaired, reportOf } from './report.ts';
import { candidates, type Salvage, salvageAll, salvageState } from './salvage.ts';
import { SEALED_TABLES } from './snapshot-rows.ts';
import { type SettledShard, settle } from './settle.ts';
import { connectShards, type ReadShard, readShard } from './shards.ts';
import { lacksBeginning, type Start, startsOf } from './starts.ts';
import { discardNew, newDirectory, putInPlace, readWhole, writeNew } from './swap.ts';

/** What is known of the repaired journal before it takes its place. */
export interface RepairView {
  /** The actors whose spawns are kept, with their shards; some may have stopped. */
  readonly actors: readonly { readonly shard: number; readonly record: ActorRecord }[];
  /** The same of all whose spawns can be read, kept or not. */
  readonly seen: RepairView['actors'];
  /** A value of a service's table; undefined when there is none. */
  value(store: string, key: string): unknown;
  /** All values, or all kept results, of a service with their keys. */
  all(table: 'values' | 'results', store: string): Iterable<readonly [string, unknown]>;
}

export interface RepairOptions {
  /** Used when the journal itself cannot say how many shards it has. */
  readonly shards: number;
  /** The number of this repair: the damaged file goes to `journal.damaged-N`. */
  readonly number: number;
  /** Changes to services' tables that follow from what is kept, by store. */
  readonly adjust?: (view: RepairView) => ReadonlyMap<string, readonly StoreChange[]>;
}

const BINARY_KEYS: ReadonlySet<string> = new Set(['values', 'results', 'history', 'names']);
const TABLES = ['values', 'results', 'origins', ...SEALED_TABLES] as const;

const dataFile = (runDirectory: string): string => join(journalDirectory(runDirectory), 'data.mdb');

const finish = (reader: PageReader, salvage: Salvage, shards: readonly ReadShard[]): Repaired => {
  const read = connectShards(reader, shards);
  const cuts = cutOf(read.cutting);
  const settled = settle(reader, read, cuts, new ActorChooser(reader, salvage));
  const rebuilt = read.shards.map((shard, index) =>
    rebuildShard(reader, read, shard, cuts[index] as Cut, settled[index] as SettledShard),
  );
  return { salvage, read, cuts, settled, rebuilt };
};

/** What does not fit together, then what is to be done again: the less the better. */
const costOf = (repaired: Repaired): number => {
  const { cuts, read, settled } = repaired;
  const conflicts = settled.reduce((sum, { actors, twice, doubtful, gone }) => {
    const broken = [...actors.values()].filter(({ ahead, historyLost }) => ahead === 'yes' || historyLost > 0).length;
    return sum + twice + doubtful + gone.length + broken;
  }, 0);
  const dropped = read.shards.reduce((sum, { logEnd }, shard) => sum + logEnd - (cuts[shard]?.log ?? 0), 0);
  return (conflicts + (isExact(repaired) ? 0 : 1)) * CONFLICT + dropped;
};

/** More than there can be appends. */
const CONFLICT = 2 ** 30;

/**
 * What can be kept, the best first. Two ways: with as much of the logs as there is, or from the marks on where the log before the mark is damaged. Of a
 * journal that was never compacted the first one always fits together, and what it sets back is done again.
 */
const partsOf = (reader: PageReader, salvage: Salvage, fallback: number): [Repaired, ...Repaired[]] => {
  const { format } = salvage;
  if (format !== null && format !== JOURNAL_FORMAT) {
    throw new MegactorError('RUN_FORMAT', `the journal has format ${format}; this version repairs ${JOURNAL_FORMAT}`);
  }
  const count = salvage.shards ?? fallback;
  const numbers = Array.from({ length: count }, (_, shard) => shard);
  const isCompacted =
    numbers.some((shard) => salvage.snapshots.bases(shard).length > 0) ||
    numbers.every((shard) => lacksBeginning(salvage, shard));
  const starts = numbers.map((shard) => startsOf(reader, salvage, shard, isCompacted));
  const early = numbers.map((shard) => readShard(reader, salvage, shard, (starts[shard] as Start[])[0] as Start));
  const first = finish(reader, salvage, early);
  const late = early.map((read, shard) => {
    const mark = starts[shard]?.[1]?.base;
    const reaches = mark === undefined || (read.logFirst + read.appends.length >= mark.log && read.inbox >= mark.inbox);
    return reaches ? read : readShard(reader, salvage, shard, starts[shard]?.[1] as Start);
  });
  if (late.every((read, shard) => read === early[shard])) return [first];
  const second = finish(reader, salvage, late);
  return costOf(second) < costOf(first) ? [second, first] : [first, second];
};

/** Whether a state is whole and nothing of it has to go. */
const isGood = ({ salvage, read, cuts }: Repaired): boolean =>
  salvage.perfect &&
  read.shards.every(({ inboxEnd, logEnd }, shard) => cuts[shard]?.inbox === inboxEnd && cuts[shard]?.log === logEnd);

interface Choice {
  readonly kept: Repaired;
  readonly from: RepairReport['from'];
  readonly transactionsBack: number;
}

/** Whether a run and `inspect` find nothing wrong with the journal as it is. */
const opens = async (runDirectory: string, shards: number): Promise<boolean> => {
  try {
    checkDataFile(dataFile(runDirectory));
    await readWhole(runDirectory, shards);
    return true;
  } catch {
    return false;
  }
};

/** A whole state of the file, the newest there is; null when none is whole. */
const wholeState = async (reader: PageReader, runDirectory: string, shards: number): Promise<Choice | null> => {
  const states = candidates(reader);
  const [newest] = reader.states();
  for (const [index, head] of states.entries()) {
    const salvage = salvageState(reader, head);
    if (!salvage.perfect) continue;
    const [kept] = partsOf(reader, salvage, shards);
    if (!isGood(kept)) continue;
    const transactionsBack = Number((newest?.transaction ?? head.transaction) - head.transaction);
    // What is whole for us is not yet what LMDB opens: it wants both heads.
    const healthy = index === 0 && (await opens(runDirectory, kept.read.shards.length));
    return { kept, from: healthy ? 'healthy' : 'state', transactionsBack };
  }
  return null;
};

const isEmpty = ({ salvage, read }: Repaired): boolean =>
  salvage.snapshots.isEmpty &&
  salvage.services.values.size + salvage.services.results.size === 0 &&
  read.shards.every(({ appends, inboxRecords }) => appends.length + inboxRecords.length === 0);

const actorsOf = ({ read, cuts, settled, rebuilt }: Repaired, all: boolean): RepairView['actors'] =>
  read.spawns.flatMap((spawns, shard) => {
    const kept = new Map<number, ActorRecord>();
    for (const [id, { seq, record }] of spawns) if (all || seq < (cuts[shard]?.inbox ?? 0)) kept.set(id, record);
    for (const [id, { row }] of settled[shard]?.actors ?? []) kept.set(id, row.record);
    for (const { entry } of rebuilt[shard]?.fromOutside ?? []) {
      if (entry.kind === 'spawn' && !kept.has(entry.actor.id)) kept.set(entry.actor.id, entry.actor);
    }
    return [...kept.values()].map((record) => ({ shard, record }));
  });

const viewOf = (kept: Repaired, reader: PageReader): RepairView => {
  const { services } = kept.salvage;
  const opened = (key: Uint8Array, row: Located | undefined): unknown => {
    const bytes = row === undefined ? null : reader.value(row);
    return bytes === null ? undefined : unpack(openValue(key, bytes));
  };
  return {
    actors: actorsOf(kept, false),
    seen: actorsOf(kept, true),
    value: (store, key) => {
      const at = Buffer.from(storeKey(store, key));
      return opened(at, services.values.get(at.toString('latin1')));
    },
    all: function* (table, store) {
      const prefix = Buffer.from(storeKey(store, '')).toString('latin1');
      for (const [key, row] of services[table]) {
        if (key.startsWith(prefix)) yield [keyInStore(store, row.key), opened(row.key, row)];
      }
    },
  };
};

const adjustments = (kept: Repaired, reader: PageReader, adjust: RepairOptions['adjust']): NewRow[] => {
  const rows: NewRow[] = [];
  for (const [store, changes] of adjust?.(viewOf(kept, reader)) ?? []) {
    for (const change of changes) {
      const key = storeKey(store, change.key);
      const value = change.value === undefined ? null : sealValue(key, pack(change.value));
      rows.push({ table: 'values', key, value });
    }
  }
  return rows;
};

/** A whole state as it is. */
function* copied(reader: PageReader, tables: ReadonlyMap<string, WalkedTable>, cuts: readonly Cut[]): Iterable<NewRow> {
  for (const table of TABLES) {
    const isBinary = BINARY_KEYS.has(table);
    for (const row of tables.get(table)?.rows ?? []) {
      const key = isBinary ? row.key : (bufferToKeyValue(row.key) as number);
      const value = reader.value(row);
      if (value !== null) yield { table, key, value };
    }
  }
  // What is kept of a whole state is all of it.
  yield* endsOf(cuts);
}

const write = async (
  reader: PageReader,
  runDirectory: string,
  { kept, from }: Choice,
  options: RepairOptions,
): Promise<void> => {
  const { salvage, read, cuts, settled, rebuilt } = kept;
  const shards = read.shards.length;
  const adjusted = adjustments(kept, reader, options.adjust);
  const rows = function* (): Iterable<NewRow> {
    if (from === 'state' && salvage.tables !== null) yield* copied(reader, salvage.tables, cuts);
    else yield* rowsOf(reader, salvage, read, cuts, settled, rebuilt);
    yield* adjusted;
  };
  await writeNew(runDirectory, shards, rows());
  await readWhole(newDirectory(runDirectory), shards);
};

const repair = async (reader: PageReader, runDirectory: string, options: RepairOptions): Promise<RepairReport> => {
  const state = await wholeState(reader, runDirectory, options.shards);
  if (state?.from === 'healthy') return reportOf(state.kept, state.kept, state);
  const parts = partsOf(reader, salvageAll(reader), options.shards);
  const choices = parts.map((kept): Choice => ({ kept, from: 'parts', transactionsBack: 0 }));
  try {
    const written = await writeBest(reader, runDirectory, state === null ? choices : [state, ...choices], options);
    const report = reportOf(written.kept, parts[0], written);
    putInPlace(runDirectory, options.number);
    return report;
  } finally {
    discardNew(runDirectory);
  }
};

/** Writes the first that reads well. @throws JOURNAL_DAMAGED when nothing is left, or nothing that was written does */
const writeBest = async (
  reader: PageReader,
  runDirectory: string,
  choices: readonly Choice[],
  options: RepairOptions,
): Promise<Choice> => {
  let failure: unknown = damaged('nothing in it can be read', { runDirectory });
  for (const choice of choices) {
    if (isEmpty(choice.kept)) continue;
    try {
      await write(reader, runDirectory, choice, options);
      return choice;
    } catch (error) {
      if (toMegactorError(error).code !== 'JOURNAL_DAMAGED') throw error;
      failure = error;
    }
  }
  throw failure;
};

/**
 * Examines the journal of a run directory and repairs it. The caller holds the lease of the directory.
 * @throws JOURNAL_DAMAGED when there is no data file or nothing in it can be proven, RUN_FORMAT, DISK
 */
export const repairJournal = async (runDirectory: string, options: RepairOptions): Promise<RepairReport> => {
  const file = dataFile(runDirectory);
  if (!existsSync(file)) throw damaged(`${file} is not there`, { file });
  let reader: PageReader;
  try {
    reader = new PageReader(file);
  } catch (error) {
    throw journalError(error, `${file} cannot be read`);
  }
  try {
    return await repair(reader, runDirectory, options);
  } catch (error) {
    throw journalError(error, `the journal in ${runDirectory} cannot be repaired`);
  } finally {
    reader.close();
  }
};
