import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { InTheWay, Placer } from '../../src/workspace/checkout.ts';
import { gitObject, MODE } from '../../src/workspace/git-objects.ts';
import type { TreeFile } from '../../src/workspace/tree.ts';
import { temporaryDirectory } from './support/harness.ts';

const blob = (text: string): string => gitObject('blob', Buffer.from(text)).oid;

/** A work tree whose files come with a content of `read`. */
const place = (read: () => string, moveAside: boolean): { directory: string; gitDirectory: string; placer: Placer } => {
  const directory = temporaryDirectory();
  const gitDirectory = join(directory, '.git');
  mkdirSync(gitDirectory);
  const placer = new Placer({
    directory,
    gitDirectory,
    clock: systemClock,
    moveAside,
    known: new Map(),
    read: () => Promise.resolve(Buffer.from(read())),
    isOwn: (_path, oid) => Promise.resolve(oid === blob('old\n')),
  });
  return { directory, gitDirectory, placer };
};

const file = (content: string, mode: string = MODE.file): TreeFile => ({ path: 'a', mode, oid: blob(content) });

test.for([true, false])('X5, X7: what a person saves while a file is read is not replaced', async (moveAside) => {
  for (const before of [null, 'old\n']) {
    let reads = 0;
    const { directory, gitDirectory, placer } = place(() => {
      reads += 1;
      writeFileSync(join(directory, 'a'), 'person\n');
      return 'new\n';
    }, moveAside);
    if (before !== null) writeFileSync(join(directory, 'a'), before);
    const brought = placer.bring(file('new\n'));
    if (moveAside) await brought;
    else await expect(brought).rejects.toThrow(InTheWay);
    expect(reads).toBe(1);
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe(moveAside ? 'new\n' : 'person\n');
    expect(placer.displaced).toEqual(moveAside ? ['a'] : []);
    if (moveAside) expect(readFileSync(join(gitDirectory, 'megactor/displaced/1-a'), 'utf8')).toBe('person\n');
    expect(readdirSync(gitDirectory)).toEqual(moveAside ? ['megactor'] : []);
    placer.close();
  }
});

test('X1: what a killed process left half made is neither followed nor does it give its mode', async () => {
  const { directory, gitDirectory, placer } = place(() => 'new\n', true);
  const outside = join(temporaryDirectory(), 'theirs');
  writeFileSync(outside, 'theirs\n');
  symlinkSync(outside, join(gitDirectory, 'tmp_megactor_0'));
  writeFileSync(join(gitDirectory, 'tmp_megactor_1'), 'half', { mode: 0o755 });
  writeFileSync(join(gitDirectory, 'tmp_megactor_2'), 'half');
  await placer.bring(file('new\n'));
  await placer.bring({ ...file('new\n'), path: 'b' });
  await placer.bring({ ...file('new\n', MODE.link), path: 'l' });
  placer.close();
  expect(readFileSync(outside, 'utf8')).toBe('theirs\n');
  expect(lstatSync(join(directory, 'a')).isFile()).toBe(true);
  expect(lstatSync(join(directory, 'b')).mode & 0o111).toBe(0);
  expect(lstatSync(join(directory, 'l')).isSymbolicLink()).toBe(true);
  expect(existsSync(join(gitDirectory, 'tmp_megactor_2'))).toBe(false);
});
