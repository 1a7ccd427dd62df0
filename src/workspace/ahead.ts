/**
 * Brings files to the work tree while nobody writes, so that they can be looked at during a run and the end has less to
 * do. Only in a repository that the workspace made: in somebody else's the work tree stays as it was until the end. What
 * it does not do: move what others put there, write git's index, or bring what it could not bring: `checkout.ts` does
 * that at the end.
 *
 * `.git/megactor/ahead` lists, each with a NUL behind it, the paths that it, or an end, may have brought since the index
 * was last written. Without it nobody could tell after a crash whose an old version of a file is, or one that is gone from
 * the commits. The index itself stays behind: after a power failure it would call files changed that were never on disk.
 *
 * Invariants: X4 a path is on the list, and the list on disk, before the file is in the work tree. X5 nothing that somebody
 * else put into the work tree is changed or moved, unless git has just that content, of which nothing is lost; what is only
 * staged is not such (`staged.ts`). X6 it gives
 * way to whoever writes, and a failure here is nobody's: the end tries again and reports.
 */
import { constants, readFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, TimerHandle } from '../platform/index.ts';
import { checkOut, type CheckoutResult, isOfOnePlace, Placer, type PlacerParts } from './checkout.ts';
import { errorCode, removeIfThere, syncDirectory } from './durable-files.ts';
import { gitObject } from './git-objects.ts';
import type { IndexEntry } from './index-file.ts';
import type { Repository } from './repository.ts';
import { withoutStaged } from './staged.ts';
import type { TreeFile } from './tree.ts';
import { type IsOwn, Pacer, readIndex } from './work-tree.ts';

/** How long nobody must have written. */
const QUIET_MS = 100;
/** Files in a row; whoever shares the thread waits for so many. */
const FILES_PER_PAUSE = 4;
/** More paths than this are left to the end, so that the list is bounded. */
const PATHS_MAX = 100_000;

export interface AheadParts {
  readonly repository: Repository;
  readonly branch: string;
  /** Commits that git's index may have been made from beside the run's own. */
  readonly bases: readonly (string | null)[];
  readonly clock: Clock;
  /** False: the list survives a killed process but not a power failure. */
  readonly sync: boolean;
  /** False: files come to the work tree at the end and not before. */
  readonly early: boolean;
  readonly read: (oid: string, path: string) => Promise<Buffer | undefined>;
  /** The file of the last commit at a path. */
  readonly fileAt: (path: string) => TreeFile | undefined;
  /** Whether versions wait for a commit. */
  readonly isBusy: () => boolean;
}

const EMPTY = gitObject('blob', Buffer.alloc(0)).oid;

/** A path of which nothing is known but that the run may have brought it. */
const listed = (path: string): IndexEntry => ({ path, oid: '', mode: 0, stat: Array<number>(10).fill(0) });

