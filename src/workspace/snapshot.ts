/**
 * Writing the files of one commit into a directory of its own, where a program may do to them what it likes: real copies,
 * never links. In slices, so that readers and writers of the workspace go on meanwhile; one snapshot after another.
 * It does not look at what becomes of the copy (`apply.ts` takes back what is given to it).
 *
 * Invariants: Z1 the copy holds exactly the files of the commit, links and submodules left out and named. Z2 nothing is
 * written outside the given directory, which must be empty and not part of the workspace. Z3 no turn of the event loop
 * writes more than `SLICE_COUNT` files or begins another past `SLICE_BYTES`.
 */
import { chownSync, closeSync, fchownSync, lstatSync, mkdirSync, openSync, readdirSync, realpathSync } from 'node:fs';
import { constants, writeFileSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import type { Clock } from '../platform/index.ts';
import { byteLengthOf, bytesOf, type Content } from './content.ts';
import { MODE } from './git-objects.ts';
import { parentsOf } from './path-jail.ts';
import { refuse, type PlainRefusal, type SnapshotFile, type SnapshotResult } from './results.ts';
import type { TreeFile } from './tree.ts';

const SLICE_COUNT = 32;
const SLICE_BYTES = 512 * 1024;

export interface SnapshotArguments {
  /** Absolute; exists and is empty. Directories in it get mode 755, files 644, or 755 when they are executable. */
  readonly directory: string;
  /** Default: what is current, which is committed first. */
  readonly commit?: string | undefined;
  /** Default 20,000. */
  readonly filesMax?: number | undefined;
  /** Default 256 MiB. */
  readonly bytesMax?: number | undefined;
  /** Who shall own the copies; only root may say so. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

export interface SnapshotParts {
  readonly commit: string | null;
  readonly files: readonly TreeFile[];
  /** The work tree, where no copy may lie. */
  readonly workTree: string;
  readonly clock: Clock;
  readonly read: (oid: string, path: string) => Promise<Content | undefined>;
}

const FILES_MAX = 20_000;
const BYTES_MAX = 256 * 1024 * 1024;
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

const refuseDirectory = (message: string): PlainRefusal =>
  refuse(
    'INVALID_ARGUMENTS',
    `The directory of a snapshot ${message}.`,
    'Give an empty directory outside the workspace.',
  );

/** The refusal of a directory that is no place for a snapshot. */
const checkDirectory = (directory: string, workTree: string): PlainRefusal | undefined => {
  if (!isAbsolute(directory)) return refuseDirectory('is not absolute');
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return refuseDirectory('is not there');
  const real = `${realpathSync(directory)}${sep}`;
  if (real.startsWith(`${realpathSync(workTree)}${sep}`)) return refuseDirectory('lies in the workspace');
  return readdirSync(directory).length > 0 ? refuseDirectory('is not empty') : undefined;
};

class Export {
  readonly #args: SnapshotArguments;
  readonly #parts: SnapshotParts;
  readonly #directories = new Set<string>();
  readonly #rows: SnapshotFile[] = [];
  #bytes = 0;

  constructor(args: SnapshotArguments, parts: SnapshotParts) {
    this.#args = args;
    this.#parts = parts;
  }

  async run(): Promise<SnapshotResult> {
    const { files, commit, clock, read } = this.#parts;
    const { filesMax = FILES_MAX, bytesMax = BYTES_MAX } = this.#args;
    const isCopied = ({ mode }: TreeFile): boolean => mode !== MODE.link && mode !== MODE.module;
    const copied = files.filter(isCopied);
    if (copied.length > filesMax) {
      return refuse('TOO_LARGE', `The workspace has ${copied.length} files, at most ${filesMax}.`, 'Raise the limit.');
    }
    for (let at = 0; at < copied.length; at += SLICE_COUNT) {
      const slice = copied.slice(at, at + SLICE_COUNT);
      const contents = await Promise.all(slice.map(({ oid, path }) => read(oid, path)));
      let sliceBytes = 0;
      for (const [index, file] of slice.entries()) {
        const content = contents[index];
        if (content === undefined) throw new Error(`the content of ${file.path} (${file.oid}) is gone`);
        const size = byteLengthOf(content);
        sliceBytes += size;
        this.#bytes += size;
        if (this.#bytes > bytesMax) {
          return refuse('TOO_LARGE', `The workspace has more than ${bytesMax} bytes.`, 'Raise the limit.');
        }
        this.#write(file, content, size);
        if (sliceBytes > SLICE_BYTES) {
          sliceBytes = 0;
          await pause(clock);
        }
      }
      await pause(clock);
    }
    const rows = this.#rows.sort((left, right) => (left.path < right.path ? -1 : 1));
    const skipped = files.filter((file) => !isCopied(file)).map((file) => file.path);
    return { ok: true, commit, files: rows, bytes: this.#bytes, skipped: skipped.sort() };
  }

  #write({ path, oid, mode }: TreeFile, content: Content, size: number): void {
    const { directory, owner } = this.#args;
    for (const parent of parentsOf(path)) {
      if (this.#directories.has(parent)) continue;
      this.#directories.add(parent);
      mkdirSync(join(directory, parent), { mode: 0o755 });
      if (owner !== undefined) chownSync(join(directory, parent), owner.uid, owner.gid);
    }
    const handle = openSync(join(directory, path), FLAGS, mode === MODE.executable ? 0o755 : 0o644);
    try {
      writeFileSync(handle, bytesOf(content));
      if (owner !== undefined) fchownSync(handle, owner.uid, owner.gid);
    } finally {
      closeSync(handle);
    }
    this.#rows.push({ path, base: oid, size });
  }
}

const pause = (clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    clock.soon(resolve);
  });

export const exportSnapshot = async (args: SnapshotArguments, parts: SnapshotParts): Promise<SnapshotResult> =>
  checkDirectory(args.directory, parts.workTree) ?? (await new Export(args, parts).run());
