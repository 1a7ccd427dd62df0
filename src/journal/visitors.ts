/**
 * How a journal is read while another process, or another thread, writes to it. LMDB has a table of readers for that,
 * in its lock file; but whoever opens an environment sets the number of the newest transaction in that file to the one
 * that it found in the data a moment before. When the writer has committed in that moment, its next transaction takes
 * the place of the last one: what was acknowledged is gone, and the writer may be ended by a signal. So nobody but the
 * writer opens its lock file. A visitor opens the data by a second name, with a lock file of its own beside it, and asks
 * the writer to keep the pages that it sees.
 *
 * `journal/visitors/PID.NAME` is a visitor that came. The writer renames it to `PID.NAME.held` once it holds a read
 * transaction for it, and lets go when that is gone, or its process is. `served` names the process of a writer that looks.
 * Within one process LMDB knows one environment by its data, so there a visitor has the writer's own, and a writer would
 * get that of a visitor, which cannot write: `opening` names the process of a writer that waits for them to leave.
 *
 * Invariants: R1 nothing that a visitor does changes what the writer writes. R2 what a visitor sees stays as it is until
 * it leaves. R3 a visitor that was killed is held for two minutes at most.
 *
 * Not promised: R2 for a visitor that may not write into the directory, or whose writer does not answer within
 * `HELD_WITHIN_MS` and then goes on.
 */
import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isProcessAlive, systemClock, type TimerHandle } from '../platform/index.ts';
import { isLeaseHeld } from './lease.ts';
import { visitorsDirectory } from './paths.ts';

const SERVED = 'served';
const OPENING = 'opening';
const HELD = '.held';
const NAME = /^(?<pid>\d+)\.\w{6}(?:\.held)?$/u;
/** How long a visitor waits for a writer to hold its pages. */
const HELD_WITHIN_MS = 2_000;
const LOOK_MS = 2;
/** How long a writer and the visitors of its own process wait for each other. */
const OWN_WITHIN_MS = 10_000;
/** How often the writer looks whether those whom it holds live, while there are any. */
const CHECK_MS = 30_000;
/** A visitor in another container has no process here; it is believed for so long. */
const UNSEEN_MAX_MS = 60_000;
/** The directory may go away between making it and using it, with the last who was in it. */
const TRIES_MAX = 5;

/** A directory for one opening of a data file: a second name for it, and room for a lock file of the visitor's own. */
export interface Place {
  readonly path: string;
  /** As soon as the environment is open: who has the files open keeps them. */
  remove(): void;
}

/** @param file the data file @throws when there is no place for it */
export const makePlace = (file: string): Place => {
  const path = mkdtempSync(join(tmpdir(), 'megactor-read-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  try {
    symlinkSync(resolve(file), join(path, 'data.mdb'));
  } catch (error) {
    remove();
    throw error;
  }
  return { path, remove };
};

/** @returns what `make` returns; null when it may not be made */
const makeIn = <Value>(directory: string, make: () => Value): Value | null => {
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    try {
      mkdirSync(directory, { recursive: true });
      return make();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return null;
    }
  }
  return null;
};

/** Neither who reads nor who writes fails of a mark that stays. */
const removeMark = (path: string): void => {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It may not be removed any more: whose it is, is gone, and it is held for a while at most.
  }
};

const removeEmpty = (directory: string): void => {
  try {
    rmdirSync(directory);
  } catch {
    // Others are there, or it is gone.
  }
};

const madeAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** What was made before this process began is of another that had its number. */
const isOfThisProcess = (pid: number, path: string): boolean =>
  pid === process.pid && madeAt(path) > systemClock.now() - process.uptime() * 1_000 - 1_000;

const pidIn = (path: string): number => {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
};

const pidOf = (file: string): number => Number(NAME.exec(file)?.groups?.['pid'] ?? 0);

const waitWhile = async (condition: () => boolean, limitMs: number): Promise<void> => {
  const giveUpAt = systemClock.monotonic() + limitMs;
  while (condition() && systemClock.monotonic() < giveUpAt) await systemClock.sleep(LOOK_MS);
};

/** Makes the mark of a visitor, not while a writer of this process opens. @returns null when it may not be made */
const arrive = async (directory: string): Promise<string | null> => {
  const opening = join(directory, OPENING);
  const isOpening = (): boolean => isOfThisProcess(pidIn(opening), opening);
  for (let tries = 1; ; tries += 1) {
    const mark = makeIn(directory, () => mkdtempSync(join(directory, `${process.pid}.`)));
    if (mark === null || tries === TRIES_MAX || !isOpening()) return mark;
    removeMark(mark);
    await waitWhile(isOpening, OWN_WITHIN_MS);
  }
};

