import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeDirectory } from '../../src/platform/index.ts';

describe('a directory is made', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'megactor-directories-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  test('with those above it, and stays when it is there', () => {
    const path = join(root, 'a', 'b', 'c');
    makeDirectory(path);
    writeFileSync(join(path, 'file'), '');
    makeDirectory(path);
    makeDirectory(`${path}/../d/`);
    expect(statSync(join(root, 'a', 'b', 'd')).isDirectory()).toBe(true);
    expect(existsSync(join(path, 'file'))).toBe(true);
  });

  test('or the operating system says why not: a file in the way, at its place, a link to nothing', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    expect(() => makeDirectory(join(file, 'a'))).toThrow('ENOTDIR');
    expect(() => makeDirectory(file)).toThrow('EEXIST');
    symlinkSync('nothing', join(root, 'link'));
    expect(() => makeDirectory(join(root, 'link'))).toThrow('EEXIST');
    expect(() => makeDirectory(join(root, 'link', 'a'))).toThrow('EEXIST');
  });

  test.runIf(existsSync('/proc/self'))('and not asked for without end where nobody can make any', () => {
    expect(() => makeDirectory('/proc/megactor/a')).toThrow('ENOENT');
  });
});
