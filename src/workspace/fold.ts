/**
 * Folding packs into one with stock git, which finds what versions of a file have in common: the history of a long run
 * becomes several times smaller, and a clone of it quicker. Where there is no git, or one older than 2.32, or it takes too
 * long, the packs stay as they are, and the caller is told.
 *
 * Invariants: O4 no pack is removed here; the folded one is whole and synced before the caller hears of it. Git runs no hook
 * for this, and moves no ref. O5 git works in a directory of its own, which goes when it is done, or with the next opening
 * when this process was killed: a git that outlives the process then ends without a trace, and meets no other.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram, type Clock } from '../platform/index.ts';
import { errorCode, syncDirectory } from './durable-files.ts';

export type Folding =
  /** The name of the new pack, without an ending. */
  | { readonly kind: 'folded'; readonly name: string }
  | { readonly kind: 'no-git' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface FoldOptions {
  readonly gitDirectory: string;
  /** Names without endings. */
  readonly packs: readonly string[];
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/** Below the git directory: what git has not finished. */
const DIRECTORY = join('megactor', 'fold');
/** The index comes last: git looks at packs that have one. */
const PARTS = ['pack', 'idx'] as const;
const OUTPUT_MAX = 4_096;
const HASH = /^[0-9a-f]{40}$/u;

const textOf = (stream: NodeJS.ReadableStream): (() => string) => {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < OUTPUT_MAX) text += chunk.toString('utf8');
  });
  return () => text.trim();
};

/** Removes what a process that was killed while it folded has left (O5). */
export const removeFolding = (gitDirectory: string): Promise<void> =>
  rm(join(gitDirectory, DIRECTORY), { recursive: true, force: true });

let folded = 0;

export const foldPacks = async ({ gitDirectory, packs, deadlineMs, clock }: FoldOptions): Promise<Folding> => {
  const objects = join(gitDirectory, 'objects');
  folded += 1;
  const own = join(gitDirectory, DIRECTORY, `${process.pid}-${folded}`);
  await mkdir(join(own, 'pack'), { recursive: true });
  const git = startProgram({
    command: 'git',
    args: ['pack-objects', '-q', '--stdin-packs', '--delta-base-offset', join(own, 'pack', 'pack')],
    // Nothing of this machine's or this person's configuration.
    environment: {
      PATH: process.env['PATH'] ?? '',
      HOME: gitDirectory,
      GIT_DIR: gitDirectory,
      GIT_OBJECT_DIRECTORY: own,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
    },
  });
  const [said, complained] = [textOf(git.stdout), textOf(git.stderr)];
  const tooLong = clock.after(deadlineMs, () => git.kill('SIGTERM'));
  git.stdin.end(packs.map((name) => `${name}.pack\n`).join(''));
  try {
    const { code, signal } = await git.closed;
    const hash = said();
    if (signal !== null) return { kind: 'failed', reason: `git took more than ${deadlineMs} ms` };
    if (code !== 0 || !HASH.test(hash)) return { kind: 'failed', reason: complained() || `git ended with ${code}` };
    const name = `pack-${hash}`;
    if (!existsSync(join(own, 'pack', `${name}.idx`))) return { kind: 'failed', reason: `git made no ${name}` };
    for (const part of PARTS) {
      await rename(join(own, 'pack', `${name}.${part}`), join(objects, 'pack', `${name}.${part}`));
    }
    await syncDirectory(join(objects, 'pack'));
    return { kind: 'folded', name };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'no-git' };
    throw error;
  } finally {
    tooLong.cancel();
    await rm(own, { recursive: true, force: true });
  }
};
