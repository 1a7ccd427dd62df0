import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServiceStore } from '../../src/journal/shard-log.ts';
import { createMemoryStore } from '../../src/workspace/index.ts';
import {
  accepted,
  by,
  fileStore,
  git,
  openWorkspace,
  refused,
  soundness,
  temporaryDirectory,
} from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };
/** A workspace that never gets round to git by itself, so that dropping it is a crash before the git commit. */
const SLOW = { limits: { commitDelayMs: 1_000_000_000 } };

/** A store that stops passing commits on after `count` of them, as if the process had died there. */
const dyingStore = (inner: ServiceStore, count: number): ServiceStore => {
  let left = count;
  return {
    ...inner,
    commit: async (group) => {
      left -= 1;
      return left < 0 ? await new Promise(() => {}) : await inner.commit(group);
    },
  };
};

describe('W1: a crash between the store’s commit and git’s', () => {
  test('what was acknowledged is committed by the next opening, effects are not repeated', async () => {
    const { workspace, directory, reopen } = await openWorkspace(SLOW);
    const write = by('A', 'A/1/0');
    const append = by('B', 'B/1/0');
    const written = await workspace.writeFile({ path: 'a', content: 'one\n' }, write);
    const appended = await workspace.appendFile({ path: 'a', content: 'two' }, append);
    expect(workspace.stats().commits).toBe(0);
    const { workspace: again } = await reopen();
    expect(await again.writeFile({ path: 'a', content: 'one\n' }, write)).toEqual(written);
    expect(await again.appendFile({ path: 'a', content: 'two' }, append)).toEqual(appended);
    expect(accepted(await again.readFile({ path: 'a' })).content).toBe('one\ntwo\n');
    expect(again.stats()).toMatchObject({ files: 1, commits: 1 });
    await again.finish();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'show', 'HEAD:a')).toBe('one\ntwo\n');
    await again.close();
  });

  test('W7: a resumption before the first commit, and then a file that comes and goes within one batch', async () => {
    const { reopen } = await openWorkspace(SLOW);
    const { workspace, directory } = await reopen();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    accepted(await workspace.removeFile({ path: 'a', base }, by('A')));
    await workspace.finish();
    expect(workspace.stats()).toMatchObject({ files: 0, commits: 1 });
    expect(soundness(directory)).toEqual(CLEAN);
    await workspace.close();
  });

  test('a base from before the crash still merges, even one that was overwritten within its batch', async () => {
    const { workspace, reopen } = await openWorkspace(SLOW);
    const lines = ['a', 'b', 'c', 'd', ''];
    const first = accepted(await workspace.writeFile({ path: 'x', content: lines.join('\n') }, by('A'))).base;
    const second = accepted(
      await workspace.writeFile({ path: 'x', content: lines.with(0, 'A').join('\n'), base: first }, by('A')),
    ).base;
    const third = accepted(await workspace.appendFile({ path: 'x', content: 'e' }, by('A'))).base;
    let { workspace: again } = await reopen();
    // Once more, so that nothing but the store and git remembers.
    await again.close();
    ({ workspace: again } = await reopen());
    for (const [base, at] of [
      [first, 1],
      [second, 2],
      [third, 3],
    ] as const) {
      const from = [...(base === first ? lines : lines.with(0, 'A'))];
      if (base === third) from.splice(4, 1, 'e', '');
      const content = from.with(at, `new ${at}`).join('\n');
      accepted(await again.writeFile({ path: 'x', content, base }, by('B')));
    }
    expect(accepted(await again.readFile({ path: 'x' })).content).toBe('A\nnew 1\nnew 2\nnew 3\ne\n');
    await again.close();
  });

  test('a crash after the branch moved and before the store heard of it makes no second commit', async () => {
    const inner = createMemoryStore();
    // Origin and the version get through; the note of progress does not.
    const { workspace, directory, reopen } = await openWorkspace({
      store: dyingStore(inner, 2),
      limits: { commitDelayMs: 1 },
    });
    accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await expect.poll(() => existsSync(join(directory, '.git/refs/heads/main'))).toBe(true);
    const head = git(directory, 'rev-parse', 'HEAD').trim();
    const { workspace: again } = await reopen({ store: inner });
    expect(git(directory, 'rev-parse', 'HEAD').trim()).toBe(head);
    expect(again.stats().commits).toBe(1);
    expect(again.fileRows()).toMatchObject([{ path: 'a', commit: head, author: 'A', size: 4 }]);
    await again.close();
  });

  test('appends that follow each other are put together again', async () => {
    const { workspace, directory, reopen } = await openWorkspace(SLOW);
    accepted(await workspace.appendFile({ path: 'log', content: 'first' }, by('A')));
    await workspace.flush();
    for (let step = 0; step < 5; step += 1) {
      accepted(await workspace.appendFile({ path: 'log', content: `${step}` }, by('A')));
    }
    const { workspace: again } = await reopen();
    expect(git(directory, 'show', 'HEAD:log')).toBe('first\n0\n1\n2\n3\n4\n');
    await again.close();
  });

  test('after a flush the store holds one content per file', async () => {
    const { workspace, store } = await openWorkspace();
    for (let step = 0; step < 5; step += 1) {
      accepted(await workspace.appendFile({ path: `log${step % 2}`, content: `${step}` }, by('A')));
      if (step % 2 === 0) await workspace.flush();
    }
    await workspace.flush();
    expect(await store.range('v/', 'v0')).toHaveLength(2);
    await workspace.close();
  });
});

