/**
 * The lease on a run directory: one process at a time. The lock is an exclusive lock of SQLite on a file of its own,
 * because Node has no flock, and a lock by modification time makes a resume wait after a kill; the kernel frees this one
 * in the moment its owner dies. Who holds it is written into another file: any other opening and closing of the locked
 * file in the owner's process would drop the lock.
 *
 * Invariants: E1 while one process holds the lease every other `acquireLease` of the directory is refused, also in the
 * same process. E2 the lease of a dead process is free at once.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { MegactorError } from '../protocol/errors.ts';
import { journalError } from './journal-error.ts';
import { journalDirectory } from './paths.ts';

export interface Lease {
  /** Frees the directory. Does nothing the second time. */
  release(): void;
}

const lockFile = (runDirectory: string): string => join(journalDirectory(runDirectory), 'lease.lock');
const ownerFile = (runDirectory: string): string => join(journalDirectory(runDirectory), 'owner.json');

/** Loaded by who takes or probes a lease, not by every thread that loads this room: Node 22 warns at the first load. */
const openDatabase = (file: string, options: { readonly readOnly?: boolean; readonly timeout: number }): DatabaseSync =>
  new (process.getBuiltinModule('node:sqlite').DatabaseSync)(file, options);

/** Keeps the locks reachable: a database that is garbage-collected closes itself and would drop its lock. */
const heldLocks = new Set<DatabaseSync>();

/**
 * Takes the lease on a run directory, which is made when it is not there.
 * @param details plain data for people: who holds it (process id, host, start time …)
 * @throws RUN_DIR_IN_USE with the holder's `details`, DISK
 */
export const acquireLease = (runDirectory: string, details: Readonly<Record<string, unknown>>): Lease => {
  const lock = openLock(runDirectory);
  try {
    // The rollback journal in memory: nothing is ever written, so there is nothing to roll back after a kill.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw inUse(runDirectory);
    throw journalError(error, `${runDirectory} cannot be locked`);
  }
  try {
    const temporary = `${ownerFile(runDirectory)}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(details)}\n`);
    renameSync(temporary, ownerFile(runDirectory));
  } catch (error) {
    lock.close();
    throw journalError(error, `${runDirectory} cannot be locked`);
  }
  heldLocks.add(lock);
  return {
    release: () => {
      if (!heldLocks.delete(lock)) return;
      // First the details, then the lock: the other order could remove the details of the next holder.
      rmSync(ownerFile(runDirectory), { force: true });
      lock.close();
    },
  };
};

/** The details that the last holder left; null when it released the lease. It may be dead: only a try tells. */
export const readLeaseOwner = (runDirectory: string): Readonly<Record<string, unknown>> | null => {
  try {
    const details: unknown = JSON.parse(readFileSync(ownerFile(runDirectory), 'utf8'));
    return typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : null;
  } catch {
    return null;
  }
};

/**
 * Whether a living process holds the lease. Writes nothing; a try to take the lease at the same moment waits for it.
 * False for a directory that cannot be looked into.
 */
export const isLeaseHeld = (runDirectory: string): boolean => {
  if (!existsSync(lockFile(runDirectory))) return false;
  let lock: DatabaseSync;
  try {
    lock = openDatabase(lockFile(runDirectory), { readOnly: true, timeout: 0 });
  } catch {
    return false;
  }
  try {
    lock.prepare('SELECT count(*) FROM sqlite_master').get();
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    lock.close();
  }
};

/** Long enough for somebody who only looks (`isLeaseHeld`) to be through, short enough to be refused at once. */
const LOOK_MAX_MS = 50;

const openLock = (runDirectory: string): DatabaseSync => {
  try {
    mkdirSync(journalDirectory(runDirectory), { recursive: true });
    return openDatabase(lockFile(runDirectory), { timeout: LOOK_MAX_MS });
  } catch (error) {
    throw journalError(error, `${runDirectory} cannot be locked`);
  }
};

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

const isBusy = (error: unknown): boolean => {
  const code = (error as { errcode?: number }).errcode;
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
};

const inUse = (runDirectory: string): MegactorError => {
  const owner = readLeaseOwner(runDirectory);
  const who = owner === null ? 'another process' : JSON.stringify(owner);
  return new MegactorError('RUN_DIR_IN_USE', `${runDirectory} is held by ${who}`, { details: { owner } });
};
