/**
 * The files of a repair: writes the new journal beside the old one, reads it again as a run would, and puts it in its
 * place. It knows nothing of what was damaged.
 *
 * Invariant: H3 (`repair.ts`). The lease is a lock on a file of the journal's directory, which therefore stays: only the
 * data file is exchanged, by one rename over the old one, of which a second name was made before.
 */
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { JOURNAL_FORMAT, openValue } from '../codec.ts';
import { syncDirectory } from '../compaction-files.ts';
import { writeMetaInto } from '../lmdb-backend.ts';
import { openTables } from '../lmdb-tables.ts';
import { openLmdbReads } from '../open-reads.ts';
import { damagedDirectory, journalDirectory } from '../paths.ts';
import { readJournal } from '../reader.ts';
import { ShardState } from '../shard-state.ts';
import type { NewRow } from '../backend.ts';
import { TableWriter } from '../table-writer.ts';

const DATA = 'data.mdb';
const LOCKS = 'lock.mdb';

/** Where the new journal is written: a run directory of its own as far as the journal is concerned. */
export const newDirectory = (runDirectory: string): string => join(runDirectory, 'journal.repaired');

export const discardNew = (runDirectory: string): void =>
  rmSync(newDirectory(runDirectory), { recursive: true, force: true });

export const writeNew = async (runDirectory: string, shards: number, rows: Iterable<NewRow>): Promise<void> => {
  discardNew(runDirectory);
  const directory = journalDirectory(newDirectory(runDirectory));
  mkdirSync(directory, { recursive: true });
  const tables = openTables(directory, false);
  try {
    const writer = new TableWriter(tables);
    for (const row of rows) await writer.put(row);
    await writer.end();
    await writeMetaInto(tables, { format: JOURNAL_FORMAT, shards });
  } finally {
    await tables.environment.close();
  }
};

/** Reads all of a journal as the opening of a run and as `inspect` would. @throws JOURNAL_DAMAGED */
export const readWhole = async (directory: string, shards: number): Promise<void> => {
  await (await readJournal(directory)).close();
  const reads = await openLmdbReads(directory);
  try {
    for (let shard = 0; shard < shards; shard += 1) new ShardState(shard).recount(reads);
    const all = [Buffer.of(0), Buffer.alloc(1, 0xff)] as const;
    for (const [key, record] of reads.values(...all)) openValue(key, record);
  } finally {
    await reads.close();
  }
};

/** A second name of a file, or a copy where the file system has no second names. */
const keep = (from: string, to: string): void => {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
};

export const putInPlace = (runDirectory: string, number: number): void => {
  const journal = journalDirectory(runDirectory);
  const aside = damagedDirectory(runDirectory, number);
  mkdirSync(aside);
  keep(join(journal, DATA), join(aside, DATA));
  syncDirectory(aside);
  syncDirectory(runDirectory);
  renameSync(join(journalDirectory(newDirectory(runDirectory)), DATA), join(journal, DATA));
  // The table of readers belongs to the old file; LMDB makes another.
  if (existsSync(join(journal, LOCKS))) renameSync(join(journal, LOCKS), join(aside, LOCKS));
  syncDirectory(journal);
};
