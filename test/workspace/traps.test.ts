/** W5 and X1 against what may stand, or be put, in the work tree: links, pipes, sockets, directories, hostile trees. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { checkOut } from '../../src/workspace/checkout.ts';
import { blobObject } from '../../src/workspace/git-objects.ts';
import { checkPath, parentsOf } from '../../src/workspace/path-jail.ts';
import { accepted, by, git, openWorkspace, soundness, temporaryDirectory } from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };
const FILES = ['a', 'd/b', 'd/e/c', 'd/e/f'];

const trap = fc.record({
  path: fc.constantFrom('a', 'd', 'd/b', 'd/e', 'd/e/c'),
  kind: fc.constantFrom('link out', 'link in', 'dangling link', 'pipe', 'directory', 'file', 'nothing' as const),
});

const put = (directory: string, outside: string, { path, kind }: { path: string; kind: string }): void => {
  const file = join(directory, path);
  for (const parent of parentsOf(path)) {
    const above = join(directory, parent);
    if (lstatSync(above, { throwIfNoEntry: false }) === undefined) mkdirSync(above);
    // One trap is in the way of the next: do not set it outside.
    if (!lstatSync(above).isDirectory()) throw new Error('a trap is in the way');
  }
  rmSync(file, { recursive: true, force: true });
  if (kind === 'link out')
    symlinkSync(path.endsWith('d') || path.endsWith('e') ? outside : join(outside, 'mine'), file);
  else if (kind === 'link in') symlinkSync('.git/config', file);
  else if (kind === 'dangling link') symlinkSync(join(outside, 'missing'), file);
  else if (kind === 'pipe') execFileSync('mkfifo', [file]);
  else if (kind === 'directory') mkdirSync(join(file, 'below'), { recursive: true });
  else if (kind === 'file') writeFileSync(file, 'somebody’s');
};

test('whatever stands in the way at the end of a run, the work tree becomes HEAD and nothing outside is touched', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(trap, { minLength: 1, maxLength: 3 }), fc.boolean(), async (traps, isFinishedBefore) => {
      const root = mkdtempSync(join(tmpdir(), 'megactor-workspace-'));
      const outside = join(root, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'mine'), 'mine');
      try {
        const { workspace, directory } = await openWorkspace({ directory: join(root, 'w'), sync: false });
        for (const path of FILES) accepted(await workspace.writeFile({ path, content: `${path}\n` }, by('A')));
        if (isFinishedBefore) {
          await workspace.finish();
          // With other content, so that the files are written again.
          for (const path of FILES) accepted(await workspace.appendFile({ path, content: 'more' }, by('A')));
        }
        const config = readFileSync(join(directory, '.git/config'), 'utf8');
        for (const one of traps) {
          try {
            put(directory, outside, one);
          } catch {
            // Then there is one trap less.
          }
        }
        await workspace.finish();
        expect(readdirSync(outside)).toEqual(['mine']);
        expect(readFileSync(join(outside, 'mine'), 'utf8')).toBe('mine');
        expect(readFileSync(join(directory, '.git/config'), 'utf8')).toBe(config);
        const { fsck, status } = soundness(directory);
        // A directory that somebody made beside the files stays; git does not see empty ones.
        expect({ fsck, status }).toEqual(CLEAN);
        await workspace.close();
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }),
    { numRuns: 15, verbose: 1 },
  );
});

test('X1: a directory that becomes a link in the middle of the checkout leads nowhere', async () => {
  const root = temporaryDirectory();
  const [directory, outside] = [join(root, 'w'), join(root, 'outside')];
  mkdirSync(join(directory, '.git'), { recursive: true });
  mkdirSync(join(directory, 'd/e'), { recursive: true });
  mkdirSync(join(outside, 'e'), { recursive: true });
  const content = 'secret\n';
  const file = (path: string): { path: string; mode: string; oid: string } => ({
    path,
    mode: '100644',
    oid: blobObject(content).oid,
  });
  let swaps = 0;
  const result = await checkOut({
    directory,
    gitDirectory: join(directory, '.git'),
    files: [file('d/e/a'), file('d/e/b')],
    clock: systemClock,
    known: new Map(),
    read: async () => {
      swaps += 1;
      renameSync(join(directory, 'd'), join(root, `moved${swaps}`));
      symlinkSync(outside, join(directory, 'd'));
      return Buffer.from(content);
    },
  });
  expect(swaps).toBe(2);
  expect(readdirSync(join(outside, 'e'))).toEqual([]);
  expect(result.displaced).toEqual(['d', 'd']);
  expect(readFileSync(join(directory, 'd/e/b'), 'utf8')).toBe(content);
});

test('a socket where a file should be is moved away', async () => {
  const { workspace, directory } = await openWorkspace({ sync: false });
  accepted(await workspace.writeFile({ path: 's', content: 'x' }, by('A')));
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(join(directory, 's'), resolve);
  });
  expect((await workspace.finish()).displaced).toEqual(['s']);
  expect(readFileSync(join(directory, 's'), 'utf8')).toBe('x');
  server.close();
  await workspace.close();
});

test.each(['..', '.git', '.GIT', 'git~1', '.g\u200cit', '.git ', '.git::$DATA'])(
  'a repository with a tree that has %j is refused',
  async (name) => {
    const directory = temporaryDirectory();
    git(directory, 'init', '-q', '-b', 'main');
    writeFileSync(join(directory, 'content'), 'x');
    const blob = git(directory, 'hash-object', '-w', 'content').trim();
    const leaf = Buffer.concat([Buffer.from('100644 out\0'), Buffer.from(blob, 'hex')]);
    const treeOf = (body: Buffer): string => {
      writeFileSync(join(directory, 'content'), body);
      return git(directory, 'hash-object', '-t', 'tree', '-w', '--literally', 'content').trim();
    };
    const below = treeOf(leaf);
    const tree = treeOf(Buffer.concat([Buffer.from(`40000 ${name}\0`), Buffer.from(below, 'hex')]));
    const commit = git(directory, 'commit-tree', tree, '-m', 'hostile').trim();
    git(directory, 'update-ref', 'refs/heads/main', commit);
    rmSync(join(directory, 'content'));
    await expect(openWorkspace({ directory })).rejects.toMatchObject({ code: 'WORKSPACE_FOREIGN' });
    expect(existsSync(join(directory, '..', 'out'))).toBe(false);
  },
);

test('P2: git itself takes every path that the jail takes, with all its protections on', () => {
  const letters = fc.constantFrom(...'.gitGIT~1:$ \u200c\ufeff'.split(''), 'a', 'modules', 'attributes', 'ü', '\u0130');
  const name = fc.array(letters, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
  const directory = temporaryDirectory();
  git(directory, 'init', '-q');
  writeFileSync(join(directory, 'x'), 'x');
  const blob = git(directory, 'hash-object', '-w', 'x').trim();
  const given = [...fc.sample(path, { numRuns: 3_000, seed: 11 }), '.gitignore', 'git~', '...'];
  // Each in a directory of its own, since a file is no directory.
  const taken = given.flatMap((one, index) => {
    const checked = checkPath(one);
    return checked.ok ? [`${index}/${checked.path}`] : [];
  });
  expect(taken.length).toBeGreaterThan(500);
  const lines = taken.map((one) => `100644 ${blob}\t${one}\0`).join('');
  const protections = ['-c', 'core.protectNTFS=true', '-c', 'core.protectHFS=true'];
  execFileSync('git', [...protections, 'update-index', '-z', '--index-info'], { cwd: directory, input: lines });
  expect(git(directory, 'ls-files', '-z').split('\0').filter(Boolean)).toHaveLength(taken.length);
});