/**
 * Comes to a journal in order to read it. When this resolves, what is opened from now on is held if anybody writes.
 * @returns how to leave
 */
export const visit = async (runDirectory: string): Promise<() => void> => {
  const directory = visitorsDirectory(runDirectory);
  const asks = await arrive(directory);
  if (asks === null) return () => undefined;
  const held = asks + HELD;
  const served = join(directory, SERVED);
  if (existsSync(served) && (isProcessAlive(pidIn(served)) || isLeaseHeld(runDirectory))) {
    await waitWhile(() => !existsSync(held) && existsSync(served), HELD_WITHIN_MS);
  }
  return () => {
    // The writer may rename it between the two.
    for (const path of [asks, held]) removeMark(path);
    removeEmpty(directory);
  };
};

/** Opens an environment to write while no visitor of this process has it open. */
export const openAlone = async <Value>(runDirectory: string, open: () => Promise<Value>): Promise<Value> => {
  const directory = visitorsDirectory(runDirectory);
  const opening = join(directory, OPENING);
  makeIn(directory, () => writeFileSync(opening, String(process.pid)));
  try {
    const isOwn = (file: string): boolean => isOfThisProcess(pidOf(file), join(directory, file));
    await waitWhile(() => filesIn(directory).some(isOwn), OWN_WITHIN_MS);
    return await open();
  } finally {
    removeMark(opening);
    removeEmpty(directory);
  }
};

const filesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** The writer's side: holds a read transaction for every visitor. */
export class Visitors {
  readonly #directory: string;
  readonly #hold: () => () => void;
  /** How to let go of a visitor, by its name. */
  readonly #held = new Map<string, () => void>();
  #watcher: FSWatcher | null = null;
  #check: TimerHandle | null = null;

  /** Those who are there already are held when this returns. @param hold begins a read transaction; returns its end */
  constructor(runDirectory: string, hold: () => () => void) {
    this.#directory = visitorsDirectory(runDirectory);
    this.#hold = hold;
    makeIn(this.#directory, () => writeFileSync(join(this.#directory, SERVED), String(process.pid)));
    this.#watch();
    this.look();
  }

  /** To be called before each write; does nothing where the system tells of visitors by itself. */
  beforeWrite(): void {
    if (this.#watcher === null) this.look();
  }

  /** Holds who asks, lets go of who has left. */
  look(): void {
    const there = new Set<string>();
    for (const file of filesIn(this.#directory)) {
      if (!this.#isThere(file)) continue;
      const name = file.endsWith(HELD) ? file.slice(0, -HELD.length) : file;
      there.add(name);
      if (this.#holds(name) && name === file) this.#answer(name);
    }
    for (const [name, letGo] of this.#held) {
      if (there.has(name)) continue;
      this.#held.delete(name);
      letGo();
    }
    this.#check?.cancel();
    this.#check = this.#held.size === 0 ? null : systemClock.after(CHECK_MS, () => this.look());
  }

  /** Before the environment is closed. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#check?.cancel();
    removeMark(join(this.#directory, SERVED));
    removeEmpty(this.#directory);
    for (const letGo of this.#held.values()) letGo();
    this.#held.clear();
  }

  #holds(name: string): boolean {
    try {
      if (!this.#held.has(name)) this.#held.set(name, this.#hold());
      return true;
    } catch {
      // There are more than LMDB can hold: it waits, and then reads all the same.
      return false;
    }
  }

  #isThere(file: string): boolean {
    const pid = pidOf(file);
    const path = join(this.#directory, file);
    if (pid === 0) return false;
    if (pid === process.pid ? isOfThisProcess(pid, path) : isProcessAlive(pid)) return true;
    if (systemClock.now() - madeAt(path) < UNSEEN_MAX_MS) return true;
    removeMark(path);
    return false;
  }

  #answer(name: string): void {
    try {
      renameSync(join(this.#directory, name), join(this.#directory, name + HELD));
    } catch {
      // It has left, which the next look finds.
    }
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, () => this.look());
      this.#watcher.on('error', () => {
        this.#watcher?.close();
        this.#watcher = null;
      });
    } catch {
      // No more of them to be had: then it looks before each write.
    }
  }
}
