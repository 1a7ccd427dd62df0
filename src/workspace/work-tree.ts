/**
 * Looking at the work tree: what git last saw of it (the index), what is there, what somebody changed. Looks are
 * synchronous, which is many times faster than asking another thread per file; `Pacer` gives way in between.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../platform/index.ts';
import { errorCode } from './durable-files.ts';
import { gitObject, MODE } from './git-objects.ts';
import { looksSame, parseIndex, type IndexEntry } from './index-file.ts';
import { parentsOf } from './path-jail.ts';
import type { TreeFile } from './tree.ts';

const FILES_PER_PAUSE = 100;
const UNTRACKED_DEPTH_MAX = 64;

/** Lets others run after every so many files. */
export class Pacer {
  readonly #clock: Clock;
  readonly #filesPerPause: number;
  #count = 0;

  constructor(clock: Clock, filesPerPause = FILES_PER_PAUSE) {
    this.#clock = clock;
    this.#filesPerPause = filesPerPause;
  }

  /** A promise when it is time to give way, else undefined. */
  step(): Promise<void> | undefined {
    this.#count += 1;
    if (this.#count % this.#filesPerPause !== 0) return undefined;
    return new Promise((resolve) => {
      this.#clock.soon(resolve);
    });
  }
}

/** What opening and reading say of what this process may not read, or what is something else by now. */
const UNREADABLE = new Set(['EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'ENOENT', 'EINVAL']);

/** What stands at a path, links not followed; undefined for nothing. */
export const statOf = (file: string): BigIntStats | undefined => {
  try {
    return lstatSync(file, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

/**
 * A file's bytes; undefined when something else stands there by now. A pipe does not hold up who opens it, and a link is
 * not followed.
 */
const readPlainFile = (file: string): Buffer | undefined => {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return fstatSync(descriptor).isFile() ? readFileSync(descriptor) : undefined;
  } finally {
    closeSync(descriptor);
  }
};

/** The blob id of what lies there, or undefined when it is neither a file nor a link, or cannot be read. */
export const blobIdOf = (file: string, stat: BigIntStats): string | undefined => {
  try {
    if (stat.isFile()) {
      const bytes = readPlainFile(file);
      return bytes === undefined ? undefined : gitObject('blob', bytes).oid;
    }
    if (stat.isSymbolicLink()) return gitObject('blob', readlinkSync(file, { encoding: 'buffer' })).oid;
    return undefined;
  } catch (error) {
    if (UNREADABLE.has(errorCode(error) ?? '')) return undefined;
    throw error;
  }
};

export const readIndex = (gitDirectory: string): Map<string, IndexEntry> => {
  try {
    const bytes = readFileSync(join(gitDirectory, 'index'));
    // What a power failure may make of one that had just been written.
    if (bytes.length === 0) return new Map();
    const entries = parseIndex(bytes);
    return new Map(entries.map((entry) => [entry.path, entry]));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return new Map();
    throw error;
  }
};

/** Answers whether the directories above a path are real ones, looking at each directory once. */
export class ParentLook {
  readonly #directory: string;
  readonly #seen = new Map<string, boolean>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** False when a part above `path` is a symlink, a file or missing: then the path is not in the work tree. */
  reaches(path: string): boolean {
    return parentsOf(path).every((parent) => {
      let isReal = this.#seen.get(parent);
      if (isReal === undefined) {
        isReal = statOf(join(this.#directory, parent))?.isDirectory() === true;
        this.#seen.set(parent, isReal);
      }
      return isReal;
    });
  }
}

export interface WorkTree {
  readonly directory: string;
  readonly gitDirectory: string;
  /** The files of the commit to compare with. */
  readonly files: readonly TreeFile[];
  readonly clock: Clock;
}

/** Whether the run itself has brought the content that lies at a path, or taken away what lay there (null). */
export type IsOwn = (path: string, oid: string | null) => Promise<boolean>;

/** Tracked paths whose content is neither what git last saw, nor what the commit holds, nor what the run brought. */
export const changedByOthers = async (tree: WorkTree, isOwn: IsOwn): Promise<string[]> => {
  const target = new Map(tree.files.map((file) => [file.path, file.oid]));
  const look = new ParentLook(tree.directory);
  const pacer = new Pacer(tree.clock);
  const changed: string[] = [];
  for (const entry of readIndex(tree.gitDirectory).values()) {
    await pacer.step();
    const file = join(tree.directory, entry.path);
    const stat = look.reaches(entry.path) ? statOf(file) : undefined;
    if (stat === undefined || stat.isDirectory() || looksSame(entry, stat)) continue;
    const oid = blobIdOf(file, stat);
    if (oid === entry.oid || oid === target.get(entry.path)) continue;
    if (oid === undefined || !(await isOwn(entry.path, oid))) changed.push(entry.path);
  }
  return changed.sort();
};

/** Tracked paths that differ between commit and index, or between index and work tree. */
const changedTracked = async (tree: WorkTree, index: ReadonlyMap<string, IndexEntry>): Promise<string[]> => {
  const changed = new Set<string>();
  const committed = new Map(tree.files.map((file) => [file.path, file]));
  for (const { path, oid } of tree.files) {
    if (index.get(path)?.oid !== oid) changed.add(path);
  }
  const look = new ParentLook(tree.directory);
  const pacer = new Pacer(tree.clock);
  for (const entry of index.values()) {
    await pacer.step();
    const file = join(tree.directory, entry.path);
    const stat = look.reaches(entry.path) ? statOf(file) : undefined;
    const isModule = committed.get(entry.path)?.mode === MODE.module;
    const isSame = isModule || (stat !== undefined && (looksSame(entry, stat) || blobIdOf(file, stat) === entry.oid));
    if (!isSame || !committed.has(entry.path)) changed.add(entry.path);
  }
  return [...changed];
};

/** Files that git does not know and does not ignore; ignored directories are not entered. */
const untracked = async (
  tree: WorkTree,
  index: ReadonlyMap<string, IndexEntry>,
  isIgnored: (path: string) => Promise<boolean>,
): Promise<string[]> => {
  const known = new Set<string>();
  for (const path of index.keys()) {
    for (const parent of parentsOf(path)) known.add(parent);
  }
  const pacer = new Pacer(tree.clock);
  const found: string[] = [];
  const walk = async (prefix: string, depth: number): Promise<void> => {
    if (depth > UNTRACKED_DEPTH_MAX) return;
    for (const item of readdirSync(join(tree.directory, prefix), { withFileTypes: true })) {
      await pacer.step();
      const path = `${prefix}${item.name}`;
      if (item.name === '.git' || index.has(path)) continue;
      if (!item.isDirectory()) {
        if (!(await isIgnored(path))) found.push(path);
      } else if (known.has(path) || !(await isIgnored(`${path}/`))) {
        await walk(`${path}/`, depth + 1);
      }
    }
  };
  await walk('', 0);
  return found;
};

/** Paths that `git status` would name, in order, but for those that are the run's own and have nothing staged. */
export const dirtyPaths = async (
  tree: WorkTree,
  isIgnored: (path: string) => Promise<boolean>,
  isOwn: IsOwn,
): Promise<string[]> => {
  const index = readIndex(tree.gitDirectory);
  const dirty = new Set([...(await changedTracked(tree, index)), ...(await untracked(tree, index, isIgnored))]);
  const committed = new Map(tree.files.map((file) => [file.path, file.oid]));
  const look = new ParentLook(tree.directory);
  for (const path of dirty) {
    const staged = index.get(path)?.oid;
    if (staged !== undefined && staged !== committed.get(path)) continue;
    const file = join(tree.directory, path);
    const stat = look.reaches(path) ? statOf(file) : undefined;
    const oid = stat === undefined ? null : blobIdOf(file, stat);
    if (oid !== undefined && (await isOwn(path, oid))) dirty.delete(path);
  }
  return [...dirty].sort();
};
