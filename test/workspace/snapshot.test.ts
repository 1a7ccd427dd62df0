import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { accepted, by, git, openWorkspace, refused, temporaryDirectory } from './support/harness.ts';

const BYTES = new Uint8Array([0, 255, 1, 254]);

describe('Z1–Z3: snapshots', () => {
  test('the copy holds what is current, text and bytes, as files of its own', async () => {
    const { workspace, directory } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'src/deep/a.py', content: 'print(1)\r\n' }, by('A')));
    const { base } = accepted(await workspace.writeFile({ path: 'logo.bin', content: BYTES }, by('A')));
    accepted(await workspace.writeFile({ path: 'gone', content: 'x' }, by('A')));
    const { base: last } = accepted(await workspace.readFile({ path: 'gone' }));
    accepted(await workspace.removeFile({ path: 'gone', base: last }, by('A')));
    const copy = temporaryDirectory();
    const result = accepted(await workspace.snapshot({ directory: copy }));
    expect(result).toMatchObject({ bytes: 14, skipped: [] });
    expect(result.files.map((file) => file.path)).toEqual(['logo.bin', 'src/deep/a.py']);
    expect(result.files[0]).toEqual({ path: 'logo.bin', base, size: 4 });
    expect(readFileSync(join(copy, 'src/deep/a.py'), 'utf8')).toBe('print(1)\r\n');
    expect(new Uint8Array(readFileSync(join(copy, 'logo.bin')))).toEqual(BYTES);
    expect(readdirSync(copy).sort()).toEqual(['logo.bin', 'src']);
    expect(lstatSync(join(copy, 'logo.bin')).nlink).toBe(1);
    expect(git(directory, 'rev-parse', 'HEAD').trim()).toBe(result.commit);
    await workspace.close();
  });

  test('an older commit can be had; what is no commit is NOT_FOUND', async () => {
    const { workspace } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: 'one' }, by('A')));
    const first = accepted(await workspace.snapshot({ directory: temporaryDirectory() }));
    accepted(await workspace.writeFile({ path: 'a', content: 'two', base }, by('A')));
    accepted(await workspace.writeFile({ path: 'b', content: 'b' }, by('A')));
    const copy = temporaryDirectory();
    const again = accepted(await workspace.snapshot({ directory: copy, commit: first.commit ?? '' }));
    expect(again).toEqual(first);
    expect(readFileSync(join(copy, 'a'), 'utf8')).toBe('one');
    for (const commit of ['f'.repeat(40), base, 'HEAD', '--help']) {
      const error = refused(await workspace.snapshot({ directory: temporaryDirectory(), commit }));
      expect(error.code, commit).toBe('NOT_FOUND');
    }
    await workspace.close();
  });

  test('links and submodules of a repository are left out and named; modes are kept', async () => {
    const directory = temporaryDirectory();
    git(directory, 'init', '-q');
    writeFileSync(join(directory, 'run.sh'), 'echo\n');
    chmodSync(join(directory, 'run.sh'), 0o755);
    symlinkSync('/etc/passwd', join(directory, 'link'));
    git(directory, 'add', '.');
    git(directory, 'commit', '-qm', 'first');
    const { workspace } = await openWorkspace({ directory });
    const copy = temporaryDirectory();
    const result = accepted(await workspace.snapshot({ directory: copy }));
    expect(result).toMatchObject({ files: [{ path: 'run.sh' }], skipped: ['link'] });
    expect(lstatSync(join(copy, 'run.sh')).mode & 0o777).toBe(0o755);
    expect(existsSync(join(copy, 'link'))).toBe(false);
    await workspace.close();
  });

  test('Z2: a directory that is no place for a snapshot is refused, and nothing is written', async () => {
    const { workspace, directory } = await openWorkspace();
    accepted(await workspace.writeFile({ path: 'a', content: 'one' }, by('A')));
    const full = temporaryDirectory();
    writeFileSync(join(full, 'mine'), 'mine');
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(temporaryDirectory(), link);
    mkdirSync(join(directory, 'inside'));
    for (const bad of [full, link, join(full, 'missing'), 'relative', join(directory, 'inside')]) {
      expect(refused(await workspace.snapshot({ directory: bad })).code).toBe('INVALID_ARGUMENTS');
    }
    expect(readdirSync(full)).toEqual(['mine']);
    await workspace.close();
  });

  test('what is larger than was allowed is TOO_LARGE', async () => {
    const { workspace } = await openWorkspace();
    for (const path of ['a', 'b', 'c']) accepted(await workspace.writeFile({ path, content: 'four' }, by('A')));
    const ask = async (limits: { filesMax?: number; bytesMax?: number }): Promise<string> => {
      const result = await workspace.snapshot({ directory: temporaryDirectory(), ...limits });
      return result.ok ? 'ok' : result.error.code;
    };
    expect(await ask({ filesMax: 2 })).toBe('TOO_LARGE');
    expect(await ask({ bytesMax: 11 })).toBe('TOO_LARGE');
    expect(await ask({ filesMax: 3, bytesMax: 12 })).toBe('ok');
    await workspace.close();
  });

  test('snapshots and writes at the same time: each copy is one state', async () => {
    const { workspace } = await openWorkspace({ sync: false });
    const paths = Array.from({ length: 80 }, (_, number) => `f${number}`);
    await Promise.all(paths.map((path) => workspace.writeFile({ path, content: '0' }, by('A'))));
    const write = async (round: number): Promise<void> => {
      const changes = [];
      for (const path of paths) {
        const { base } = accepted(await workspace.readFile({ path }));
        changes.push({ path, content: String(round), base });
      }
      accepted(await workspace.applyChanges({ changes }, by('A')));
    };
    const writing = (async () => {
      for (let round = 1; round <= 5; round += 1) await write(round);
    })();
    const copies = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const copy = temporaryDirectory();
        accepted(await workspace.snapshot({ directory: copy }));
        return copy;
      }),
    );
    await writing;
    for (const copy of copies) {
      expect(new Set(paths.map((path) => readFileSync(join(copy, path), 'utf8'))).size).toBe(1);
    }
    await workspace.close();
  });
});

