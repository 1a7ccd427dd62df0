import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { blobId, ChangeCollector, isPlainPath } from '../../src/sandbox/files.ts';

test('the id of a content is that of git', () => {
  const input = 'Grüße\n';
  const id = execFileSync('git', ['hash-object', '--stdin'], { input, encoding: 'utf8' }).trim();
  expect(blobId(Buffer.from(input))).toBe(id);
});

test('F1 a path that leads elsewhere, or is for git, is none', () => {
  for (const path of [
    '',
    '/a',
    'a//b',
    '../a',
    'a/../b',
    './a',
    'a/.',
    '.git/config',
    'a/.GIT/x',
    'a\\b',
    'a\nb',
    'a/',
    '\ud800',
  ]) {
    expect(isPlainPath(path), path).toBe(false);
  }
  for (const path of ['a', 'a/b.txt', '.gitignore', '..a', 'a b', 'ü']) expect(isPlainPath(path), path).toBe(true);
});

test('F2 exactly what a program changed is brought back', () => {
  const content = fc.option(fc.constantFrom('one', 'two', ''), { nil: null });
  const state = fc.array(content, { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(state, state, (before, after) => {
      const path = (index: number): string => `f${index}`;
      const seen = before.flatMap((text, index) =>
        text === null ? [] : [{ path: path(index), base: blobId(Buffer.from(text)) }],
      );
      const collector = new ChangeCollector(seen);
      for (const [index, text] of after.entries()) if (text !== null) collector.file(path(index), Buffer.from(text));
      const { changed, left } = collector.changes();
      expect(left).toEqual([]);
      const expected = before.flatMap((text, index) => {
        const now = after[index] ?? null;
        return text === now ? [] : [[path(index), now, text === null ? null : blobId(Buffer.from(text))]];
      });
      expect(changed.map((file) => [file.path, file.content?.toString() ?? null, file.base])).toEqual(expected);
    }),
  );
});

test('F3 what is changed is held up to a number of bytes; beyond that it is left, and the workspace keeps what it had', () => {
  const collector = new ChangeCollector([{ path: 'c', base: blobId(Buffer.from('old')) }], 6);
  for (const path of ['a', 'b', 'c']) collector.file(path, Buffer.from('four'.slice(path === 'b' ? 2 : 0)));
  const { changed, left } = collector.changes();
  expect(changed.map(({ path }) => path)).toEqual(['a', 'b']);
  expect(left).toEqual([{ path: 'c', why: 'too large' }]);
});

test('F1 links, FIFOs, what is too large and what is of git is left, and a file that became one of them is not removed', () => {
  const collector = new ChangeCollector([
    { path: 'a', base: '0' },
    { path: 'b', base: '1' },
  ]);
  collector.other('a', 'link');
  collector.file('b', null);
  collector.file('.git/config', Buffer.from('x'));
  collector.file(null, Buffer.from('x'));
  collector.other('pipe', 'special');
  expect(collector.changes()).toEqual({
    changed: [],
    left: [
      { path: 'a', why: 'link' },
      { path: 'b', why: 'too large' },
      { path: '(no text)', why: 'bad name' },
      { path: 'pipe', why: 'special' },
    ],
  });
});
