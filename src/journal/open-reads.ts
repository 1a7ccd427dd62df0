/**
 * Opens the LMDB journal for those who only read it, in this or another process, while a run lives or after it. What
 * they must not do to a writer, and what a writer does for them, is in `visitors.ts`.
 *
 * Invariant: J7 a reader changes nothing of what is written, meets no journal that is half made, and sees one state.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transaction } from 'lmdb';
import { MegactorError } from '../protocol/errors.ts';
import { isUnflushed } from './data-file.ts';
import { journalError } from './journal-error.ts';
import { checkFile, LmdbReads } from './lmdb-backend.ts';
import { openTables, type Tables } from './lmdb-tables.ts';
import { hasJournal, journalDirectory } from './paths.ts';
import { makePlace, visit } from './visitors.ts';

/** What was flushed before a power loss: a writer goes back to it, so a copy of the file is opened by one. */
const openFlushed = (file: string): Tables => {
  const copy = mkdtempSync(join(tmpdir(), 'megactor-read-'));
  try {
    copyFileSync(file, join(copy, 'data.mdb'));
    return openTables(copy, false);
  } finally {
    // Whoever has the file open keeps what is in it.
    rmSync(copy, { recursive: true, force: true });
  }
};

class VisitorReads extends LmdbReads {
  readonly #leave: () => void;

  constructor(tables: Tables, transaction: Transaction, leave: () => void) {
    super(tables, transaction);
    this.#leave = leave;
  }

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      this.#leave();
    }
  }
}

/**
 * For readers, also in other processes, live or not: everything is read as it was at this moment. Close it soon, since
 * while it is open the pages that it sees cannot be used again.
 * @throws RUN_DIR_NOT_FOUND, RUN_FORMAT, JOURNAL_DAMAGED, DISK
 */
export const openLmdbReads = async (runDirectory: string): Promise<LmdbReads> => {
  // LMDB does not survive an empty file that it may only read.
  if (!hasJournal(runDirectory)) {
    throw new MegactorError('RUN_DIR_NOT_FOUND', `there is no journal in ${runDirectory}`);
  }
  const leave = await visit(runDirectory);
  try {
    return await openReadsIn(journalDirectory(runDirectory), leave);
  } catch (error) {
    leave();
    throw journalError(error, `the journal in ${runDirectory} cannot be read`);
  }
};

/** As `openLmdbReads`, of the environment in `directory`, to which nobody writes. @param leave is called when it is closed */
export const openReadsIn = async (directory: string, leave: () => void = () => undefined): Promise<LmdbReads> => {
  const file = join(directory, 'data.mdb');
  const place = makePlace(file);
  let tables: Tables;
  try {
    await checkFile(file, place.path);
    tables = isUnflushed(file) ? openFlushed(file) : openTables(place.path, true);
  } finally {
    place.remove();
  }
  try {
    return new VisitorReads(tables, tables.environment.useReadTransaction(), leave);
  } catch (error) {
    await tables.environment.close();
    throw error;
  }
};