describe('W2, W3: applying what changed in a copy', () => {
  test('each file by itself: written, merged, removed, unchanged, conflict, refused', async () => {
    const { workspace } = await openWorkspace();
    const lines = 'a\nb\nc\nd\ne\n';
    const bases = new Map<string, string>();
    for (const path of ['merge', 'clash', 'remove', 'removed-by-both', 'kept', 'edited', 'same']) {
      bases.set(path, accepted(await workspace.writeFile({ path, content: lines }, by('A'))).base);
    }
    const edit = async (path: string, content: string): Promise<void> => {
      accepted(await workspace.writeFile({ path, content, base: bases.get(path) }, by('B')));
    };
    await edit('merge', lines.replace('a', 'A'));
    await edit('clash', lines.replace('a', 'B'));
    await edit('kept', lines.replace('a', 'B'));
    for (const path of ['removed-by-both', 'edited']) {
      accepted(await workspace.removeFile({ path, base: bases.get(path) ?? '' }, by('B')));
    }
    accepted(await workspace.writeFile({ path: 'new-by-both', content: 'B' }, by('B')));
    const base = (path: string): string | null => bases.get(path) ?? null;
    const call = by('C', 'C/1/run');
    const changes = [
      { path: 'merge', content: lines.replace('e', 'E'), base: base('merge') },
      { path: 'clash', content: lines.replace('a', 'C'), base: base('clash') },
      { path: 'remove', content: null, base: base('remove') },
      { path: 'removed-by-both', content: null, base: base('removed-by-both') },
      { path: 'kept', content: null, base: base('kept') },
      { path: 'edited', content: 'other', base: base('edited') },
      { path: 'same', content: lines, base: base('same') },
      { path: 'new', content: BYTES, base: null },
      { path: 'new-by-both', content: 'C', base: null },
      { path: '../out', content: 'x', base: null },
      { path: '.git/hooks/post-commit', content: 'x', base: null },
      { path: 'new', content: 'twice', base: null },
      { path: 'new/below', content: 'x', base: null },
    ];
    const result = accepted(await workspace.applyChanges({ changes }, call));
    expect(result.files.map(({ path, status }) => `${path} ${status}`)).toEqual([
      '../out refused',
      '.git/hooks/post-commit refused',
      'clash conflict',
      'edited conflict',
      'kept conflict',
      'merge merged',
      'new written',
      'new refused',
      'new-by-both conflict',
      'new/below refused',
      'remove removed',
      'removed-by-both unchanged',
      'same unchanged',
    ]);
    expect(accepted(await workspace.readFile({ path: 'merge' })).content).toBe('A\nb\nc\nd\nE\n');
    expect(accepted(await workspace.readFile({ path: 'clash' })).content).toBe(lines.replace('a', 'B'));
    expect(accepted(await workspace.readFile({ path: 'kept' })).content).toBe(lines.replace('a', 'B'));
    expect(refused(await workspace.readFile({ path: 'edited' })).code).toBe('NOT_FOUND');
    expect(await workspace.applyChanges({ changes }, call)).toEqual(result);
    await workspace.close();
  });

  test('a file becomes a directory, and a directory a file', async () => {
    const { workspace, directory } = await openWorkspace();
    const one = accepted(await workspace.writeFile({ path: 'a', content: '1' }, by('A')));
    const two = accepted(await workspace.writeFile({ path: 'd/e', content: '2' }, by('A')));
    const changes = [
      { path: 'a/b', content: '3', base: null },
      { path: 'd', content: '4', base: null },
      { path: 'a', content: null, base: one.base },
      { path: 'd/e', content: null, base: two.base },
    ];
    const { files } = accepted(await workspace.applyChanges({ changes }, by('A')));
    expect(files.map((file) => file.status)).toEqual(['removed', 'written', 'written', 'removed']);
    await workspace.finish();
    expect(git(directory, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('a/b\nd\n');
    expect(git(directory, 'status', '--porcelain')).toBe('');
    await workspace.close();
  });

  test('what was applied in one is in git in one commit, also where a batch would end within it', async () => {
    const { workspace, directory } = await openWorkspace({ limits: { batchCountMax: 3, commitDelayMs: 100_000 } });
    const apply = async (names: string): Promise<void> => {
      const changes = names.split('').map((path) => ({ path, content: path, base: null }));
      accepted(await workspace.applyChanges({ changes }, by('A')));
    };
    await Promise.all([apply('ab'), apply('cdefg'), apply('h')]);
    await workspace.flush();
    const commits = git(directory, 'log', '--reverse', '--format=%H').trim().split('\n');
    expect(commits.length).toBeGreaterThan(1);
    for (const commit of commits) {
      const files = git(directory, 'ls-tree', '--name-only', commit).replaceAll('\n', '');
      expect(files).toMatch(/^(?:ab)?(?:cdefg)?h?$/u);
    }
    await workspace.close();
  });

  test('a file that is too large is refused, and no other', async () => {
    const { workspace } = await openWorkspace();
    const changes = [
      { path: 'f', content: 'x'.repeat(1024 * 1024 + 1), base: null },
      { path: 'g', content: 'x', base: null },
    ];
    const { files } = accepted(await workspace.applyChanges({ changes }, by('A')));
    expect(files.map(({ status }) => status)).toEqual(['refused', 'written']);
    await workspace.close();
  });

  test('W3, W8: more than a slice is made in slices; after a crash between them a repeat makes those that are missing', async () => {
    const limits = { applySlice: { countMax: 2, bytesMax: 1_000 }, commitDelayMs: 100_000 };
    const { directory, store, workspace: first } = await openWorkspace({ limits });
    const { base: old } = accepted(await first.writeFile({ path: 'old', content: 'old' }, by('A')));
    const { base: room } = accepted(await first.writeFile({ path: 'room', content: 'x' }, by('A')));
    await first.close();
    const failing: typeof store = {
      ...store,
      commit: async (group) => {
        if (group.effectId === 'C/1/run#1') throw new Error('the power is gone');
        return await store.commit(group);
      },
    };
    const changes = [
      { path: '../out', content: 'x', base: null },
      { path: 'old', content: null, base: old },
      { path: 'room', content: null, base: room },
      { path: 'room/a', content: 'a', base: null },
      { path: 'b', content: 'b', base: null },
      { path: 'c', content: 'c', base: null },
    ];
    const call = by('C', 'C/1/run');
    const { workspace: broken } = await openWorkspace({ directory, store: failing, limits });
    await expect(broken.applyChanges({ changes }, call)).rejects.toThrow('the power is gone');

    const { workspace } = await openWorkspace({ directory, store, limits });
    // One slice is there. What is removed goes last, so nothing is gone but what stood in the way.
    expect(accepted(await workspace.listFiles()).files).toEqual(['old', 'room/a']);
    const { base } = accepted(await workspace.readFile({ path: 'room/a' }));
    accepted(await workspace.writeFile({ path: 'room/a', content: 'of B', base }, by('B')));
    const result = accepted(await workspace.applyChanges({ changes }, call));
    expect(result.files.map(({ path, status }) => `${path} ${status}`)).toEqual([
      '../out refused',
      'b written',
      'c written',
      'old removed',
      'room removed',
      'room/a written',
    ]);
    expect(accepted(await workspace.readFile({ path: 'room/a' })).content).toBe('of B');
    expect(await workspace.applyChanges({ changes }, call)).toEqual(result);
    await workspace.finish();
    expect(git(directory, 'ls-tree', '-r', '--name-only', 'HEAD')).toBe('b\nc\nroom/a\n');
    await workspace.close();
  });
});
