/** Ends of a run that were cut short, in a repository of somebody's own too, and what a person does there before the next. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Workspace } from '../../src/workspace/index.ts';
import { accepted, by, fileStore, git, openWorkspace, soundness, temporaryDirectory } from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };
const ENTRY = fileURLToPath(new URL('./support/ending-process.ts', import.meta.url));

const personsRepository = (): string => {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q', '-b', 'trunk');
  for (const name of ['read', 'kept']) writeFileSync(join(directory, name), `${name} me\n`);
  git(directory, 'add', '.');
  git(directory, 'commit', '-qm', 'Begin');
  return directory;
};

/** An end that has brought the files, and is cut short before it has written git's index. */
const cutShort = async (workspace: Workspace): Promise<void> => {
  const index = join(workspace.directory, '.git/tmp_megactor_index');
  mkdirSync(index);
  await expect(workspace.finish()).rejects.toThrow();
  rmdirSync(index);
};

const write = async (workspace: Workspace, path: string, content: string): Promise<void> => {
  const read = await workspace.readFile({ path });
  const base = read.ok ? { base: read.base } : {};
  accepted(await workspace.writeFile({ path, content, ...base }, by('A')));
};

const remove = async (workspace: Workspace, path: string): Promise<void> => {
  const { base } = accepted(await workspace.readFile({ path }));
  accepted(await workspace.removeFile({ path, base }, by('A')));
};

