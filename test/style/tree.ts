/** The files of the project as the style tests see them: what a checkout holds, without what is installed or made. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

const NOT_OURS = new Set(['node_modules', 'dist', 'runs', 'coverage', '.git']);

/** Paths relative to the root, with forward slashes, sorted. @param folder relative to the root; may be missing */
export const filesUnder = (folder: string): string[] => {
  const found: string[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (NOT_OURS.has(entry.name)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) found.push(relative(ROOT, path).replaceAll('\\', '/'));
    }
  };
  try {
    visit(join(ROOT, folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found.sort();
};

export const readSource = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The TypeScript of the product: what runs in a user's process. */
export const productFiles = (): string[] =>
  [...filesUnder('src'), ...filesUnder('actors')].filter((path) => /\.[cm]?tsx?$/u.test(path));
