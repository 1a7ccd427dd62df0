/**
 * Brings the work tree and the index to a commit. What somebody changed in the work tree meanwhile is never lost: it is
 * moved to `.git/megactor/displaced/` and named in the result.
 *
 * Invariants: X1 nothing outside the work tree is written or removed: a symlink where a directory should be is moved
 * away, never followed, also when it is put there in this very moment (`inside.ts`; on systems without `/proc` the moment
 * between a look and a rename remains). X2 a file holds its old or its new content, never half of it. X3 afterwards the
 * work tree equals the commit in every tracked path; where this cannot be, in every other path, and the failure names those
 * in which it does not. X7 what changed while the new content was read is looked at again, so
 * that only the moment between a look and a rename remains.
 */
import type { BigIntStats } from 'node:fs';
import { chmodSync, mkdirSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MegactorError } from '../protocol/errors.ts';
import { nameSome } from '../protocol/name-some.ts';
import { errorCode, removeTemporaries, TEMPORARY_PREFIX, writeWhole } from './durable-files.ts';
import { MODE } from './git-objects.ts';
import { formatIndex, looksSame, statNumbers, type IndexEntry } from './index-file.ts';
import { Inside } from './inside.ts';
import { parentsOf } from './path-jail.ts';
import type { TreeFile } from './tree.ts';
import { blobIdOf, Pacer, statOf, type WorkTree } from './work-tree.ts';

export interface PlacerParts extends Omit<WorkTree, 'files'> {
  readonly read: (oid: string, path: string) => Promise<Buffer | undefined>;
  /** What is known to lie in the work tree, by path. */
  readonly known: ReadonlyMap<string, IndexEntry>;
  /** Whether `oid`, which lies at `path` and is not what is known of it, is the run's own and kept elsewhere. */
  readonly isOwn?: ((path: string, oid: string) => Promise<boolean>) | undefined;
  /** False: what somebody else put into the way stays there, and `InTheWay` is thrown. Default true: it is moved away. */
  readonly moveAside?: boolean;
}

export type CheckoutParts = PlacerParts & WorkTree;

export interface CheckoutResult {
  /** Paths whose content was not the run's and was moved away. */
  readonly displaced: readonly string[];
}

const INDEX_MODE = { file: 0o100644, executable: 0o100755, link: 0o120000, module: 0o160000 } as const;

/** Modes as the index has them; trees of old may have others for plain files. */
const indexMode = (mode: string): number => {
  if (mode === MODE.link) return INDEX_MODE.link;
  return mode === MODE.executable ? INDEX_MODE.executable : INDEX_MODE.file;
};

/** Somebody else's file is where one is to be put or removed, or somebody works there all the time. */
export class InTheWay extends Error {}

/** What the system says when a place cannot be written, moved or looked at, and others can all the same. */
const OF_ONE_PLACE = new Set(
  'EACCES EPERM EBUSY EXDEV EEXIST ENOENT ENOTDIR EISDIR ENOTEMPTY ELOOP ENAMETOOLONG ETXTBSY'.split(' '),
);

/** Whether the next path may still be brought. */
export const isOfOnePlace = (error: unknown): boolean =>
  error instanceof InTheWay || OF_ONE_PLACE.has(errorCode(error) ?? '');

/** A file that changes with every look is moved away, or left, after so many. */
const LOOKS_MAX = 5;

const isUnchanged = (before: BigIntStats | undefined, now: BigIntStats | undefined): boolean => {
  if (before === undefined || now === undefined) return before === now;
  const numbers = statNumbers(now);
  return statNumbers(before).every((value, field) => value === numbers[field]);
};

/** Puts files into a work tree, and takes them away. Ask in the order of paths, so that each directory is opened once. */
export class Placer {
  readonly #parts: PlacerParts;
  readonly #displaced: string[] = [];
  readonly #inside: Inside;
  #written = 0;

  constructor(parts: PlacerParts) {
    this.#parts = parts;
    this.#inside = new Inside(parts.directory);
  }

  /** What was moved away, in no particular order. */
  get displaced(): readonly string[] {
    return this.#displaced;
  }

  close(): void {
    this.#inside.close();
  }

  /** For after a pause: the directories may be others by now. */
  renew(): void {
    this.#inside.renew();
  }

