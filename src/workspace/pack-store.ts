/**
 * Puts the objects of one batch into the repository: one pack a batch, so that a batch costs the same few syncs however
 * many objects it has. Small packs are joined into larger ones, eight at a time, so that readers meet few packs.
 * It does not read objects for others (`repository.ts` does, through isomorphic-git) and moves no ref.
 *
 * Invariants: O1 when `write` resolves, all its objects are readable by any git and, with `sync`, on disk. O2 at every
 * moment each pack that has an index is whole. O3 joining packs never makes an object unreadable: the joined pack is
 * there before the parts go.
 */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { removeIfThere, removeTemporaries, syncDirectory, TEMPORARY_PREFIX, writeWhole } from './durable-files.ts';
import type { GitObject } from './git-objects.ts';
import { buildPack, packEntry, splitPack, type PackEntry } from './pack.ts';

/** Packs of one level that are joined into one of the next. */
const JOIN_COUNT = 8;
/** Larger packs stay as they are, so that a joined one has at most eight times this. */
const JOINABLE_BYTES_MAX = 4 * 1024 * 1024;

interface OwnPack {
  readonly name: string;
  readonly level: number;
}

/** Where a batch's objects go: the seam for other ways to keep them. */
export interface ObjectSink {
  write(objects: readonly GitObject[]): Promise<void>;
}

export class PackStore implements ObjectSink {
  readonly #directory: string;
  readonly #sync: boolean;
  /** Packs that this object wrote and may still join. */
  #packs: OwnPack[] = [];

  constructor(gitDirectory: string, options: { readonly sync: boolean }) {
    this.#directory = join(gitDirectory, 'objects', 'pack');
    this.#sync = options.sync;
  }

  /** Removes what a killed process left half-written. */
  async clean(): Promise<void> {
    await removeTemporaries(this.#directory);
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
      if (own.name === joined) continue;
      await removeIfThere(join(this.#directory, `${own.name}.idx`));
      await removeIfThere(join(this.#directory, `${own.name}.pack`));
    }
  }
}
