/** Opens the store of a journal: in memory, on the disk, or on a disk with faults, for tests. Decides nothing else. */
import { readDiskFaults, type Clock } from '../platform/index.ts';
import type { Backend } from './backend.ts';
import { MemoryBackend } from './memory-backend.ts';

/**
 * Every host and the main thread load this room for its client; only here is the native store needed.
 * @param directory the run directory; null: in memory @throws JOURNAL_DAMAGED, DISK, RUN_FORMAT, CONFIG_INVALID
 */
export const openBackend = async (directory: string | null, shards: number, clock: Clock): Promise<Backend> => {
  if (directory === null) return new MemoryBackend();
  const faults = readDiskFaults(process.env);
  const { openLmdbBackend } = await import('./lmdb-backend.ts');
  const backend = await openLmdbBackend(directory, shards);
  if (faults === null) return backend;
  const { withDiskFaults } = await import('./faulty-backend.ts');
  return withDiskFaults(backend, faults, clock);
};
