/** What stands where a file of the run belongs, and may not be read, moved or entered: nothing of it is lost, all else comes. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accepted, by, git, openWorkspace, soundness, temporaryDirectory, type Opened } from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };
const FILES = ['a', 'd/x', 'd/y', 'z'];
const NOBODY = 65_534;

/** Does it as somebody whom modes hold back, which they do not do to root. */
const asSomebody = async (directory: string, work: () => Promise<void>): Promise<void> => {
  if (process.geteuid?.() !== 0) return await work();
  chownSync(directory, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
};

const openWithFiles = async (root: string): Promise<Opened> => {
  const opened = await openWorkspace({ directory: join(root, 'w'), sync: false, clock: undefined });
  mkdirSync(join(opened.directory, 'd'));
  return opened;
};

const writeAll = async ({ workspace }: Opened): Promise<void> => {
  for (const path of FILES) accepted(await workspace.writeFile({ path, content: `${path}\n` }, by('A')));
};

const moved: Record<string, (file: string) => void> = {
  'a file that nobody may read': (file) => writeFileSync(file, 'person\n', { mode: 0 }),
  'a directory': (file) => {
    mkdirSync(file);
    writeFileSync(join(file, 'mine'), 'person\n');
  },
  'a pipe': (file) => execFileSync('mkfifo', ['-m', '0', file]),
  'a dangling link': (file) => symlinkSync('nowhere', file),
};

test.each(Object.keys(moved))('X3, X5: %s is left until the end, then moved aside and named', async (kind) => {
  const root = temporaryDirectory();
  await asSomebody(root, async () => {
    const opened = await openWithFiles(root);
    const { workspace, directory } = opened;
    moved[kind]?.(join(directory, 'd/x'));
    const before = lstatSync(join(directory, 'd/x'));
    // A link is a reason to refuse a write.
    if (kind.endsWith('link')) rmSync(join(directory, 'd/x'));
    await writeAll(opened);
    if (kind.endsWith('link')) moved[kind]?.(join(directory, 'd/x'));
    await expect.poll(() => existsSync(join(directory, 'z'))).toBe(true);
    expect(lstatSync(join(directory, 'd/x')).mode).toBe(before.mode);
    const { displaced } = await workspace.finish();
    expect(displaced).toEqual(['d/x']);
    expect(lstatSync(join(directory, '.git/megactor/displaced/1-x')).mode).toBe(before.mode);
    for (const path of FILES) expect(readFileSync(join(directory, path), 'utf8')).toBe(`${path}\n`);
    expect(soundness(directory)).toEqual(CLEAN);
    await workspace.close();
  });
});

interface Obstacle {
  readonly put: (directory: string) => void;
  readonly clear: (directory: string) => void;
  /** What cannot be brought. */
  readonly paths: readonly string[];
}

const immovable: Record<string, Obstacle> = {
  'a directory that nobody may enter': {
    put: (directory) => {
      writeFileSync(join(directory, 'd/mine'), 'person\n');
      chmodSync(join(directory, 'd'), 0);
    },
    clear: (directory) => chmodSync(join(directory, 'd'), 0o755),
    paths: ['d/x', 'd/y'],
  },
  'a directory that nobody may write': {
    put: (directory) => {
      writeFileSync(join(directory, 'd/x'), 'person\n');
      chmodSync(join(directory, 'd'), 0o555);
    },
    clear: (directory) => {
      chmodSync(join(directory, 'd'), 0o755);
      rmSync(join(directory, 'd/x'));
    },
    paths: ['d/x', 'd/y'],
  },
  'a directory that nobody may move': {
    put: (directory) => {
      mkdirSync(join(directory, 'a'));
      writeFileSync(join(directory, 'a/mine'), 'person\n');
      chmodSync(join(directory, 'a'), 0o555);
    },
    clear: (directory) => chmodSync(join(directory, 'a'), 0o755),
    paths: ['a'],
  },
};

test.each(Object.keys(immovable))('X3: %s is named with what to do, and all else is brought', async (kind) => {
  const { put, clear, paths } = immovable[kind] as Obstacle;
  for (const isResumed of [false, true]) {
    const root = temporaryDirectory();
    await asSomebody(root, async () => {
      const opened = await openWithFiles(root);
      const { directory, reopen } = opened;
      put(directory);
      await writeAll(opened);
      const late = paths.includes('a') ? 'd/y' : 'a';
      writeFileSync(join(directory, late), 'person\n');
      await expect(opened.workspace.finish()).rejects.toMatchObject({
        code: 'DISK',
        message: expect.stringMatching(new RegExp(`all else.*: ${paths[0]} \\(EACCES: permission denied\\)`, 'u')),
        hint: expect.stringContaining('resume'),
        details: { paths, displaced: [late] },
      });
      const there = (path: string): string => readFileSync(join(directory, path), 'utf8');
      for (const path of FILES) if (!paths.includes(path)) expect(there(path)).toBe(`${path}\n`);
      // Git names what is missing, and nothing else of the run's.
      const status = git(directory, '-c', 'core.quotePath=false', 'status', '--porcelain', '--untracked-files=no');
      expect(status.split('\n').filter(Boolean)).toEqual(paths.map((path) => `D  ${path}`));
      const { workspace } = isResumed ? await reopen() : opened;
      await expect(workspace.finish()).rejects.toMatchObject({ code: 'DISK', details: { paths, displaced: [] } });
      clear(directory);
      const { displaced } = await workspace.finish();
      expect(displaced).toEqual(paths.includes('a') ? ['a'] : []);
      for (const path of FILES) expect(there(path)).toBe(`${path}\n`);
      expect(git(directory, 'fsck', '--strict', '--full', '--no-progress')).toBe('');
      expect(git(directory, 'status', '--porcelain', '--untracked-files=no')).toBe('');
      if (existsSync(join(directory, '.git/megactor/displaced/1-a/mine')))
        expect(readdirSync(join(directory, '.git/megactor/displaced')).sort()).toEqual(['1-a', '1-y']);
      await workspace.close();
    });
  }
});

test('X3: what cannot be removed is named as well, and goes when it can', async () => {
  const root = temporaryDirectory();
  await asSomebody(root, async () => {
    const opened = await openWithFiles(root);
    const { workspace, directory, reopen } = opened;
    await writeAll(opened);
    await workspace.finish();
    for (const path of ['d/x', 'd/y']) {
      const { base } = accepted(await workspace.readFile({ path }));
      // A file is to stand where a directory was.
      chmodSync(join(directory, 'd'), 0o555);
      accepted(await workspace.removeFile({ path, base }, by('A')));
    }
    accepted(await workspace.writeFile({ path: 'd', content: 'a file now\n' }, by('A')));
    await expect(workspace.finish()).rejects.toMatchObject({ code: 'DISK', details: { paths: ['d/x', 'd/y', 'd'] } });
    expect(git(directory, 'ls-files')).toBe('a\nd/x\nd/y\nz\n');
    await workspace.close();
    chmodSync(join(directory, 'd'), 0o755);
    const { workspace: again } = await reopen();
    expect((await again.finish()).displaced).toEqual([]);
    expect(readFileSync(join(directory, 'd'), 'utf8')).toBe('a file now\n');
    expect(soundness(directory)).toEqual(CLEAN);
    await again.close();
  });
});