describe('the repository changed while the run was not running', () => {
  test('a lost repository is made again from the store', async () => {
    const { workspace, directory, reopen } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'docs/a', content: 'one\n' }, by('A')));
    await workspace.finish();
    await workspace.close();
    rmSync(join(directory, '.git'), { recursive: true });
    const { workspace: again } = await reopen();
    await again.finish();
    expect(git(directory, 'show', 'HEAD:docs/a')).toBe('one\n');
    expect(soundness(directory)).toEqual(CLEAN);
    await again.close();
  });

  test('git ahead of a store that lost its last moments returns to the store', async () => {
    const directory = join(temporaryDirectory(), 'w');
    const file = join(temporaryDirectory(), 'store');
    const { workspace } = await openWorkspace({ directory, store: fileStore(file) });
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.flush();
    const before = readFileSync(file);
    accepted(await workspace.writeFile({ path: 'a', content: 'two\n', base }, by('A', 'A/2/0')));
    accepted(await workspace.appendFile({ path: 'lost', content: 'x' }, by('A')));
    await workspace.close();
    writeFileSync(file, before);
    const { workspace: again } = await openWorkspace({ directory, store: fileStore(file) });
    expect(accepted(await again.readFile({ path: 'a' })).content).toBe('one\n');
    expect(accepted(await again.listFiles()).files).toEqual(['a']);
    accepted(await again.writeFile({ path: 'a', content: 'two\n', base }, by('A', 'A/2/0')));
    await again.finish();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'ls-tree', '-r', '--name-only', 'HEAD').trim()).toBe('a');
    await again.close();
  });

  test('a person’s commit on the branch is taken over', async () => {
    const { workspace, directory, reopen } = await openWorkspace();
    for (const path of ['a', 'b', 'c']) accepted(await workspace.writeFile({ path, content: `${path}\n` }, by('A')));
    await workspace.finish();
    await workspace.close();
    writeFileSync(join(directory, 'a'), 'by hand\n');
    writeFileSync(join(directory, 'new'), 'new\n');
    git(directory, 'rm', '-q', 'b');
    git(directory, 'add', '.');
    git(directory, 'commit', '-qm', 'By hand');
    const { workspace: again } = await reopen();
    const read = accepted(await again.readFile({ path: 'a' }));
    expect(read.content).toBe('by hand\n');
    expect(accepted(await again.listFiles()).files).toEqual(['a', 'c', 'new']);
    expect(again.fileRows().find((row) => row.path === 'a')?.author).toBe('Person');
    accepted(await again.writeFile({ path: 'a', content: 'by agent\n', base: read.base }, by('A')));
    await again.finish();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'log', '--format=%an').trim().split('\n')).toEqual(['A', 'Person', 'A']);
    await again.close();
    const { workspace: third } = await reopen();
    expect(accepted(await third.readFile({ path: 'a' })).content).toBe('by agent\n');
    expect(third.stats()).toMatchObject({ commits: 2, files: 2 });
    await third.close();
  });

  test('uncommitted changes refuse a resumption by name; those of a killed checkout do not', async () => {
    const { workspace, directory, reopen } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.finish();
    accepted(await workspace.writeFile({ path: 'a', content: 'two\n', base }, by('A')));
    await workspace.close();
    writeFileSync(join(directory, 'a'), 'two\n');
    await (await reopen()).workspace.close();
    writeFileSync(join(directory, 'a'), 'by hand\n');
    await expect(reopen()).rejects.toMatchObject({ code: 'WORKSPACE_DIRTY', message: expect.stringContaining('a') });
  });

  test('what somebody changed during the run is moved aside by finish, not lost', async () => {
    const { workspace, directory } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'a', content: 'agent\n' }, by('A')));
    accepted(await workspace.writeFile({ path: 'd/b', content: 'agent\n' }, by('A')));
    writeFileSync(join(directory, 'a'), 'person\n');
    writeFileSync(join(directory, 'd'), 'person\n');
    expect((await workspace.finish()).displaced).toEqual(['a', 'd']);
    expect(soundness(directory)).toEqual(CLEAN);
    const kept = readdirSync(join(directory, '.git/megactor/displaced')).sort();
    expect(kept).toEqual(['1-a', '1-d']);
    expect(readFileSync(join(directory, '.git/megactor/displaced/1-a'), 'utf8')).toBe('person\n');
    await workspace.close();
  });

  test('a branch that somebody moves during the run is not overwritten', async () => {
    const { workspace, directory } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.finish();
    git(directory, 'commit', '-q', '--allow-empty', '-m', 'By hand');
    const theirs = git(directory, 'rev-parse', 'HEAD').trim();
    accepted(await workspace.writeFile({ path: 'b', content: 'two\n' }, by('A')));
    await expect(workspace.flush()).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    await expect(workspace.readFile({ path: 'b' })).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    expect(git(directory, 'rev-parse', 'HEAD').trim()).toBe(theirs);
    await workspace.close();
  });
});

