/**
 * Puts the objects of one batch into the repository: one pack a batch, so that a batch costs the same few syncs however
 * many objects it has. Small packs are joined into larger ones, eight at a time, so that readers meet few packs.
 * It does not read objects for others (`repository.ts` does, through isomorphic-git) and moves no ref.
 *
 * Invariants: O1 when `write` resolves, all its objects are readable by any git and, with `sync`, on disk. O2 at every
 * moment each pack that has an index is whole. O3 joining packs never makes an object unreadable: the joined pack is
 * there before the parts go.
 */
import { existsSync, statSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { removeIfThere, removeTemporaries, syncDirectory, TEMPORARY_PREFIX, writeWhole } from './durable-files.ts';
import type { Clock } from '../platform/index.ts';
import { foldPacks, removeFolding } from './fold.ts';
import type { GitObject } from './git-objects.ts';
import { buildPack, packEntry, splitPack, type PackEntry } from './pack.ts';

/** Packs of one level that are joined into one of the next. */
const JOIN_COUNT = 8;
/** Larger packs stay as they are, so that a joined one has at most eight times this. */
const JOINABLE_BYTES_MAX = 4 * 1024 * 1024;

/** From so many packs, or bytes in them, on, stock git folds them. */
const FOLD_COUNT_MIN = 8;
const FOLD_BYTES_MIN = 8 * 1024 * 1024;
const FOLD_DEADLINE_MS = 45_000;

/** What became of a session's packs: few and small as they are, folded, or left as they are. */
export type PackState = 'few' | 'folded' | 'no-git' | 'failed';

interface OwnPack {
  readonly name: string;
  readonly level: number;
}

/** Where a batch's objects go: the seam for other ways to keep them. */
export interface ObjectSink {
  write(objects: readonly GitObject[]): Promise<void>;
}

export class PackStore implements ObjectSink {
  readonly #gitDirectory: string;
  readonly #directory: string;
  readonly #sync: boolean;
  /** Packs that this object wrote and may still join. */
  #packs: OwnPack[] = [];
  /** Names of those that it wrote and that are too large for that. */
  #large: string[] = [];

  constructor(gitDirectory: string, options: { readonly sync: boolean }) {
    this.#gitDirectory = gitDirectory;
    this.#directory = join(gitDirectory, 'objects', 'pack');
    this.#sync = options.sync;
  }

  /** Removes what a killed process left half-written. */
  async clean(): Promise<void> {
    await removeTemporaries(this.#directory);
    await removeFolding(this.#gitDirectory);
  }

  async write(objects: readonly GitObject[]): Promise<void> {
    const entries = new Map<string, PackEntry>();
    for (const object of objects) {
      if (!entries.has(object.oid)) entries.set(object.oid, await packEntry(object));
    }
    if (entries.size === 0) return;
    await this.#put([...entries.values()], 0);
    await this.#joinLevels();
  }

  /** Joins what is left of this session's packs. */
  async joinAll(): Promise<void> {
    for (let packs = this.#packs; packs.length > 1; packs = this.#packs) await this.#join(packs.slice(0, JOIN_COUNT));
  }

  /** Folds the packs of this session into one, by stock git, when they are many. Git or time missing, they stay. */
  async fold(clock: Clock): Promise<PackState> {
    const small = this.#packs;
    const names = [...small.map((own) => own.name), ...this.#large].filter((name) => this.#isThere(name));
    const bytes = names.reduce((sum, name) => sum + statSync(join(this.#directory, `${name}.pack`)).size, 0);
    if (names.length < 2 || (names.length < FOLD_COUNT_MIN && bytes < FOLD_BYTES_MIN)) return 'few';
    const large = this.#large;
    // Nobody joins them meanwhile.
    this.#packs = [];
    this.#large = [];
    const folding = await foldPacks({
      gitDirectory: this.#gitDirectory,
      packs: names,
      deadlineMs: FOLD_DEADLINE_MS,
      clock,
    });
    if (folding.kind !== 'folded') {
      this.#packs.push(...small);
      this.#large.push(...large);
      return folding.kind;
    }
    this.#large.push(folding.name);
    for (const name of names) {
      // Somebody wants to keep it: git's own sign for that.
      if (name !== folding.name && !existsSync(join(this.#directory, `${name}.keep`))) await this.#remove(name);
    }
    return 'folded';
  }

  #isThere(name: string): boolean {
    return existsSync(join(this.#directory, `${name}.idx`)) && existsSync(join(this.#directory, `${name}.pack`));
  }

  async #remove(name: string): Promise<void> {
    await removeIfThere(join(this.#directory, `${name}.idx`));
    await removeIfThere(join(this.#directory, `${name}.pack`));
  }

  async #put(entries: readonly PackEntry[], level: number): Promise<string> {
    const { name, pack, index } = buildPack(entries);
    const packFile = join(this.#directory, `${name}.pack`);
    const temporaryIndex = join(this.#directory, `${TEMPORARY_PREFIX}${name}.idx`);
    await writeWhole(packFile, pack, { sync: this.#sync });
    await writeWhole(temporaryIndex, index, { sync: this.#sync, temporary: `${temporaryIndex}.part` });
    // The index comes last: git looks at packs that have one.
    await rename(temporaryIndex, join(this.#directory, `${name}.idx`));
    if (this.#sync) await syncDirectory(this.#directory);
    this.#packs = this.#packs.filter((own) => own.name !== name);
    if (pack.length <= JOINABLE_BYTES_MAX) this.#packs.push({ name, level });
    else this.#large.push(name);
    return name;
  }

  async #joinLevels(): Promise<void> {
    const levelMax = Math.max(0, ...this.#packs.map((pack) => pack.level));
    for (let level = 0; level <= levelMax; level += 1) {
      const peers = this.#packs.filter((pack) => pack.level === level);
      if (peers.length >= JOIN_COUNT) await this.#join(peers);
    }
  }

  async #join(packs: readonly OwnPack[]): Promise<void> {
    const entries = new Map<string, PackEntry>();
    const read: OwnPack[] = [];
    for (const own of packs) {
      const file = join(this.#directory, own.name);
      // Somebody's `git gc` may have taken a pack over; its objects are in another pack then.
      const parts = await Promise.all([readFile(`${file}.pack`), readFile(`${file}.idx`)]).catch(() => undefined);
      if (parts === undefined) continue;
      for (const entry of splitPack(...parts)) entries.set(entry.oid, entry);
      read.push(own);
    }
    const gone = new Set(packs.map((own) => own.name));
    this.#packs = this.#packs.filter((own) => !gone.has(own.name));
    if (entries.size === 0) return;
    const joined = await this.#put([...entries.values()], Math.max(...packs.map((own) => own.level)) + 1);
    for (const own of read) {
      if (own.name !== joined) await this.#remove(own.name);
    }
  }
}
