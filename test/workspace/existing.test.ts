import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { createMemoryStore, Workspace } from '../../src/workspace/index.ts';
import { Repository } from '../../src/workspace/repository.ts';
import { accepted, by, git, openWorkspace, refused, soundness, temporaryDirectory } from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };

const personsRepository = (): string => {
  const directory = temporaryDirectory();
  git(directory, 'init', '-q', '-b', 'trunk');
  mkdirSync(join(directory, 'src'));
  writeFileSync(join(directory, 'readme.md'), 'read me\n');
  writeFileSync(join(directory, 'src/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(directory, 'picture'), Buffer.from([0xff, 0xfe, 0x00]));
  writeFileSync(join(directory, '.gitignore'), 'ignored/\n');
  symlinkSync('/etc', join(directory, 'link'));
  git(directory, 'add', '.');
  git(directory, 'commit', '-qm', 'Begin');
  return directory;
};

describe('a repository that exists', () => {
  test('a clean one is switched to a branch of the run; no other branch moves', async () => {
    const directory = personsRepository();
    git(directory, 'gc', '-q');
    mkdirSync(join(directory, 'ignored'));
    writeFileSync(join(directory, 'ignored/x'), 'x');
    const before = git(directory, 'rev-parse', 'trunk');
    const { workspace } = await openWorkspace({ directory, runId: 'r1' });
    expect(workspace.branch).toBe('megactor/r1');
    expect(git(directory, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/megactor/r1');
    const { content, base } = accepted(await workspace.readFile({ path: 'src/run.sh' }));
    accepted(await workspace.writeFile({ path: 'src/run.sh', content: `${content}echo\n`, base }, by('A')));
    accepted(await workspace.writeFile({ path: 'new/file', content: 'new\n' }, by('A')));
    expect(refused(await workspace.readFile({ path: 'picture' })).code).toBe('NOT_ALLOWED');
    expect(workspace.stats().files).toBe(2);
    await workspace.finish();
    await workspace.close();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'rev-parse', 'trunk')).toBe(before);
    expect(git(directory, 'ls-tree', 'HEAD', 'src/run.sh')).toMatch(/^100755/u);
    expect(git(directory, 'diff', '--stat', 'trunk', 'HEAD')).toContain('2 files changed');
    expect(accepted({ ok: true, text: readFileSync(join(directory, 'src/run.sh'), 'utf8') }).text).toBe(
      '#!/bin/sh\necho\n',
    );
    git(directory, 'checkout', '-q', 'trunk');
    expect(existsSync(join(directory, 'new'))).toBe(false);
  });

  test('a run finds its own branch again, whatever is checked out', async () => {
    const directory = personsRepository();
    const { workspace, reopen } = await openWorkspace({ directory, runId: 'r1' });
    accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.finish();
    await workspace.close();
    git(directory, 'checkout', '-q', 'trunk');
    const { workspace: again } = await reopen();
    accepted(await again.appendFile({ path: 'a', content: 'two' }, by('A')));
    await again.finish();
    await again.close();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('one\ntwo\n');
    git(directory, 'checkout', '-q', 'trunk');
    writeFileSync(join(directory, 'readme.md'), 'changed\n');
    await expect(reopen()).rejects.toMatchObject({ code: 'WORKSPACE_DIRTY' });
    expect(git(directory, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/trunk');
  });

  test('somebody who checks out another branch during the run finds the run’s branch at the end', async () => {
    const directory = personsRepository();
    const { workspace } = await openWorkspace({ directory, runId: 'r1' });
    accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
    await workspace.flush();
    git(directory, 'checkout', '-q', '-f', 'trunk');
    accepted(await workspace.appendFile({ path: 'a', content: 'two' }, by('A')));
    await workspace.finish();
    await workspace.close();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'symbolic-ref', '--short', 'HEAD').trim()).toBe('megactor/r1');
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('one\ntwo\n');
  });

  test('a dirty one is refused by name and left alone', async () => {
    const cases: ((directory: string) => string)[] = [
      (directory) => {
        writeFileSync(join(directory, 'readme.md'), 'changed\n');
        return 'readme.md';
      },
      (directory) => {
        writeFileSync(join(directory, 'untracked'), 'x');
        return 'untracked';
      },
      (directory) => {
        git(directory, 'rm', '-q', '--cached', 'readme.md');
        return 'readme.md';
      },
      (directory) => {
        writeFileSync(join(directory, '.git/MERGE_HEAD'), git(directory, 'rev-parse', 'HEAD'));
        return 'MERGE_HEAD';
      },
    ];
    for (const spoil of cases) {
      const directory = personsRepository();
      const name = spoil(directory);
      await expect(openWorkspace({ directory, runId: 'r1' })).rejects.toMatchObject({
        code: 'WORKSPACE_DIRTY',
        message: expect.stringContaining(name),
      });
      expect(git(directory, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/trunk');
      expect(git(directory, 'branch', '--list', 'megactor/*')).toBe('');
    }
  });

  test('a run directory inside the repository may be left out of the check', async () => {
    const directory = personsRepository();
    mkdirSync(join(directory, 'runs/r1'), { recursive: true });
    writeFileSync(join(directory, 'runs/r1/run.json'), '{}');
    const { workspace } = await openWorkspace({ directory, runId: 'r1', ignore: [join(directory, 'runs/r1')] });
    await workspace.close();
  });

  test('a directory that is no repository, or of a kind that cannot be written, is refused', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'x'), 'x');
    await expect(openWorkspace({ directory })).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    await expect(openWorkspace({ directory: join(directory, 'x') })).rejects.toMatchObject({
      code: 'WORKSPACE_FOREIGN',
    });
    const linked = join(temporaryDirectory(), 'linked');
    git(personsRepository(), 'worktree', 'add', '-q', linked);
    await expect(openWorkspace({ directory: linked })).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    const taken = personsRepository();
    git(taken, 'branch', 'megactor');
    await expect(openWorkspace({ directory: taken })).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    const moved = personsRepository();
    git(moved, 'branch', 'megactor/run1');
    git(moved, 'commit', '-q', '--allow-empty', '-m', 'More');
    await expect(openWorkspace({ directory: moved })).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    await expect(openWorkspace({ runId: '../x' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('a repository without commits, a detached HEAD, and packed refs will do', async () => {
    const empty = temporaryDirectory();
    git(empty, 'init', '-q');
    const detached = personsRepository();
    git(detached, 'checkout', '-q', '--detach');
    git(detached, 'pack-refs', '--all');
    for (const directory of [empty, detached]) {
      const { workspace } = await openWorkspace({ directory });
      accepted(await workspace.writeFile({ path: 'a', content: 'one\n' }, by('A')));
      await workspace.finish();
      await workspace.close();
      expect(soundness(directory)).toEqual(CLEAN);
      expect(git(directory, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/megactor/run1');
    }
  });

  test('garbage collection by stock git in the middle of a run does no harm', async () => {
    const { workspace, directory } = await openWorkspace({ sync: false });
    const bases: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      const base = bases.at(-1);
      const content = `${round}\nmiddle\nend\n`;
      bases.push(accepted(await workspace.writeFile({ path: 'a', content, base }, by('A'))).base);
      await workspace.flush();
      if (round % 10 === 5) git(directory, 'gc', '-q', '--prune=now');
    }
    const merged = await workspace.writeFile({ path: 'a', content: '0\nmiddle\nEND\n', base: bases[0] }, by('B'));
    expect(accepted(merged).merged).toBe(true);
    await workspace.finish();
    await workspace.close();
    expect(soundness(directory)).toEqual(CLEAN);
  });

  test('a workspace that is used alone goes on in the branch that it is told', async () => {
    const directory = join(temporaryDirectory(), 'alone');
    for (const content of ['one', 'two']) {
      const workspace = await Workspace.open({ directory, runId: content, store: createMemoryStore(), branch: 'main' });
      accepted(await workspace.appendFile({ path: 'log', content }, { effectId: null, author: 'me' }));
      await workspace.finish();
      await workspace.close();
    }
    expect(readFileSync(join(directory, 'log'), 'utf8')).toBe('one\ntwo\n');
    expect(git(directory, 'branch').trim()).toBe('* main');
  });
});

describe('what counts as dirty', () => {
  const changes: Record<string, (directory: string) => void> = {
    nothing: () => {},
    'a change of the same length': (directory) => writeFileSync(join(directory, 'readme.md'), 'READ me\n'),
    'a file touched, not changed': (directory) => utimesSync(join(directory, 'readme.md'), 1, 1),
    'a file removed': (directory) => rmSync(join(directory, 'src/run.sh')),
    'a file staged': (directory) => {
      writeFileSync(join(directory, 'staged'), 'x');
      git(directory, 'add', 'staged');
    },
    'a file staged and removed': (directory) => {
      writeFileSync(join(directory, 'staged'), 'x');
      git(directory, 'add', 'staged');
      rmSync(join(directory, 'staged'));
    },
    'untracked files, some ignored': (directory) => {
      for (const path of ['ignored/deep', 'src/deep/ignored', 'plain/deep', 'empty/deep']) {
        mkdirSync(join(directory, path), { recursive: true });
        if (!path.startsWith('empty')) writeFileSync(join(directory, path, 'x.txt'), 'x');
      }
      writeFileSync(join(directory, 'plain/.gitignore'), '*.log\n!keep.log\n');
      for (const name of ['a.log', 'keep.log']) writeFileSync(join(directory, 'plain', name), 'x');
      writeFileSync(join(directory, '.git/info/exclude'), 'plain/deep/\n');
    },
    'a link to elsewhere': (directory) => {
      rmSync(join(directory, 'link'));
      symlinkSync('/usr', join(directory, 'link'));
    },
    'a directory that became a link': (directory) => {
      rmSync(join(directory, 'src'), { recursive: true });
      symlinkSync('/usr', join(directory, 'src'));
    },
  };

  test.each(Object.keys(changes))('%s: the same paths as stock git', async (name) => {
    const directory = personsRepository();
    changes[name]?.(directory);
    const repository = new Repository(directory, join(directory, '.git'), { clock: systemClock, sync: false });
    const status = git(directory, 'status', '--porcelain', '--untracked-files=all');
    const expected = status
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(3));
    expect(await repository.dirtyPaths([], () => Promise.resolve(false))).toEqual(expected.sort());
  });
});

describe('W5: symlinks', () => {
  test('one that is committed is neither read nor written through', async () => {
    const directory = personsRepository();
    const { workspace } = await openWorkspace({ directory });
    for (const path of ['link', 'link/passwd', 'link/new']) {
      expect(refused(await workspace.writeFile({ path, content: 'x' }, by('A'))).code).toBe('BAD_PATH');
      expect(refused(await workspace.appendFile({ path, content: 'x' }, by('A'))).code).toBe('BAD_PATH');
      expect((await workspace.readFile({ path })).ok).toBe(false);
    }
    await workspace.close();
  });

  test('one that is made during the run is not followed, neither by a write nor by finish', async () => {
    const outside = mkdtempSync(join(temporaryDirectory(), 'outside-'));
    const { workspace, directory } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'early/a', content: 'x' }, by('A')));
    accepted(await workspace.writeFile({ path: 'plain', content: 'x' }, by('A')));
    symlinkSync(outside, join(directory, 'early'));
    symlinkSync(join(outside, 'target'), join(directory, 'plain'));
    expect(refused(await workspace.writeFile({ path: 'early/b', content: 'x' }, by('A'))).code).toBe('BAD_PATH');
    expect((await workspace.finish()).displaced).toEqual(['early', 'plain']);
    expect(existsSync(join(outside, 'a'))).toBe(false);
    expect(existsSync(join(outside, 'target'))).toBe(false);
    expect(realpathSync(join(directory, 'early'))).toBe(join(realpathSync(directory), 'early'));
    expect(soundness(directory)).toEqual(CLEAN);
    await workspace.close();
  });
});
