/**
 * `npm run build`: makes `dist/` of declarations (by the compiler, which checks no types here), of the modules bundled
 * (`bundle-modules.ts`), and of the files that they read; and replaces the one that is there at once, so that a run that
 * is going on misses it as briefly as can be. It leaves in it what it was built from (`bin/built-from.mjs`).
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listFile, listOfSources } from '../bin/built-from.mjs';
import { bundle, findEntries } from './bundle-modules.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** Read at run time, beside the module that reads them. */
const DATA = ['bench/savina/peers/*.escript', 'actors/playbooks/gobang/files'];

const declarations = async (out: string): Promise<void> => {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', 'tsconfig.build.json', '--outDir', out], { cwd: ROOT });
};

// Before anything is read: what changes meanwhile shows.
const list = listOfSources(ROOT);
const next = mkdtempSync(join(ROOT, '.dist-'));
try {
  const made = join(next, 'dist');
  await Promise.all([declarations(made), bundle(ROOT, findEntries(ROOT), made)]);
  for (const path of globSync(DATA, { cwd: ROOT })) cpSync(join(ROOT, path), join(made, path), { recursive: true });
  writeFileSync(listFile(made), list);
  if (existsSync(DIST)) renameSync(DIST, join(next, 'old'));
  renameSync(made, DIST);
} finally {
  rmSync(next, { recursive: true, force: true });
}