describe('failures', () => {
  test('W4, G1: what the store does not hold yet is neither shown nor in git', async () => {
    const inner = createMemoryStore();
    const gate = Promise.withResolvers<void>();
    let isSlow = false;
    const store: ServiceStore = {
      ...inner,
      commit: async (group) => {
        if (isSlow) await gate.promise;
        return await inner.commit(group);
      },
    };
    const { workspace, directory } = await openWorkspace({ store, limits: { commitDelayMs: 1 } });
    isSlow = true;
    const answered: string[] = [];
    const note = (name: string) => (): number => answered.push(name);
    const calls = [
      workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')).then(note('write')),
      workspace.appendFile({ path: 'a', content: 'two' }, by('B')).then(note('append')),
    ];
    await new Promise((resolve) => setTimeout(resolve, 20));
    calls.push(workspace.readFile({ path: 'a' }).then(note('read')));
    calls.push(workspace.listFiles().then(note('list')));
    calls.push(workspace.writeFile({ path: 'a', content: 'other' }, by('C')).then(note('clash')));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toEqual([]);
    expect(existsSync(join(directory, '.git/refs/heads/main'))).toBe(false);
    gate.resolve();
    await Promise.all(calls);
    expect(answered.toSorted()).toEqual(['append', 'clash', 'list', 'read', 'write']);
    await workspace.flush();
    expect(git(directory, 'show', 'HEAD:a')).toBe('one\ntwo\n');
    await workspace.close();
  });

  test('a store that fails stops the workspace; nothing is acknowledged after it', async () => {
    const inner = createMemoryStore();
    let fails = false;
    const store: ServiceStore = {
      ...inner,
      commit: async (group) => {
        if (fails) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        return await inner.commit(group);
      },
    };
    const { workspace, directory } = await openWorkspace({ store });
    accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.flush();
    fails = true;
    await expect(workspace.appendFile({ path: 'a', content: 'two' }, by('A'))).rejects.toThrow('no space');
    await expect(workspace.readFile({ path: 'a' })).rejects.toMatchObject({ code: 'DISK' });
    await workspace.close();
    expect(git(directory, 'show', 'HEAD:a')).toBe('one\n');
    expect(
      refused(await (await openWorkspace({ directory, store: inner })).workspace.readFile({ path: 'b' })).code,
    ).toBe('NOT_FOUND');
  });
});
