import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatMessage, parseMessage } from '../../src/workspace/commit-message.ts';
import { blobObject, treeObject } from '../../src/workspace/git-objects.ts';
import { compileGlob } from '../../src/workspace/glob.ts';
import { formatIndex, parseIndex } from '../../src/workspace/index-file.ts';
import { buildPack, packEntry, splitPack } from '../../src/workspace/pack.ts';
import { git, temporaryDirectory } from './support/harness.ts';

test('ids of blobs and trees are git’s', () => {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q');
  for (const path of ['a', 'a.b', 'a-b', 'b', 'ü', 'B']) writeFileSync(join(directory, path), path);
  for (const path of ['a.d', 'ab']) {
    mkdirSync(join(directory, path));
    writeFileSync(join(directory, path, 'x'), path);
  }
  git(directory, 'add', '.');
  const tree = git(directory, 'write-tree').trim();
  const entries = git(directory, '-c', 'core.quotePath=false', 'ls-tree', tree)
    .trim()
    .split('\n')
    .map((line) => {
      const [, mode = '', oid = '', name = ''] = /^(\d+) \w+ (\w+)\t(.+)$/u.exec(line) ?? [];
      return { mode: mode.replace(/^0/u, ''), oid, name };
    });
  expect(treeObject(entries.toReversed()).oid).toBe(tree);
  expect(blobObject('a').oid).toBe(entries.find((entry) => entry.name === 'a')?.oid);
});

test('packs are read by git, and taken apart and joined without loss', async () => {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q', '--bare');
  const sizes = [0, 1, 14, 15, 16, 17, 127, 128, 2_047, 2_048, 70_000, 300_000];
  const objects = sizes.map((size) => blobObject('x'.repeat(size)));
  const { name, pack, index } = buildPack(await Promise.all(objects.map(packEntry)));
  writeFileSync(join(directory, 'objects/pack', `${name}.pack`), pack);
  writeFileSync(join(directory, 'objects/pack', `${name}.idx`), index);
  execFileSync('git', ['verify-pack', join(directory, 'objects/pack', `${name}.idx`)], { cwd: directory });
  for (const [at, object] of objects.entries()) {
    expect(git(directory, 'cat-file', '-s', object.oid).trim()).toBe(String(sizes[at]));
  }
  const again = buildPack(splitPack(pack, index));
  expect(again.pack.equals(pack)).toBe(true);
  expect(again.index.equals(index)).toBe(true);
});

test('an index by git is read, and written back so that git takes it for its own', () => {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q');
  for (const path of ['a', 'b'.repeat(70), `c${'d'.repeat(150)}`]) writeFileSync(join(directory, path), path);
  git(directory, 'add', '.');
  git(directory, 'add', '--intent-to-add', '.');
  const file = join(directory, '.git/index');
  const bytes = readFileSync(file);
  const entries = parseIndex(bytes);
  expect(entries.map((entry) => entry.oid)).toEqual(entries.map((entry) => blobObject(entry.path).oid));
  expect(
    formatIndex(entries)
      .subarray(0, -20)
      .equals(bytes.subarray(0, formatIndex(entries).length - 20)),
  ).toBe(true);
  git(directory, 'update-index', '--index-version', '4');
  expect(() => parseIndex(readFileSync(file))).toThrow(/version 4/u);
});

test('what a commit says of itself is read back, and no path or author can forge more', () => {
  const files = new Map([
    ['docs/a: b.md', ['Boss', 'Health']],
    ['- x: y', ['A B']],
    ['Megactor-Run: other', ['Z']],
  ]);
  const message = formatMessage({ runId: 'r1', sequence: 42, files });
  expect(parseMessage(message)).toEqual({ runId: 'r1', sequence: 42, files });
  expect(parseMessage('By hand\n\nMegactor-Run: r1\n')).toBeUndefined();
});

test('globs match as in a shell, and quickly', () => {
  const table: [string, string[], string[]][] = [
    ['*.md', ['a.md', '.md'], ['d/a.md', 'a.mdx']],
    ['**/*.md', ['a.md', 'd/a.md', 'd/e/a.md'], ['a.txt']],
    ['**', ['a', 'a/b'], []],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'ab']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['a/bz', 'az']],
    ['**/a/**/z', ['a/z', 'x/a/y/z'], ['xa/z']],
    ['?[a-c]x', ['1ax', 'bcx'], ['1dx', '/ax']],
    ['[!a]', ['b'], ['a', '/']],
    ['{a,b}/{c,d}.md', ['a/c.md', 'b/d.md'], ['a/e.md', 'c/c.md']],
    ['[', ['['], ['a']],
    ['./a', ['a'], []],
  ];
  for (const [glob, yes, no] of table) {
    const matches = compileGlob(glob);
    expect(
      yes.filter((path) => matches?.(path) !== true),
      glob,
    ).toEqual([]);
    expect(
      no.filter((path) => matches?.(path) === true),
      glob,
    ).toEqual([]);
  }
  const before = process.cpuUsage();
  const slow = compileGlob(`${'*a'.repeat(100)}b`);
  for (let round = 0; round < 50; round += 1) slow?.('a'.repeat(500));
  const { user, system } = process.cpuUsage(before);
  // With a step for every way to divide the name it would never end.
  expect((user + system) / 1_000).toBeLessThan(10_000);
  expect(compileGlob('{a,b}'.repeat(10))).toBeUndefined();
});
