import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemClock, type Clock, type TimerHandle } from '../../src/platform/index.ts';
import { accepted, by, fileStore, git, openWorkspace, soundness, temporaryDirectory } from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };
const ENTRY = fileURLToPath(new URL('./support/quiet-process.ts', import.meta.url));
const LIST = '.git/megactor/ahead';

const textAt = (directory: string, path: string): string | null =>
  existsSync(join(directory, path)) ? readFileSync(join(directory, path), 'utf8') : null;

/** A clock by which quiet comes when the test says so. */
const ownQuiet = (): { clock: Clock; timers: (() => void)[] } => {
  const timers: (() => void)[] = [];
  const after = (_delayMs: number, callback: () => void): TimerHandle => {
    timers.push(callback);
    return { cancel: () => void timers.splice(0, Infinity, ...timers.filter((timer) => timer !== callback)) };
  };
  return { clock: { ...systemClock, after }, timers };
};

/** Waits until a file has this content, or is gone. */
const comes = async (directory: string, path: string, content: string | null): Promise<void> => {
  await expect.poll(() => textAt(directory, path)).toBe(content);
};

test('X4, W7: files appear, change and go while nobody writes, and the end finds them where they are', async () => {
  const { workspace, directory } = await openWorkspace();
  const one = accepted(await workspace.writeFile({ path: 'docs/a.md', content: 'one\n' }, by('A')));
  await comes(directory, 'docs/a.md', 'one\n');
  // Git's index stays behind.
  expect(textAt(directory, LIST)).toBe('docs/a.md\0');
  expect(existsSync(join(directory, '.git/index'))).toBe(false);
  const two = accepted(await workspace.writeFile({ path: 'docs/a.md', content: 'two\n', base: one.base }, by('A')));
  await comes(directory, 'docs/a.md', 'two\n');
  accepted(await workspace.removeFile({ path: 'docs/a.md', base: two.base }, by('A')));
  await comes(directory, 'docs/a.md', null);
  expect(existsSync(join(directory, 'docs'))).toBe(false);
  accepted(await workspace.writeFile({ path: 'docs', content: 'a file now\n' }, by('A')));
  await comes(directory, 'docs', 'a file now\n');
  expect((await workspace.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  expect(existsSync(join(directory, LIST))).toBe(false);
  // The workspace may be used on.
  accepted(await workspace.writeFile({ path: 'b', content: 'b\n' }, by('A')));
  await comes(directory, 'b', 'b\n');
  await workspace.close();
});

test('X4: what a killed process brought is neither taken for somebody else’s nor left behind', async () => {
  const { workspace, directory, reopen } = await openWorkspace();
  const first = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
  const gone = accepted(await workspace.writeFile({ path: 'd/b', content: 'b\n' }, by('A')));
  await comes(directory, 'd/b', 'b\n');
  await comes(directory, 'a', 'one\n');
  // A path that it had not written whole when it was killed.
  writeFileSync(join(directory, LIST), 'd/c', { flag: 'a' });
  const { workspace: again } = await reopen();
  accepted(await again.writeFile({ path: 'a', content: 'two\n', base: first.base }, by('A')));
  accepted(await again.removeFile({ path: 'd/b', base: gone.base }, by('A')));
  accepted(await again.writeFile({ path: 'c', content: 'c\n' }, by('A')));
  expect((await again.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  expect(textAt(directory, 'a')).toBe('two\n');
  expect(existsSync(join(directory, 'd'))).toBe(false);
  await again.close();
});

test('X4, W1: a second session that is killed is resumed, and what a person changed there meanwhile is still refused', async () => {
  const { workspace, directory, reopen } = await openWorkspace();
  const one = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
  const old = accepted(await workspace.writeFile({ path: 'gone', content: 'one\n' }, by('A')));
  await workspace.finish();
  await workspace.close();
  // Git's index knows what the first session brought, and not what the second does.
  const { workspace: second } = await reopen();
  const two = accepted(await second.writeFile({ path: 'a', content: 'two\n', base: one.base }, by('A')));
  const last = accepted(await second.writeFile({ path: 'gone', content: 'two\n', base: old.base }, by('A')));
  await comes(directory, 'gone', 'two\n');
  await comes(directory, 'a', 'two\n');
  accepted(await second.writeFile({ path: 'a', content: 'three\n', base: two.base }, by('A')));
  accepted(await second.removeFile({ path: 'gone', base: last.base }, by('A')));
  await second.flush();
  writeFileSync(join(directory, 'a'), 'person\n');
  await expect(reopen()).rejects.toMatchObject({ code: 'WORKSPACE_DIRTY', details: { paths: ['a'] } });
  writeFileSync(join(directory, 'a'), 'two\n');
  const { workspace: third } = await reopen();
  expect((await third.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  expect(textAt(directory, 'a')).toBe('three\n');
  await third.close();
  await second.close();
});

test('X4: an end that was killed before it had written the index leaves nothing that is taken for somebody else’s', async () => {
  const { workspace, directory, reopen } = await openWorkspace({ clock: ownQuiet().clock });
  const one = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
  accepted(await workspace.writeFile({ path: 'b', content: 'b\n' }, by('A')));
  // It fails when it writes the index.
  mkdirSync(join(directory, '.git/tmp_megactor_index'));
  await expect(workspace.finish()).rejects.toThrow();
  expect(textAt(directory, 'a')).toBe('one\n');
  accepted(await workspace.writeFile({ path: 'a', content: 'two\n', base: one.base }, by('A')));
  await workspace.flush();
  rmdirSync(join(directory, '.git/tmp_megactor_index'));
  const { workspace: again } = await reopen();
  expect((await again.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  await again.close();
});

test('X4: files, and an index, of which a power failure left nothing do not keep a run from going on', async () => {
  const { workspace, directory, reopen } = await openWorkspace();
  const one = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
  await workspace.finish();
  await workspace.close();
  const { workspace: second } = await reopen();
  accepted(await second.writeFile({ path: 'a', content: 'two\n', base: one.base }, by('A')));
  await comes(directory, 'a', 'two\n');
  truncateSync(join(directory, 'a'));
  const { workspace: third } = await reopen();
  await third.finish();
  expect(soundness(directory)).toEqual(CLEAN);
  await third.close();
  truncateSync(join(directory, '.git/index'));
  const { workspace: last } = await reopen();
  expect((await last.finish()).displaced).toEqual([]);
  expect(soundness(directory)).toEqual(CLEAN);
  await last.close();
  await second.close();
});

test('X5: what somebody else put there stays as it is until the end, which moves it aside', async () => {
  const { workspace, directory } = await openWorkspace();
  accepted(await workspace.writeFile({ path: 'early', content: 'agent\n' }, by('A')));
  await comes(directory, 'early', 'agent\n');
  const outside = temporaryDirectory();
  writeFileSync(join(directory, 'early'), 'person\n');
  writeFileSync(join(directory, 'late'), 'person\n');
  writeFileSync(join(directory, 'd'), 'person\n');
  symlinkSync(outside, join(directory, 'l'));
  for (const path of ['early', 'late', 'd/x', 'l/x']) {
    await workspace.appendFile({ path, content: 'agent’s' }, by('A'));
  }
  accepted(await workspace.writeFile({ path: 'z', content: 'last\n' }, by('A')));
  await comes(directory, 'z', 'last\n');
  for (const path of ['early', 'late', 'd']) expect(textAt(directory, path)).toBe('person\n');
  expect(readdirSync(outside)).toEqual([]);
  expect((await workspace.finish()).displaced).toEqual(['d', 'early', 'late']);
  expect(textAt(directory, 'early')).toBe('agent\nagent’s\n');
  expect(readdirSync(join(directory, '.git/megactor/displaced')).sort()).toEqual(['1-d', '1-early', '1-late']);
  await workspace.close();
});

test('X6, W7: what is written while the end is brought is not forgotten, and two ends do not meet', async () => {
  const { clock, timers } = ownQuiet();
  const { workspace, directory } = await openWorkspace({ clock, sync: false });
  const changes = Array.from({ length: 300 }, (_, number) => ({ path: `f${number}`, content: 'f\n', base: null }));
  accepted(await workspace.applyChanges({ changes }, by('A')));
  const ends = [workspace.finish(), workspace.finish()];
  await comes(directory, 'f0', 'f\n');
  accepted(await workspace.writeFile({ path: 'late', content: 'late\n' }, by('A')));
  await workspace.flush();
  expect((await Promise.all(ends)).map(({ displaced }) => displaced)).toEqual([[], []]);
  for (const callback of timers.splice(0)) callback();
  await comes(directory, 'late', 'late\n');
  await workspace.finish();
  expect(soundness(directory)).toEqual(CLEAN);
  await workspace.close();
  expect(timers).toEqual([]);
});

test('a work tree on another branch, and one that is somebody’s own, are left alone', async () => {
  const { clock, timers } = ownQuiet();
  const theirs = temporaryDirectory();
  git(theirs, 'init', '-q', '-b', 'main');
  git(theirs, 'commit', '-q', '--allow-empty', '-m', 'Begin');
  const existing = await openWorkspace({ directory: theirs, clock });
  const own = await openWorkspace({ clock });
  for (const { workspace } of [existing, own]) {
    accepted(await workspace.writeFile({ path: 'a', content: 'a\n' }, by('A')));
    await workspace.flush();
  }
  writeFileSync(join(own.directory, '.git/HEAD'), 'ref: refs/heads/other\n');
  expect(timers).toHaveLength(1);
  for (const callback of timers.splice(0)) callback();
  // The end waits for what is under way.
  await own.workspace.close();
  expect(readdirSync(own.directory)).toEqual(['.git']);
  expect(readdirSync(theirs)).toEqual(['.git']);
  await existing.workspace.finish();
  expect(textAt(theirs, 'a')).toBe('a\n');
  await existing.workspace.close();
});

test('X4, W1, W7: killed while files are brought, again and again, everything ends where the commits are', async () => {
  const directory = join(temporaryDirectory(), 'workspace');
  const store = join(temporaryDirectory(), 'store');
  mkdirSync(directory);
  for (const [round, steps] of [1, 3, 1, 4, 2].entries()) {
    const child = spawn(process.execPath, [ENTRY, directory, store, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = 0;
    for await (const _ of createInterface({ input: child.stdout })) {
      said += 1;
      // In the middle of what follows the quiet.
      if (said === steps) setTimeout(() => child.kill('SIGKILL'), 105 + round * 7);
    }
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
    expect(child.signalCode).toBe('SIGKILL');
  }
  const { workspace } = await openWorkspace({ directory, store: fileStore(store), runId: 'quiet', sync: false });
  for (const path of accepted(await workspace.listFiles()).files.slice(0, 20)) {
    accepted(await workspace.appendFile({ path, content: 'the last line' }, by('A')));
  }
  expect((await workspace.finish()).displaced).toEqual([]);
  expect(git(directory, 'status', '--porcelain')).toBe('');
  // A commit may have been written and the branch not moved.
  expect(git(directory, 'fsck', '--strict', '--full', '--no-progress', '--no-dangling')).toBe('');
  await workspace.close();
});
