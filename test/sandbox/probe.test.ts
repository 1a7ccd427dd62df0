import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { programLimitsSchema } from '../../src/sandbox/index.ts';
import { findPython, interpreterOf } from '../../src/sandbox/languages.ts';
import { examine } from '../../src/sandbox/probe.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

test('where nothing is installed, it says what is missing and how to get it', async () => {
  const parts = { network: false, limits: programLimitsSchema.parse({}), clock: systemClock, path: '/nowhere' };
  await expect(examine({ ...parts, mode: 'bwrap' })).rejects.toMatchObject({
    code: 'SANDBOX_MISSING',
    message: expect.stringContaining('bwrap') as string,
    hint: expect.stringContaining('apt-get install bash tar bubblewrap') as string,
  });
  await expect(examine({ ...parts, mode: 'none' })).rejects.toMatchObject({
    code: 'SANDBOX_MISSING',
    message: 'not installed: bash, tar',
  });
});

test('a program in a language that is not there says which is', () => {
  const refused = expect.objectContaining({ code: 'PROGRAM_INVALID' }) as Error;
  expect(() => interpreterOf('a.py', {})).toThrow(refused);
  expect(() => interpreterOf('a.sh', {})).toThrow(/ends in none of \.py, \.js, \.mjs, \.cjs/u);
});

test('B1 a Python that lies in a home is none: its folder, which programs would read, is the home', () => {
  const home = join(directory.path, 'home');
  const python = (folder: string): string => {
    const binary = join(folder, 'bin', 'python3');
    mkdirSync(dirname(binary), { recursive: true });
    writeFileSync(binary, '');
    chmodSync(binary, 0o755);
    return dirname(binary);
  };
  const own = join(home, 'python');
  expect(findPython(python(own), home, '/nowhere')).toMatchObject({ needs: [{ from: own, to: own }] });
  expect(findPython(python(home), home, '/nowhere')).toBeUndefined();
  expect(findPython(python(directory.path), home, '/nowhere')).toBeUndefined();
});