  /** Removes a file that the commit does not have, and the directories that it leaves empty. @throws InTheWay, DISK */
  async remove(entry: IndexEntry): Promise<void> {
    const file = this.#inside.reach(entry.path);
    const stat = file === undefined ? undefined : statOf(file);
    if (file === undefined || stat === undefined || stat.isDirectory()) return;
    const oid = looksSame(entry, stat) ? entry.oid : blobIdOf(file, stat);
    const isRuns = oid === entry.oid || (await this.#isOwn(entry.path, oid));
    const found = this.#inside.reach(entry.path);
    const now = found === undefined ? undefined : statOf(found);
    if (found === undefined || now === undefined) return;
    if (isRuns && isUnchanged(stat, now)) unlinkSync(found);
    else this.#displace(entry.path);
    for (const parent of parentsOf(entry.path).reverse()) {
      const directory = this.#inside.reach(parent);
      if (directory === undefined) return;
      try {
        rmdirSync(directory);
      } catch (error) {
        // Empty ones that cannot go stay: git does not see them.
        if (isOfOnePlace(error)) return;
        throw error;
      }
    }
  }

  /** Brings a file to what the commit has. @returns what the index says of it then @throws InTheWay, DISK */
  async bring(target: TreeFile): Promise<IndexEntry> {
    const mode = indexMode(target.mode);
    let bytes: Buffer | undefined;
    for (let looks = 1; ; looks += 1) {
      const file = this.#makeRoom(target.path);
      const stat = statOf(file);
      if (target.mode === MODE.module) return this.#bringModule(target, file, stat);
      const seen = stat === undefined ? 'nothing' : await this.#look(target, mode, file, stat);
      if (typeof seen === 'object') return seen;
      if (looks > 2 * LOOKS_MAX) throw new InTheWay('it changes all the time');
      const isInTheWay = seen === 'others' || looks > LOOKS_MAX;
      if (isInTheWay) this.#clear(target.path);
      bytes ??= await this.#parts.read(target.oid, target.path);
      // Reading took a while: what stands above the file now may be something else.
      this.#inside.renew();
      if (bytes === undefined) throw new MegactorError('JOURNAL_DAMAGED', `the content of ${target.path} is gone`);
      if (this.#write(target, mode, bytes, isInTheWay ? undefined : stat)) return this.#entry(target, mode);
    }
  }

  #bringModule(target: TreeFile, file: string, stat: BigIntStats | undefined): IndexEntry {
    if (stat === undefined) mkdirSync(file);
    const known = this.#parts.known.get(target.path);
    if (known?.oid === target.oid) return known;
    return { path: target.path, oid: target.oid, mode: INDEX_MODE.module, stat: Array<number>(10).fill(0) };
  }

  /** Whose content lies there; when it is what the commit has, what the index says of it. */
  async #look(
    target: TreeFile,
    mode: number,
    file: string,
    stat: BigIntStats,
  ): Promise<IndexEntry | 'runs' | 'others'> {
    const known = this.#parts.known.get(target.path);
    const isKnown = known !== undefined && looksSame(known, stat);
    if (isKnown && known.oid === target.oid && known.mode === mode) return known;
    const oid = isKnown ? known.oid : blobIdOf(file, stat);
    const isLink = mode === INDEX_MODE.link;
    if (oid === target.oid && stat.isSymbolicLink() === isLink) {
      const isExecutable = (stat.mode & 0o100n) !== 0n;
      if (!isLink && isExecutable !== (mode === INDEX_MODE.executable)) chmodSync(file, mode & 0o777);
      return this.#entry(target, mode);
    }
    const isRuns = isKnown || (oid !== undefined && oid === known?.oid) || (await this.#isOwn(target.path, oid));
    return isRuns ? 'runs' : 'others';
  }

  /** False when something else than `before` stands there. */
  #write(target: TreeFile, mode: number, bytes: Buffer, before: BigIntStats | undefined): boolean {
    // Beside the repository's own files, so that a killed process leaves nothing in the work tree.
    const temporary = join(this.#parts.gitDirectory, `${TEMPORARY_PREFIX}${this.#written}`);
    this.#written += 1;
    const make = (): void => {
      if (mode === INDEX_MODE.link) symlinkSync(bytes.toString('utf8'), temporary);
      else writeFileSync(temporary, bytes, { mode: mode & 0o777, flag: 'wx' });
    };
    try {
      make();
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      // A killed process left it: with another mode, or a link that would be followed.
      unlinkSync(temporary);
      make();
    }
    let isPlaced = false;
    try {
      const file = this.#makeRoom(target.path);
      if (isUnchanged(before, statOf(file))) {
        renameSync(temporary, file);
        isPlaced = true;
      }
      return isPlaced;
    } finally {
      if (!isPlaced) unlinkSync(temporary);
    }
  }

  #entry(target: TreeFile, mode: number): IndexEntry {
    const stat = statOf(this.#reach(target.path));
    if (stat === undefined) throw new InTheWay('it has disappeared');
    return { path: target.path, oid: target.oid, mode, stat: statNumbers(stat) };
  }

  /** Makes the directories above a file; what stands in their place is moved away. @returns where the file is */
  #makeRoom(path: string): string {
    for (const parent of this.#inside.reach(path) === undefined ? parentsOf(path) : []) {
      const directory = this.#reach(parent);
      const stat = statOf(directory);
      if (stat?.isDirectory() === true) continue;
      if (stat !== undefined) this.#displace(parent);
      mkdirSync(directory);
    }
    return this.#reach(path);
  }

