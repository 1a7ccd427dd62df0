/** Directories at places that a person named. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory and those above it, each that is not there; one that is stays as it is. Node's own `recursive` asks for
 * ever where a directory exists and nothing can be made in it, as in `/proc`.
 * @throws what the operating system says of the first that cannot be made
 */
export const makeDirectory = (path: string): void => {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  for (const directory of missing.toReversed()) {
    try {
      mkdirSync(directory);
    } catch (error) {
      // Made by somebody else meanwhile, or a link to nothing.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(directory)) throw error;
    }
  }
  // Says what stands there, should it be a file.
  if (missing.length === 0) mkdirSync(path, { recursive: true });
};
