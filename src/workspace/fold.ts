/**
 * Folding packs into one with stock git, which finds what versions of a file have in common: the history of a long run
 * becomes several times smaller, and a clone of it quicker. Where there is no git, or one older than 2.32, or it takes too
 * long, the packs stay as they are, and the caller is told.
 *
 * Invariant: O4 nothing is removed here; the folded pack is whole and synced before the caller hears of it. Git runs no
 * hook for this, and moves no ref.
 */
import { existsSync } from 'node:fs';
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

const OUTPUT_MAX = 4_096;
const HASH = /^[0-9a-f]{40}$/u;

const textOf = (stream: NodeJS.ReadableStream): (() => string) => {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < OUTPUT_MAX) text += chunk.toString('utf8');
  });
  return () => text.trim();
};

export const foldPacks = async ({ gitDirectory, packs, deadlineMs, clock }: FoldOptions): Promise<Folding> => {
  const directory = join(gitDirectory, 'objects', 'pack');
  const git = startProgram({
    command: 'git',
    args: ['pack-objects', '-q', '--stdin-packs', '--delta-base-offset', join(directory, 'pack')],
    // Nothing of this machine's or this person's configuration.
    environment: {
      PATH: process.env['PATH'] ?? '',
      HOME: gitDirectory,
      GIT_DIR: gitDirectory,
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
    if (!existsSync(join(directory, `${name}.idx`))) return { kind: 'failed', reason: `git made no ${name}` };
    await syncDirectory(directory);
    return { kind: 'folded', name };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'no-git' };
    throw error;
  } finally {
    tooLong.cancel();
  }
};
