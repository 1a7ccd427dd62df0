/**
 * Brings the work tree and the index to a commit. What somebody changed in the work tree meanwhile is never lost: it is
 * moved to `.git/megactor/displaced/` and named in the result.
 *
 * Invariants: X1 nothing outside the work tree is written or removed: a symlink where a directory should be is moved
 * away, never followed, also when it is put there in this very moment (`inside.ts`; on systems without `/proc` the moment
 * between a look and a rename remains). X2 a file holds its old or its new content, never half of it. X3 afterwards the
 * work tree equals the commit in every tracked path.
 */
import { chmodSync, mkdirSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MegactorError } from '../protocol/errors.ts';
import { errorCode, removeTemporaries, TEMPORARY_PREFIX, writeWhole } from './durable-files.ts';
import { MODE } from './git-objects.ts';
import { formatIndex, looksSame, statNumbers, type IndexEntry } from './index-file.ts';
import { Inside } from './inside.ts';
import { parentsOf } from './path-jail.ts';
import type { TreeFile } from './tree.ts';
import { blobIdOf, Pacer, readIndex, statOf, type WorkTree } from './work-tree.ts';

export interface CheckoutParts extends WorkTree {
  readonly read: (oid: string, path: string) => Promise<Buffer | undefined>;
}

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

class Checkout {
  readonly #parts: CheckoutParts;
  readonly #index: ReadonlyMap<string, IndexEntry>;
  readonly #entries: IndexEntry[] = [];
  readonly #displaced: string[] = [];
  readonly #inside: Inside;
  #written = 0;

  constructor(parts: CheckoutParts) {
    this.#parts = parts;
    this.#index = readIndex(parts.gitDirectory);
    this.#inside = new Inside(parts.directory);
  }

  async run(): Promise<CheckoutResult> {
    try {
      return await this.#run();
    } finally {
      this.#inside.close();
    }
  }

  async #run(): Promise<CheckoutResult> {
    const { gitDirectory, files, clock } = this.#parts;
    const pacer = new Pacer(clock);
    const wanted = new Set(files.map((file) => file.path));
    for (const entry of this.#index.values()) {
      await pacer.step();
      if (!wanted.has(entry.path)) this.#remove(entry);
    }
    // In the order of paths, so that each directory is opened once.
    for (const file of files.toSorted((left, right) => (left.path < right.path ? -1 : 1))) {
      await pacer.step();
      await this.#bring(file);
    }
    const temporary = join(gitDirectory, `${TEMPORARY_PREFIX}index`);
    await writeWhole(join(gitDirectory, 'index'), formatIndex(this.#entries), { sync: false, temporary });
    await removeTemporaries(gitDirectory);
    return { displaced: this.#displaced.sort() };
  }

  /** Removes a file that the commit does not have, and the directories that it leaves empty. */
  #remove(entry: IndexEntry): void {
    const file = this.#inside.reach(entry.path);
    const stat = file === undefined ? undefined : statOf(file);
    if (file === undefined || stat === undefined || stat.isDirectory()) return;
    if (looksSame(entry, stat) || blobIdOf(file, stat) === entry.oid) unlinkSync(file);
    else this.#displace(entry.path);
    for (const parent of parentsOf(entry.path).reverse()) {
      const directory = this.#inside.reach(parent);
      if (directory === undefined) return;
      try {
        rmdirSync(directory);
      } catch (error) {
        if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) return;
        throw error;
      }
    }
  }

  async #bring(target: TreeFile): Promise<void> {
    const file = this.#makeRoom(target.path);
    const known = this.#index.get(target.path);
    const stat = statOf(file);
    if (target.mode === MODE.module) {
      if (stat === undefined) mkdirSync(file);
      const fresh = { path: target.path, oid: target.oid, mode: INDEX_MODE.module, stat: Array<number>(10).fill(0) };
      this.#entries.push(known?.oid === target.oid ? known : fresh);
      return;
    }
    const mode = indexMode(target.mode);
    if (stat !== undefined) {
      const isKnown = known !== undefined && looksSame(known, stat);
      if (isKnown && known.oid === target.oid && known.mode === mode) {
        this.#entries.push(known);
        return;
      }
      const oid = isKnown ? known.oid : blobIdOf(file, stat);
      const isLink = mode === INDEX_MODE.link;
      if (oid === target.oid && stat.isSymbolicLink() === isLink) {
        const isExecutable = (stat.mode & 0o100n) !== 0n;
        if (!isLink && isExecutable !== (mode === INDEX_MODE.executable)) chmodSync(file, mode & 0o777);
        this.#note(target, mode);
        return;
      }
      if (oid === undefined || (!isKnown && oid !== known?.oid)) this.#displace(target.path);
    }
    await this.#write(target, mode);
    this.#note(target, mode);
  }

  async #write(target: TreeFile, mode: number): Promise<void> {
    const bytes = await this.#parts.read(target.oid, target.path);
    // Reading took a while: what stands above the file now may be something else.
    this.#inside.renew();
    if (bytes === undefined) throw new MegactorError('JOURNAL_DAMAGED', `the content of ${target.path} is gone`);
    // Beside the repository's own files, so that a killed process leaves nothing in the work tree.
    const temporary = join(this.#parts.gitDirectory, `${TEMPORARY_PREFIX}${this.#written}`);
    this.#written += 1;
    if (mode === INDEX_MODE.link) symlinkSync(bytes.toString('utf8'), temporary);
    else writeFileSync(temporary, bytes, { mode: mode & 0o777 });
    renameSync(temporary, this.#makeRoom(target.path));
  }

  #note(target: TreeFile, mode: number): void {
    const stat = statOf(this.#reach(target.path));
    if (stat === undefined) throw new MegactorError('DISK', `${target.path} disappeared from the work tree`);
    this.#entries.push({ path: target.path, oid: target.oid, mode, stat: statNumbers(stat) });
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
    if (file === undefined) throw new MegactorError('DISK', `a directory above ${path} disappeared from the work tree`);
    return file;
  }

  #displace(path: string): void {
    const target = join(this.#parts.gitDirectory, 'megactor', 'displaced');
    mkdirSync(target, { recursive: true });
    let number = 1;
    while (statOf(join(target, `${number}-${basename(path)}`)) !== undefined) number += 1;
    this.#displaced.push(path);
    renameSync(this.#reach(path), join(target, `${number}-${basename(path)}`));
    this.#inside.forget(path);
  }
}

export const checkOut = async (parts: CheckoutParts): Promise<CheckoutResult> => await new Checkout(parts).run();
