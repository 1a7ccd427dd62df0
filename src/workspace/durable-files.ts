/**
 * Files that are there whole or not at all: written under a temporary name, synced, renamed. With `sync: false` they
 * survive a killed process but not a power failure.
 */
import { open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Begins every temporary name, so that what a killed process left behind is recognised. */
export const TEMPORARY_PREFIX = 'tmp_megactor_';

export const errorCode = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;

/** Puts a directory's entries on disk. */
export const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Writes a new file. The name's own durability is the caller's: `syncDirectory`. */
export const writeWhole = async (
  file: string,
  bytes: Buffer | string,
  options: { readonly sync: boolean; readonly temporary?: string },
): Promise<void> => {
  const temporary =
    options.temporary ?? join(dirname(file), `${TEMPORARY_PREFIX}${file.slice(file.lastIndexOf('/') + 1)}`);
  const handle = await open(temporary, 'w', 0o644);
  try {
    await handle.writeFile(bytes);
    if (options.sync) await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
};

/** Removes what a killed process left half-written in `directory`. */
export const removeTemporaries = async (directory: string): Promise<void> => {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    if (name.startsWith(TEMPORARY_PREFIX)) await rm(join(directory, name), { force: true });
  }
};

export const removeIfThere = async (file: string): Promise<void> => {
  await unlink(file).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
};
