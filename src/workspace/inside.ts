/**
 * The directories of a work tree, opened one below the other and none of them through a symbolic link. A path that `reach`
 * gives goes through the opened directory (`/proc/self/fd`), not through names: whatever somebody puts in the place of a
 * directory above it meanwhile, it leads to where the directory was when it was looked at. On systems without `/proc` it
 * is the plain path, every part of which was a real directory a moment ago.
 *
 * It opens the last directory that was asked for and those above it, and no more: ask in the order of paths.
 */
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from './durable-files.ts';

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const BY_DESCRIPTOR = '/proc/self/fd';
/** What opening says of a name that is no real directory. */
const NO_DIRECTORY = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK']);

interface Opened {
  readonly name: string;
  readonly descriptor: number;
  /** How it is reached. */
  readonly path: string;
}

export class Inside {
  readonly #hasProc = existsSync(BY_DESCRIPTOR);
  /** The root and what lies below it, each in the one before. */
  #opened: Opened[];

  /** @param root is followed where it is a link itself */
  constructor(root: string) {
    const descriptor = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#opened = [{ name: '', descriptor, path: this.#pathOf(descriptor, root) }];
  }

  /** Where the file `path` is; undefined when something above it is missing or no real directory. */
  reach(path: string): string | undefined {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let depth = 1;
    while (depth <= names.length && this.#opened[depth]?.name === names[depth - 1]) depth += 1;
    this.#closeFrom(depth);
    for (const name of names.slice(depth - 1)) {
      const opened = this.#open(name);
      if (opened === undefined) return undefined;
      this.#opened.push(opened);
    }
    return join(this.#opened.at(-1)?.path ?? '', last);
  }

  /** Looks at everything below the root anew. */
  renew(): void {
    this.#closeFrom(1);
  }

  /** Forgets a directory that was removed or moved. */
  forget(path: string): void {
    const names = path.split('/');
    if (names.every((name, index) => this.#opened[index + 1]?.name === name)) this.#closeFrom(names.length);
  }

  close(): void {
    this.#closeFrom(0);
  }

  #open(name: string): Opened | undefined {
    const path = join(this.#opened.at(-1)?.path ?? '', name);
    try {
      const descriptor = openSync(path, FLAGS);
      return { name, descriptor, path: this.#pathOf(descriptor, path) };
    } catch (error) {
      if (NO_DIRECTORY.has(errorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  #pathOf(descriptor: number, otherwise: string): string {
    return this.#hasProc ? `${BY_DESCRIPTOR}/${descriptor}` : otherwise;
  }

  #closeFrom(depth: number): void {
    for (const { descriptor } of this.#opened.slice(depth)) closeSync(descriptor);
    this.#opened = this.#opened.slice(0, depth);
  }
}
