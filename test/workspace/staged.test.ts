/** What somebody has staged in the work tree of a run, and committed nowhere, is not lost when the run ends. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Workspace } from '../../src/workspace/index.ts';
import { accepted, by, git, openWorkspace, temporaryDirectory } from './support/harness.ts';

const personsRepository = (): string => {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q', '-b', 'trunk');
  for (const name of ['read', 'kept', 'plain']) writeFileSync(join(directory, name), `${name} me\n`);
  git(directory, 'add', '.');
  git(directory, 'commit', '-qm', 'Begin');
  return directory;
};

const write = async (workspace: Workspace, path: string, content: string): Promise<void> => {
  const read = await workspace.readFile({ path });
  accepted(await workspace.writeFile({ path, content, ...(read.ok ? { base: read.base } : {}) }, by('A')));
};

const stage = (directory: string, paths: readonly string[]): void => {
  for (const path of paths) writeFileSync(join(directory, path), `person ${path}\n`);
  git(directory, 'add', ...paths);
};

test.each(['while it is on', 'between two sessions'])('X5: in somebody’s own repository, %s', async (when) => {
  const directory = personsRepository();
  const opened = await openWorkspace({ directory });
  await write(opened.workspace, 'read', 'agent\n');
  await write(opened.workspace, 'new', 'agent\n');
  await opened.workspace.flush();
  // What agents change, what they make, what they leave alone, and what is nowhere in the commits.
  stage(directory, ['read', 'new', 'kept', 'mine']);
  const { workspace } = when === 'while it is on' ? opened : await opened.reopen();
  expect((await workspace.finish()).displaced).toEqual(['kept', 'new', 'read']);
  const displaced = join(directory, '.git/megactor/displaced');
  expect(readdirSync(displaced).sort()).toEqual(['1-kept', '1-new', '1-read']);
  for (const path of ['kept', 'new', 'read']) {
    expect(readFileSync(join(displaced, `1-${path}`), 'utf8')).toBe(`person ${path}\n`);
  }
  expect(readFileSync(join(directory, 'mine'), 'utf8')).toBe('person mine\n');
  expect(git(directory, 'status', '--porcelain')).toBe('?? mine\n');
  await workspace.close();
});

test('X5: in a run’s own workspace it stays until the end, which moves it aside', async () => {
  const { workspace, directory } = await openWorkspace();
  for (const path of ['a', 'b']) await write(workspace, path, 'one\n');
  await workspace.finish();
  stage(directory, ['b', 'late']);
  for (const path of ['a', 'b', 'late', 'z']) await write(workspace, path, 'two\n');
  await expect.poll(() => existsSync(join(directory, 'z')), { timeout: 30_000 }).toBe(true);
  for (const path of ['b', 'late']) expect(readFileSync(join(directory, path), 'utf8')).toBe(`person ${path}\n`);
  expect((await workspace.finish()).displaced).toEqual(['b', 'late']);
  expect(git(directory, 'status', '--porcelain')).toBe('');
  await workspace.close();
});

test('X3: what somebody else’s branch has is committed, and goes when it was checked out', async () => {
  const directory = personsRepository();
  git(directory, 'checkout', '-q', '-b', 'other');
  mkdirSync(join(directory, 'd'));
  stage(directory, ['read', 'd/theirs']);
  git(directory, 'commit', '-qm', 'Other');
  git(directory, 'checkout', '-q', 'trunk');
  const opened = await openWorkspace({ directory });
  for (const resumed of [false, true]) {
    const { workspace } = resumed ? await opened.reopen() : opened;
    await write(workspace, 'read', `agent ${resumed}\n`);
    await workspace.flush();
    git(directory, 'checkout', '-q', '-f', 'other');
    expect(existsSync(join(directory, 'd/theirs'))).toBe(true);
    const { workspace: ending } = resumed ? await opened.reopen() : { workspace };
    expect((await ending.finish()).displaced).toEqual([]);
    expect(git(directory, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(directory, 'd'))).toBe(false);
    expect(readFileSync(join(directory, 'read'), 'utf8')).toBe(`agent ${resumed}\n`);
    await ending.close();
  }
});
