import { expect, test } from 'vitest';
import { accepted, by, git, openWorkspace, refused } from './support/harness.ts';

test('the history of a file: who changed it in which commit, removals and a second life included', async () => {
  const { workspace } = await openWorkspace({ sync: false });
  const write = async (author: string, content: string): Promise<void> => {
    const read = await workspace.readFile({ path: 'a.md' });
    accepted(await workspace.writeFile({ path: 'a.md', content, base: read.ok ? read.base : undefined }, by(author)));
    await workspace.flush();
  };
  await write('Ann', 'one\n');
  await write('Bob', 'two\n');
  const { base } = accepted(await workspace.readFile({ path: 'a.md' }));
  accepted(await workspace.removeFile({ path: 'a.md', base }, by('Cem')));
  await workspace.flush();
  const gone = accepted(await workspace.history({ path: 'a.md' }));
  expect(gone.versions.map((version) => version.authors)).toEqual([['Cem'], ['Bob'], ['Ann']]);
  expect(refused(await workspace.blame({ path: 'a.md' })).code).toBe('NOT_FOUND');
  await write('Dee', 'three\n');
  expect(accepted(await workspace.history({ path: 'a.md' })).versions).toHaveLength(4);
  expect(accepted(await workspace.blame({ path: 'a.md' })).lines.map((line) => line.authors)).toEqual([['Dee']]);
  expect(refused(await workspace.history({ path: 'b.md' })).code).toBe('NOT_FOUND');
  await workspace.close();
});

test('blame says of every line what git blame says', async () => {
  const { workspace, directory } = await openWorkspace({ sync: false });
  let lines = Array.from({ length: 12 }, (_, number) => `line ${number}`);
  let base: string | undefined;
  const random = (seed: number, below: number): number => (Math.imul(seed, 2_654_435_761) >>> 8) % below;
  for (let round = 1; round <= 12; round += 1) {
    if (base !== undefined) {
      const at = random(round, lines.length);
      if (round % 3 === 0) lines = lines.toSpliced(at, 2);
      else if (round % 3 === 1) lines = lines.toSpliced(at, 0, `new ${round}`, `and ${round}`);
      else lines = lines.with(at, `changed ${round}`);
    }
    const content = `${lines.join('\n')}\n`;
    base = accepted(await workspace.writeFile({ path: 'a', content, base }, by(`A${round}`))).base;
    accepted(await workspace.appendFile({ path: 'other', content: `round ${round}` }, by('B')));
    await workspace.flush();
  }
  const blamed = accepted(await workspace.blame({ path: 'a' })).lines;
  const stock = git(directory, 'blame', '-s', '-l', '--root', 'main', '--', 'a').trimEnd().split('\n');
  expect(blamed.map(({ line, text, commit }) => `${commit} ${line}) ${text}`)).toEqual(
    stock.map((text) => text.replace(/^\^?(?<commit>\w{40})\s+(?<line>\d+)\) /u, '$<commit> $<line>) ')),
  );
  await workspace.close();
});

test('blame of an empty file, of one without an end of line, and of bytes', async () => {
  const { workspace } = await openWorkspace({ sync: false });
  accepted(await workspace.writeFile({ path: 'empty', content: '' }, by('A')));
  accepted(await workspace.writeFile({ path: 'open', content: '\ufeffone\r\ntwo' }, by('A')));
  accepted(await workspace.writeFile({ path: 'bytes', content: new Uint8Array([255]) }, by('A')));
  expect(accepted(await workspace.blame({ path: 'empty' })).lines).toEqual([]);
  const { lines } = accepted(await workspace.blame({ path: 'open' }));
  expect(lines.map((line) => line.text)).toEqual(['\ufeffone\r', 'two']);
  expect(refused(await workspace.blame({ path: 'bytes' })).code).toBe('NOT_ALLOWED');
  await workspace.close();
});
