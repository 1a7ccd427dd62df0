import { mkdirSync, writeFileSync } from 'node:fs';
import { join, posix, win32 } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkPath } from '../../src/workspace/path-jail.ts';
import { git, openWorkspace, temporaryDirectory, refused, by, soundness } from './support/harness.ts';

const BAD = [
  '',
  '.',
  '..',
  '/',
  './',
  '/etc/passwd',
  '../x',
  'a/../b',
  'a/..',
  'a/./b',
  'a//b',
  'a/',
  '~/x',
  '~root',

  'a\\b',
  '..\\x',
  'C:x',
  'c:/x',
  'C:\\x',
  '\\\\server\\share',
  'file:stream',
  'a\0b',
  'a\nb',
  'a\u2028b',
  '\ud800',

  '.git',
  '.git/config',
  'a/.git/hooks/x',
  '.GIT',
  '.Git/x',
  '.git.',
  '.git ',
  '.git. .',
  '.git::$INDEX_ALLOCATION',

  'git~1',
  'GIT~1/x',
  '.g\u200cit',
  '\ufeff.git',
  '.gitmodules',
  '.GitModules',
  'gitmod~1',
  '.gitattributes',
  'gi7eba~1',
  'x'.repeat(241),
  'é'.repeat(121),
  `${'d/'.repeat(32)}x`,
  `${'x'.repeat(200)}/`.repeat(6),
];
const GOOD = [
  'a',
  'a.b',
  '...',
  '..a',
  'a..',
  '-',
  '.gitignore',
  '.github/x',
  'git',
  'a.git',
  '.gitx',
  'ü/日本.md',
  'a b',
  './a',
  'x~1',
];

/** Parts that are likely to get past a careless check. */
const part = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    '.git',
    '.GIT ',
    'git~1',
    '.gitmodules',
    'a',
    '...',
    'C:',
    '~',
    '\u200c.git',
    '.g\u200dit.',
  ),
  fc.string({ maxLength: 8 }),
  fc.string({ maxLength: 8, unit: 'binary' }),
);
const path = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 6 }), fc.constantFrom('/', '\\', '//', '/./'))
  .map(([parts, separator]) => parts.join(separator));

describe('W5, P1–P3: the path jail', () => {
  test.each(BAD)('%j is refused', (bad) => {
    expect(checkPath(bad)).toMatchObject({ ok: false, error: { code: 'BAD_PATH' } });
  });

  test.each(GOOD)('%j is taken', (good) => {
    expect(checkPath(good)).toEqual({ ok: true, path: good.replace('./', '') });
  });

  test('what is not text is refused', () => {
    for (const bad of [undefined, null, 5, {}, ['a']]) expect(checkPath(bad).ok).toBe(false);
  });

  test('every accepted path stays inside the root, on POSIX and on Windows, and is its own normal form', () => {
    fc.assert(
      fc.property(path, (given) => {
        const checked = checkPath(given);
        if (!checked.ok) {
          expect(checked.error.hint).not.toBe('');
          return;
        }
        expect(posix.normalize(checked.path)).toBe(checked.path);
        expect(posix.resolve('/srv/w', checked.path).startsWith('/srv/w/')).toBe(true);
        expect(win32.resolve('C:\\srv\\w', checked.path).startsWith('C:\\srv\\w\\')).toBe(true);
        expect(checked.path.toLowerCase().split('/')).not.toContain('.git');
      }),
      { numRuns: 3_000, verbose: 1 },
    );
  });

  test('a repository of whatever was accepted passes git fsck --strict', async () => {
    const { workspace, directory } = await openWorkspace({ sync: false });
    const paths = new Set([...fc.sample(path, { numRuns: 1_500, seed: 7 }), ...GOOD]);
    let taken = 0;
    for (const given of paths) {
      const result = await workspace.writeFile({ path: given, content: given.toWellFormed() }, by('A'));
      if (result.ok) taken += 1;
      else expect(refused(result).code).toMatch(/^(?:BAD_PATH|EXISTS)$/u);
    }
    expect(taken).toBeGreaterThan(100);
    await workspace.finish();
    expect(soundness(directory)).toEqual({ fsck: '', status: '' });
    await workspace.close();
  });

  test('the names that the jail calls git’s are those that git fsck complains about', () => {
    // The jail must not lag behind git: a tree with such a name is what W7 excludes.
    const directory = temporaryDirectory();
    git(directory, 'init', '-q');
    mkdirSync(join(directory, 'x'));
    writeFileSync(join(directory, 'x/y'), '');
    const blob = git(directory, 'hash-object', '-w', 'x/y').trim();
    for (const name of ['.git', '.GIT', 'git~1', '.g\u200cit', '.git::$INDEX_ALLOCATION']) {
      const body = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]);
      writeFileSync(join(directory, 'x/tree'), body);
      git(directory, 'hash-object', '-t', 'tree', '-w', '--literally', 'x/tree');
      expect(checkPath(name).ok, name).toBe(false);
    }
    expect(() => git(directory, 'fsck', '--strict')).toThrow(/hasDotgit|hasDot/u);
  });
});
