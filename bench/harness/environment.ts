/** Where a benchmark runs: the file system, how busy the machine is, and a directory of its own. */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs (flushing costs nothing)',
  0x794c7630: 'overlay',
  0x2fc12fc1: 'zfs',
};

const fileSystem = (): string => {
  const { type } = statfsSync('.');
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`;
};

/** Over 1, 5 and 15 minutes. */
export const loadAverage = (): number[] => loadavg().map((load) => Math.round(load * 100) / 100);

/** For the settings of every result: take it before anything is measured. */
export const environment = (): { readonly fileSystem: string; readonly loadAverageAtStart: readonly number[] } => ({
  fileSystem: fileSystem(),
  loadAverageAtStart: loadAverage(),
});

/** Directories that are there, all removed at the latest when the process ends. */
const directories = new Set<string>();

const remove = (folder: string): void => {
  directories.delete(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    rmdirSync('runs');
  } catch {
    // Other runs are in it.
  }
};

process.on('exit', () => {
  for (const folder of directories) remove(folder);
});

/**
 * A directory below `runs/`, which is where a user's runs are: what a flush costs depends on the disk.
 * @param keep it is removed when the process ends: ext4 looks at every file that was removed within the last minutes whenever
 * it makes one, so that what is removed after one run slows down the next
 */
export const withDirectory = async <Result>(
  use: (folder: string) => Promise<Result>,
  { keep = false }: { readonly keep?: boolean } = {},
): Promise<Result> => {
  mkdirSync('runs', { recursive: true });
  const folder = mkdtempSync(join(process.cwd(), 'runs', 'bench-'));
  directories.add(folder);
  try {
    return await use(folder);
  } finally {
    if (!keep) remove(folder);
  }
};
