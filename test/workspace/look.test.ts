/** A look at one file: version, author, text, and what is different from an earlier version. */
import { expect, test } from 'vitest';
import { describeChanges } from '../../src/workspace/changes.ts';
import { accepted, by, openWorkspace } from './support/harness.ts';

const ASK = { changesMax: 1_000, textMax: 1_000 };

test('version, commit, author, length and text; what is not there, or is no file, is null', async () => {
  const { workspace } = await openWorkspace();
  const { base } = accepted(await workspace.writeFile({ path: 'a.md', content: 'one\ntwo\n' }, by('A')));
  await workspace.flush();
  const look = await workspace.look({ path: './a.md', ...ASK });
  expect(look).toMatchObject({ path: 'a.md', base, author: 'A', bytes: 8, text: 'one\ntwo\n', changes: null });
  expect(look?.commit).toMatch(/^[0-9a-f]{40}$/u);
  expect(await workspace.look({ path: 'b.md', ...ASK })).toBeNull();
  expect(await workspace.look({ path: '../a.md', ...ASK })).toBeNull();
  expect(await workspace.look({ path: 'a.md', changesMax: 0, textMax: 3 })).toMatchObject({ text: null, bytes: 8 });
  await workspace.close();
});

test('what has changed since a version, since there was no file, and since a version that nobody has', async () => {
  const { workspace } = await openWorkspace();
  const first = accepted(await workspace.writeFile({ path: 'a.md', content: 'one\ntwo\nthree\n' }, by('A')));
  const second = accepted(
    await workspace.writeFile({ path: 'a.md', content: 'one\n2\nthree\nfour\n', base: first.base }, by('A')),
  );
  const since = async (version: string | null) =>
    (await workspace.look({ path: 'a.md', since: version, ...ASK }))?.changes;
  expect(await since(first.base)).toBe('@@ line 2\n-two\n+2\n@@ line 4\n+four');
  expect(await since(null)).toBe('+one\n+2\n+three\n+four');
  expect(await since(second.base)).toBe('');
  expect(await since('0'.repeat(40))).toBeNull();
  await workspace.close();
});

test('changes are cut at a length, and say how much is not shown (X4)', () => {
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index} ${'x'.repeat(500)}`).join('\n');
  const shown = describeChanges(null, lines, 1_000);
  expect(shown.length).toBeLessThan(1_050);
  expect(shown).toMatch(/… 46 more lines$/u);
  expect(describeChanges('a\n', 'a\r\n', 100)).toBe('(only line ends have changed)');
  expect(describeChanges('x'.repeat(300_000), 'y'.repeat(300_000), 100)).toBe('(changed; too long to compare)');
  expect(describeChanges('a\nb\nc', 'c', 100)).toBe('@@ line 1\n-a\n-b');
});