  #reach(path: string): string {
    const file = this.#inside.reach(path);
    if (file === undefined) throw new InTheWay('a directory above it has disappeared');
    return file;
  }

  async #isOwn(path: string, oid: string | undefined): Promise<boolean> {
    if (oid === undefined || this.#parts.isOwn === undefined) return false;
    const isOwn = await this.#parts.isOwn(path, oid);
    // Asking took a while, as reading does.
    this.#inside.renew();
    return isOwn;
  }

  /** Moves away what stands there by now, if anything does. */
  #clear(path: string): void {
    const file = this.#inside.reach(path);
    if (file !== undefined && statOf(file) !== undefined) this.#displace(path);
  }

  #displace(path: string): void {
    if (this.#parts.moveAside === false) throw new InTheWay('something else is there');
    const target = join(this.#parts.gitDirectory, 'megactor', 'displaced');
    mkdirSync(target, { recursive: true });
    let number = 1;
    while (statOf(join(target, `${number}-${basename(path)}`)) !== undefined) number += 1;
    renameSync(this.#reach(path), join(target, `${number}-${basename(path)}`));
    this.#displaced.push(path);
    this.#inside.forget(path);
  }
}

/** What the system said, without the path, which goes through a descriptor. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message.split(',', 1)[0] : null) ?? '';

const notAll = (left: ReadonlyMap<string, unknown>, displaced: readonly string[]): MegactorError => {
  const said = nameSome([...left].map(([path, error]) => `${path} (${reasonOf(error)})`));
  return new MegactorError('DISK', `not brought to the work tree, as all else was: ${said}`, {
    hint: 'Move away what is there, or make it writable for the run, then resume the run.',
    details: { paths: [...left.keys()].slice(0, 100), displaced: displaced.slice(0, 100) },
  });
};

/** What the index goes on saying of paths that were left; not of one above which a file was put. */
const asBefore = (
  left: Iterable<string>,
  known: PlacerParts['known'],
  brought: readonly IndexEntry[],
): IndexEntry[] => {
  const files = new Set(brought.map(({ path }) => path));
  return [...left].flatMap((path) => {
    const before = known.get(path);
    if (before === undefined || before.oid === '' || parentsOf(path).some((above) => files.has(above))) return [];
    return [before];
  });
};

/** Brings the work tree and the index to the commit that has `files`. @throws DISK, which names what could not be brought */
export const checkOut = async (parts: CheckoutParts): Promise<CheckoutResult> => {
  const { gitDirectory, files, clock, known } = parts;
  const placer = new Placer(parts);
  try {
    const pacer = new Pacer(clock);
    const pause = async (): Promise<void> => {
      const step = pacer.step();
      if (step === undefined) return;
      await step;
      placer.renew();
    };
    const wanted = new Set(files.map((file) => file.path));
    const entries: IndexEntry[] = [];
    const left = new Map<string, unknown>();
    const leave = (path: string, error: unknown): void => {
      if (!isOfOnePlace(error)) throw error;
      left.set(path, error);
      placer.renew();
    };
    for (const entry of known.values()) {
      await pause();
      if (wanted.has(entry.path)) continue;
      await placer.remove(entry).catch((error: unknown) => leave(entry.path, error));
    }
    for (const file of files.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
      await pause();
      try {
        entries.push(await placer.bring(file));
      } catch (error) {
        leave(file.path, error);
      }
    }
    const listed = left.size === 0 ? entries : [...entries, ...asBefore(left.keys(), known, entries)];
    const temporary = join(gitDirectory, `${TEMPORARY_PREFIX}index`);
    await writeWhole(join(gitDirectory, 'index'), formatIndex(listed), { sync: false, temporary });
    await removeTemporaries(gitDirectory);
    const displaced = placer.displaced.toSorted();
    if (left.size > 0) throw notAll(left, displaced);
    return { displaced };
  } finally {
    placer.close();
  }
};
