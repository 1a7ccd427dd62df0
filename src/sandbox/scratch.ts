/**
 * The directory for copies of files on their way into the sandbox, and what killed processes left of theirs. It does not
 * look into them.
 *
 * Invariant: K1 nothing is removed that may be in use: only directories of this user, of processes that are gone, and that
 * had their numbers from where this one has its own.
 */
import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'megactor-programs-';

/** Which numbers of processes are meant: containers have their own, and may share a directory. Null where nobody can tell. */
const numbering = (): string | null => {
  try {
    return /\d+/u.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? null;
  } catch {
    return null;
  }
};

const isGone = (name: string, own: string): boolean => {
  const [, pid = '', numbers = ''] = new RegExp(`^${PREFIX}(\\d+)-(\\d+)-`, 'u').exec(name) ?? [];
  return numbers === own && !existsSync(`/proc/${pid}`);
};

/** Removes what killed processes left in `parent`. It does not throw. */
export const removeStaleScratch = (parent: string): void => {
  const own = numbering();
  if (own === null) return;
  try {
    for (const name of readdirSync(parent)) {
      if (!isGone(name, own)) continue;
      const directory = join(parent, name);
      const stat = lstatSync(directory, { throwIfNoEntry: false });
      if (stat?.isDirectory() !== true || stat.uid !== process.getuid?.()) continue;
      rmSync(directory, { recursive: true, force: true });
    }
  } catch {
    // Another process removes the same, or it cannot be read: the next one looks again.
  }
};

/** Makes an empty directory that only this user may enter. */
export const makeScratch = (parent = tmpdir()): string => {
  removeStaleScratch(parent);
  return mkdtempSync(join(parent, `${PREFIX}${process.pid}-${numbering() ?? 0}-`));
};
