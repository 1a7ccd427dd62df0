/**
 * The files that a program sees and changes: where they come from, what it left, and what is to be brought back. It reads
 * an archive, never the disk, and gives no path to anybody that it has not looked at.
 *
 * Invariants: F1 only plain files with a plain relative path are brought back; links, FIFOs, devices, oversized files and
 * everything of git's own is left and named. F2 what is as it was is not brought back. F3 no more than a given number of
 * bytes is held.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createHash } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';

/** A file as a program saw it at its start. */
export interface SeenFile {
  readonly path: string;
  /** Git's blob id of its content. */
  readonly base: string;
}

export interface ChangedFile {
  readonly path: string;
  /** null: the program removed it. */
  readonly content: Uint8Array | null;
  /** Blob id of what the program saw; null when the file is new. */
  readonly base: string | null;
}

/** What stays behind, and why. */
export interface LeftFile {
  readonly path: string;
  readonly why: 'link' | 'special' | 'too large' | 'bad name';
}

export interface FileChanges {
  readonly changed: readonly ChangedFile[];
  readonly left: readonly LeftFile[];
}

/** Where the files of programs come from. */
export interface ProgramFiles {
  /** Writes them into `directory`, which is empty. @throws MegactorError when they are too many or too large */
  export(directory: string): Promise<readonly SeenFile[]>;
}

export interface GivenFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

const LEFT_MAX = 1_000;

/** Names that are not for files of the workspace: the workspace refuses the same and more. */
// Control characters are exactly what this pattern is for.
// oxlint-disable-next-line no-control-regex
const BAD_NAME = /^$|^\.\.?$|[\u0000-\u001f\u007f\\]/u;

/** Whether `path` is relative, leads nowhere else, and is none of git's own. */
export const isPlainPath = (path: string): boolean =>
  path.isWellFormed() &&
  path.length <= 1024 &&
  path.split('/').every((name) => !BAD_NAME.test(name) && name.toLowerCase() !== '.git');

export const blobId = (content: Uint8Array): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** Files that a caller gives at hand. @throws PROGRAM_INVALID for a path that leads elsewhere */
export const givenFiles = (files: readonly GivenFile[]): ProgramFiles => ({
  export: async (directory) => {
    const seen: SeenFile[] = [];
    for (const { path, content } of files) {
      if (!isPlainPath(path)) throw new MegactorError('PROGRAM_INVALID', `'${path}' is no path of a file`);
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      mkdirSync(join(directory, dirname(path)), { recursive: true });
      writeFileSync(join(directory, path), bytes, { flag: 'wx' });
      seen.push({ path, base: blobId(bytes) });
    }
    return await Promise.resolve(seen);
  },
});

/** Collects what a program left, file by file, against what it saw. */
export class ChangeCollector {
  readonly #seen: ReadonlyMap<string, string>;
  readonly #gone: Set<string>;
  readonly #changed: ChangedFile[] = [];
  readonly #left: LeftFile[] = [];
  #bytesLeft: number;

  /** @param bytesMax of all changed files: sparse files and hard links are longer than the disk that they were on */
  constructor(seen: readonly SeenFile[], bytesMax = Number.POSITIVE_INFINITY) {
    this.#bytesLeft = bytesMax;
    this.#seen = new Map(seen.map(({ path, base }) => [path, base]));
    this.#gone = new Set(this.#seen.keys());
  }

  file(path: string | null, bytes: Buffer | null): void {
    if (path === null || !isPlainPath(path)) {
      // What git keeps for itself is nobody's work.
      if (path === null || !path.split('/').some((name) => name.toLowerCase() === '.git'))
        this.#leave(path, 'bad name');
      return;
    }
    this.#gone.delete(path);
    if (bytes === null) {
      this.#leave(path, 'too large');
      return;
    }
    const base = this.#seen.get(path) ?? null;
    if (blobId(bytes) === base) return;
    if (bytes.length > this.#bytesLeft) {
      this.#leave(path, 'too large');
      return;
    }
    this.#bytesLeft -= bytes.length;
    this.#changed.push({ path, content: bytes, base });
  }

  other(path: string | null, kind: 'link' | 'special'): void {
    // A file that became a link is not removed by that: whoever reads it meanwhile reads what it was.
    if (path !== null) this.#gone.delete(path);
    this.#leave(path, kind);
  }

  /** When all was told. */
  changes(): FileChanges {
    const removed = [...this.#gone].map((path) => ({ path, content: null, base: this.#seen.get(path) ?? null }));
    const changed = [...this.#changed, ...removed].sort((one, other) => (one.path < other.path ? -1 : 1));
    return { changed, left: this.#left };
  }

  #leave(path: string | null, why: LeftFile['why']): void {
    if (this.#left.length < LEFT_MAX) this.#left.push({ path: path ?? '(no text)', why });
  }
}
