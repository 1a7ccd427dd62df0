/** The files that a compaction leaves behind when it was interrupted, and how they go away. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compactionDirectory, journalDirectory, SWAPPING_FILE } from './paths.ts';

/** Makes the names in a directory durable. */
export const syncDirectory = (path: string): void => {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/**
 * Ends what a compaction has begun: forward when the new data are in place, back when not. Only for who may write.
 * LMDB's lock file counts the transactions of the old data; who still reads those keeps the old file by its descriptor.
 */
export const clearCompaction = (runDirectory: string): void => {
  const compacting = compactionDirectory(runDirectory);
  if (!existsSync(compacting)) return;
  const swapped = existsSync(join(compacting, SWAPPING_FILE)) && !existsSync(join(compacting, 'data.mdb'));
  if (swapped) rmSync(join(journalDirectory(runDirectory), 'lock.mdb'), { force: true });
  rmSync(compacting, { recursive: true, force: true });
};