/** Up to the last NUL: what stands behind it was torn. */
const readList = (file: string): Buffer => {
  try {
    const bytes = readFileSync(file);
    return bytes.subarray(0, bytes.lastIndexOf(0) + 1);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
};

const listFileOf = (gitDirectory: string): string => join(gitDirectory, 'megactor', 'ahead');

const pathsOf = (list: Buffer): string[] => list.toString('utf8').split('\0').slice(0, -1);

/** Whether git has a content, and not only because somebody has staged it. */
const hasOwn = async (repository: Repository, oid: string): Promise<boolean> =>
  !repository.hasLoose(oid) && (await repository.readBlob(oid)) !== undefined;

/**
 * Tells of what lies at a path whether an earlier session brought it, for an opening: git has it, or a power failure left
 * nothing of it, and its path is on the list. A path where nothing lies (null) may be one that it took away.
 */
export const broughtEarlier = (repository: Repository): IsOwn => {
  const paths = new Set(pathsOf(readList(listFileOf(repository.gitDirectory))));
  return async (path, oid) => paths.has(path) && (oid === null || oid === EMPTY || (await hasOwn(repository, oid)));
};

/** For a run that begins, in a work tree that is clean: another one that was killed here may have left a list. */
export const forgetBrought = (repository: Repository): Promise<void> =>
  removeIfThere(listFileOf(repository.gitDirectory));

export class CheckoutAhead {
  readonly #parts: AheadParts;
  readonly #listFile: string;
  /** Git's index as it was when it was first asked for after it was written. */
  #index: ReadonlyMap<string, IndexEntry> | null = null;
  /** How much of the list is whole. */
  #listBytes: number;
  /** On the list, with what is known of each. */
  readonly #brought = new Map<string, IndexEntry>();
  /** Changed by a commit since they were last brought. */
  readonly #changed = new Set<string>();
  #timer: TimerHandle | null = null;
  #pass: Promise<void> | null = null;
  #finishing: Promise<void> = Promise.resolve();
  #isFinishing = false;
  #isClosed = false;

  private constructor(parts: AheadParts, listBytes: number) {
    this.#parts = parts;
    this.#listFile = listFileOf(parts.repository.gitDirectory);
    this.#listBytes = listBytes;
  }

  static async open(parts: AheadParts): Promise<CheckoutAhead> {
    const list = readList(listFileOf(parts.repository.gitDirectory));
    const ahead = new CheckoutAhead(parts, list.length);
    if (list.length > 0) ahead.#note(pathsOf(list), await ahead.#lookUp());
    return ahead;
  }

  /** A commit has changed these paths. */
  changed(paths: Iterable<string>): void {
    if (!this.#parts.early) return;
    for (const path of paths) this.#changed.add(path);
    this.#wait();
  }

  /** Ends what is under way; nothing begins any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#rest();
    await this.#finishing;
  }

  /**
   * Brings all of the work tree, and git's index, to the commit that has `files`.
   * @param theirs the commit that somebody had checked out
   */
  finish(files: readonly TreeFile[], theirs: string | null): Promise<CheckoutResult> {
    const result = this.#finishing.then(() => this.#finish(files, theirs));
    this.#finishing = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  async #finish(files: readonly TreeFile[], theirs: string | null): Promise<CheckoutResult> {
    this.#isFinishing = true;
    try {
      await this.#rest();
      this.#index = null;
      const index = await this.#lookUp([theirs]);
      // It may be killed as well before it has written the index.
      const isNew = ({ path, oid }: TreeFile): boolean => !this.#brought.has(path) && index.get(path)?.oid !== oid;
      await this.#list(files.filter(isNew).map(({ path }) => path));
      const known = new Map([...index, ...this.#brought]);
      const result = await checkOut({ ...this.#placing(known), files });
      // The index has caught up.
      await removeIfThere(this.#listFile);
      this.#listBytes = 0;
      this.#brought.clear();
      // Commits may have been made meanwhile.
      const done = new Map(files.map((file) => [file.path, file.oid]));
      for (const path of this.#changed) {
        if (this.#parts.fileAt(path)?.oid === done.get(path)) this.#changed.delete(path);
      }
      return result;
    } finally {
      this.#isFinishing = false;
      this.#index = null;
      if (this.#changed.size > 0) this.#wait();
    }
  }

  /** Ends what is under way. */
  async #rest(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#pass;
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#timer = this.#isHeld ? null : this.#parts.clock.after(QUIET_MS, () => this.#start());
  }

  get #isHeld(): boolean {
    return this.#isClosed || this.#isFinishing;
  }

  #start(): void {
    this.#timer = null;
    // What was committed during a pass is not for that one.
    if (this.#pass !== null) this.#wait();
    if (this.#pass !== null || this.#parts.isBusy()) return;
    this.#pass = this.#bringAll()
      // Of a full disk, say, the end tells.
      .catch(() => {})
      .finally(() => {
        this.#pass = null;
      });
  }

  async #bringAll(): Promise<void> {
    const { repository, branch, clock } = this.#parts;
    // Somebody looks at another branch there.
    if ((await repository.headBranch()) !== branch) return;
    const paths = [...this.#changed].sort();
    const fresh = paths.filter((path) => !this.#brought.has(path));
    if (this.#brought.size + fresh.length > PATHS_MAX) return;
    await this.#list(fresh);
    const placer = new Placer({ ...this.#placing(this.#brought), moveAside: false });
    const pacer = new Pacer(clock, FILES_PER_PAUSE);
    try {
      // What is gone first: a file may have become a directory, or the other way round.
      for (const isGone of [true, false]) {
        for (const path of paths) {
          if (this.#isHeld || this.#parts.isBusy()) return;
          const file = this.#parts.fileAt(path);
          if ((file === undefined) !== isGone) continue;
          this.#changed.delete(path);
          await this.#place(placer, file ?? this.#brought.get(path) ?? listed(path), isGone);
          const pause = pacer.step();
          if (pause === undefined) continue;
          await pause;
          placer.renew();
        }
      }
    } finally {
      placer.close();
    }
  }

  #placing(known: ReadonlyMap<string, IndexEntry>): PlacerParts {
    const { repository, clock, read } = this.#parts;
    const { directory, gitDirectory } = repository;
    return {
      directory,
      gitDirectory,
      clock,
      read,
      known,
      // What git has is not lost when it is replaced.
      isOwn: async (path, oid) => this.#brought.has(path) && (await hasOwn(repository, oid)),
    };
  }

  async #place(placer: Placer, file: TreeFile | IndexEntry, isGone: boolean): Promise<void> {
    try {
      if (isGone) await placer.remove(file as IndexEntry);
      else this.#brought.set(file.path, await placer.bring(file as TreeFile));
    } catch (error) {
      if (!isOfOnePlace(error)) throw error;
      placer.renew();
    }
  }

  /** Puts paths on the list. */
  async #list(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    const { sync } = this.#parts;
    const index = await this.#lookUp();
    const directory = dirname(this.#listFile);
    await mkdir(directory, { recursive: true });
    const bytes = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'utf8');
    const handle = await open(this.#listFile, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o644);
    try {
      await handle.truncate(this.#listBytes);
      await handle.appendFile(bytes);
      if (sync) await handle.sync();
    } finally {
      await handle.close();
    }
    if (sync && this.#listBytes === 0) {
      await syncDirectory(directory);
      await syncDirectory(dirname(directory));
    }
    this.#listBytes += bytes.length;
    this.#note(paths, index);
  }

  async #lookUp(more: readonly (string | null)[] = []): Promise<ReadonlyMap<string, IndexEntry>> {
    const { repository, bases, fileAt } = this.#parts;
    this.#index ??= await withoutStaged(readIndex(repository.gitDirectory), {
      repository,
      oidAt: (path) => fileAt(path)?.oid,
      bases: [...more, ...bases],
    });
    return this.#index;
  }

  /** These are on the list: what lies there is what git saw last, or anything. */
  #note(paths: readonly string[], index: ReadonlyMap<string, IndexEntry>): void {
    for (const path of paths) this.#brought.set(path, index.get(path) ?? listed(path));
  }
}