test('X4, W7: in somebody’s own repository ends may be cut short one after the other, and nothing of it is taken for theirs', async () => {
  const directory = personsRepository();
  const { workspace, reopen } = await openWorkspace({ directory });
  await write(workspace, 'read', 'one\n');
  for (const path of ['gone', 'new']) await write(workspace, path, 'one\n');
  await cutShort(workspace);
  const { workspace: second } = await reopen();
  await write(second, 'read', 'two\n');
  await write(second, 'new', 'two\n');
  await remove(second, 'gone');
  // This one is killed before it has brought anything: the files are still those of the first.
  await second.flush();
  const { workspace: third } = await reopen();
  expect((await third.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  expect(existsSync(join(directory, 'gone'))).toBe(false);
  for (const path of ['read', 'new']) expect(readFileSync(join(directory, path), 'utf8')).toBe('two\n');
  expect(readFileSync(join(directory, 'kept'), 'utf8')).toBe('kept me\n');
  await third.close();
});

test('X5: after an end that was cut short, what a person changed is still refused by name, and moved aside where it is new', async () => {
  const directory = personsRepository();
  const { workspace, reopen } = await openWorkspace({ directory });
  await write(workspace, 'read', 'one\n');
  await write(workspace, 'new', 'one\n');
  await cutShort(workspace);
  for (const path of ['read', 'kept', 'new']) writeFileSync(join(directory, path), 'person\n');
  await expect(reopen()).rejects.toMatchObject({ code: 'WORKSPACE_DIRTY', details: { paths: ['kept', 'read'] } });
  writeFileSync(join(directory, 'read'), 'one\n');
  writeFileSync(join(directory, 'kept'), 'kept me\n');
  const { workspace: again } = await reopen();
  expect((await again.finish()).displaced).toEqual(['new']);
  expect(readFileSync(join(directory, '.git/megactor/displaced/1-new'), 'utf8')).toBe('person\n');
  expect(soundness(directory)).toEqual(CLEAN);
  await again.close();
});

test('what one run has left on the list of paths is nothing to the next in the same repository', async () => {
  const directory = personsRepository();
  const first = await openWorkspace({ directory, runId: 'one' });
  await write(first.workspace, 'notes', 'one\n');
  await cutShort(first.workspace);
  git(directory, 'checkout', '-q', '-f', 'trunk');
  git(directory, 'clean', '-q', '-f', '-d');
  const { workspace } = await openWorkspace({ directory, runId: 'two' });
  await write(workspace, 'read', 'two\n');
  // A person takes from the first run what it had written.
  writeFileSync(join(directory, 'notes'), git(directory, 'show', 'megactor/one:notes'));
  expect((await workspace.finish()).displaced).toEqual([]);
  expect(git(directory, 'status', '--porcelain')).toBe('?? notes\n');
  await workspace.close();
});

test('X4, W1, W7: killed at an end in somebody’s own repository, again and again, everything ends where the commits are', async () => {
  const directory = personsRepository();
  const store = join(temporaryDirectory(), 'store');
  for (const [round, delayMs] of [3, 9, 6, 12].entries()) {
    const child = spawn(process.execPath, [ENTRY, directory, store, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = 0;
    for await (const _ of createInterface({ input: child.stdout })) {
      said += 1;
      if (said === 1 + (round % 3)) setTimeout(() => child.kill('SIGKILL'), delayMs);
    }
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
    expect(child.signalCode).toBe('SIGKILL');
  }
  const { workspace } = await openWorkspace({ directory, store: fileStore(store), runId: 'ends', sync: false });
  for (const path of accepted(await workspace.listFiles()).files.slice(0, 20)) {
    accepted(await workspace.appendFile({ path, content: 'the last line' }, by('A')));
  }
  expect((await workspace.finish()).displaced).toEqual([]);
  expect(git(directory, 'status', '--porcelain')).toBe('');
  // A commit may have been written and the branch not moved.
  expect(git(directory, 'fsck', '--strict', '--full', '--no-progress', '--no-dangling')).toBe('');
  await workspace.close();
});

/** What a person does between two sessions, with files in the work tree that git's index does not know yet. */
const switches: Record<string, (directory: string) => void> = {
  'to another branch': (directory) => git(directory, 'checkout', '-q', '-f', 'other'),
  'to another branch and back': (directory) => {
    git(directory, 'checkout', '-q', '-f', 'other');
    git(directory, 'checkout', '-q', '-f', 'main');
  },
  'to a new branch, git’s index left as it was': (directory) =>
    git(directory, 'symbolic-ref', 'HEAD', 'refs/heads/other'),
};

test.each(Object.keys(switches))(
  'X4: files brought ahead are the run’s own when somebody switches %s',
  async (name) => {
    const { workspace, directory, reopen } = await openWorkspace();
    await write(workspace, 'a', 'one\n');
    await write(workspace, 'gone', 'one\n');
    await workspace.flush();
    git(directory, 'branch', 'other');
    await write(workspace, 'a', 'two\n');
    await write(workspace, 'b', 'two\n');
    await remove(workspace, 'gone');
    await expect.poll(() => existsSync(join(directory, 'b'))).toBe(true);
    await expect.poll(() => existsSync(join(directory, 'gone'))).toBe(false);
    switches[name]?.(directory);
    writeFileSync(join(directory, 'mine'), 'person\n');
    if (!name.endsWith('back')) {
      await expect(reopen()).rejects.toMatchObject({ code: 'WORKSPACE_DIRTY', details: { paths: ['mine'] } });
      const now = readFileSync(join(directory, 'a'), 'utf8');
      writeFileSync(join(directory, 'a'), 'person\n');
      await expect(reopen()).rejects.toMatchObject({ details: { paths: ['a', 'mine'] } });
      // Staged, it is in git and not lost; but nobody would look for it there.
      git(directory, 'add', 'a');
      await expect(reopen()).rejects.toMatchObject({ details: { paths: ['a', 'mine'] } });
      git(directory, 'reset', '-q', '--', 'a');
      writeFileSync(join(directory, 'a'), now);
      git(directory, 'stash', 'push', '-q', '--include-untracked', '--', 'mine');
    }
    const { workspace: again } = await reopen();
    expect((await again.finish()).displaced).toEqual([]);
    expect(git(directory, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('main\n');
    expect(git(directory, 'status', '--porcelain')).toBe(name.endsWith('back') ? '?? mine\n' : '');
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('two\n');
    await again.close();
    await workspace.close();
  },
);

test('X4: a file that was brought ahead over one that git’s index has follows a person to another branch', async () => {
  const { workspace, directory, reopen } = await openWorkspace();
  for (const path of ['a', 'gone']) await write(workspace, path, 'one\n');
  await workspace.finish();
  git(directory, 'branch', 'other');
  await write(workspace, 'a', 'two\n');
  await remove(workspace, 'gone');
  await expect.poll(() => existsSync(join(directory, 'gone'))).toBe(false);
  await expect.poll(() => readFileSync(join(directory, 'a'), 'utf8')).toBe('two\n');
  // Git takes along what it holds for changes of the person’s.
  git(directory, 'checkout', '-q', 'other');
  expect(git(directory, 'status', '--porcelain')).toBe(' M a\n D gone\n');
  const { workspace: again } = await reopen();
  expect((await again.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  await again.close();
  await workspace.close();
});

test.each(['commit', 'mv'])(
  'a person who does what the refusal says (%s) loses nothing, and neither does the run',
  async (how) => {
    const { workspace, directory, reopen } = await openWorkspace();
    await write(workspace, 'a', 'one\n');
    await workspace.finish();
    // Git's index does not know this one.
    await write(workspace, 'b', 'b\n');
    await workspace.flush();
    writeFileSync(join(directory, 'a'), 'person\n');
    const refusal = {
      code: 'WORKSPACE_DIRTY',
      hint: expect.stringContaining('git commit -m TEXT -- PATH'),
      details: { paths: ['a'] },
    };
    await expect(reopen()).rejects.toMatchObject(refusal);
    if (how === 'mv') renameSync(join(directory, 'a'), join(directory, 'mine'));
    else git(directory, 'commit', '-qm', 'Mine', '--', 'a');
    const { workspace: again } = await reopen();
    expect(accepted(await again.listFiles()).files).toEqual(['a', 'b']);
    expect((await again.finish()).displaced).toEqual([]);
    expect(git(directory, 'status', '--porcelain')).toBe(how === 'mv' ? '?? mine\n' : '');
    expect(readFileSync(join(directory, how === 'mv' ? 'mine' : 'a'), 'utf8')).toBe('person\n');
    expect(readFileSync(join(directory, 'b'), 'utf8')).toBe('b\n');
    await again.close();
  },
);
