/**
 * Whether `dist/` was built from exactly the sources that are there now: the build leaves a list of them with their
 * sizes and times in it, and the list made anew must be the same, character for character.
 * Plain JavaScript like the launcher, which asks at every start: it reads no file but that list. In a checkout only; the
 * package has neither sources nor the list.
 */
import { join } from 'node:path';

// Not imported: to import it reads all its exports, which loads much of Node.
const { readdirSync, readFileSync, statSync } = process.getBuiltinModule('node:fs');

/** What `dist/` is made of; what else could change it changes one of these, or is one of these. */
const FOLDERS = ['actors', 'bench', 'src'];
const FILES = [
  'package-lock.json',
  'package.json',
  'scripts/bundle-modules.ts',
  'scripts/bundle.ts',
  'tsconfig.build.json',
  'tsconfig.json',
];

/** @param root folder of the checkout */
export const listOfSources = (root) => {
  const top = root.endsWith('/') ? root : `${root}/`;
  let list = '';
  const add = (path) => {
    const { size, mtimeMs } = statSync(top + path);
    list += `${path} ${size} ${mtimeMs}\n`;
  };
  const visit = (folder) => {
    const entries = readdirSync(top + folder, { withFileTypes: true });
    // The order of a folder is its file system's.
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else add(path);
    }
  };
  FOLDERS.forEach(visit);
  FILES.forEach(add);
  return list;
};

/** The list that a build leaves. */
export const listFile = (dist) => join(dist, 'built-from.txt');

/** Whatever is missing or cannot be read: no. */
export const isBuiltFromSources = (root) => {
  try {
    return readFileSync(listFile(join(root, 'dist')), 'utf8') === listOfSources(root);
  } catch {
    return false;
  }
};
