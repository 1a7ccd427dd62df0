import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Workspace, createMemoryStore, type CommitInfo } from '../../src/workspace/index.ts';
import { accepted, by, git, openWorkspace, soundness, temporaryDirectory } from './support/harness.ts';

const CLEAN = { fsck: '', status: '' };

describe('W7: what stock git sees', () => {
  test('a finished workspace is a sound repository whose work tree equals HEAD', async () => {
    const commits: CommitInfo[] = [];
    const { workspace, directory } = await openWorkspace({ onCommit: (info) => commits.push(info) });
    const files = { 'a.md': 'A\n', 'docs/b.md': 'B\r\n', 'docs/deep/c': '', 'docs-x': 'é\n', '-x y/ü.txt': 'text' };
    await Promise.all(
      Object.entries(files).map(([path, content], index) =>
        workspace.writeFile({ path, content }, by(index === 0 ? 'Boss' : 'Health')),
      ),
    );
    const { commit, displaced } = await workspace.finish();
    expect(displaced).toEqual([]);
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'rev-parse', 'HEAD').trim()).toBe(commit);
    expect(git(directory, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/main');
    for (const [path, content] of Object.entries(files)) {
      expect(readFileSync(join(directory, path), 'utf8')).toBe(content);
    }
    expect(commits).toHaveLength(workspace.stats().commits);
    expect(workspace.fileRows().map((row) => row.path)).toEqual(Object.keys(files).sort());
    expect(workspace.fileRows().every((row) => row.commit === commit)).toBe(true);
    await workspace.close();
    const clone = temporaryDirectory();
    git(clone, 'clone', '-q', directory, 'copy');
    expect(readFileSync(join(clone, 'copy', 'docs/b.md'), 'utf8')).toBe('B\r\n');
  });

  test('writes that arrive together are one commit with a trailer per author', async () => {
    const { workspace, directory } = await openWorkspace({ runId: 'r7' });
    await Promise.all(
      Array.from({ length: 50 }, (_, number) =>
        workspace.writeFile({ path: `f${number}.md`, content: `${number}` }, by(`Agent${number % 3}`)),
      ),
    );
    await workspace.flush();
    expect(workspace.stats().commits).toBe(1);
    const trailers = git(directory, 'log', '-1', '--format=%(trailers:key=Megactor-Author,valueonly,separator=%x2C)');
    expect(trailers.trim()).toBe('Agent0,Agent1,Agent2');
    expect(git(directory, 'log', '-1', '--format=%s|%an|%cn').trim()).toBe('Write 50 files|Megactor|Megactor');
    expect(git(directory, 'log', '-1', '--format=%(trailers:key=Megactor-Run,valueonly)').trim()).toBe('r7');
    accepted(await workspace.writeFile({ path: 'g.md', content: 'g' }, by('Alone')));
    await workspace.flush();
    expect(git(directory, 'log', '-1', '--format=%s|%an').trim()).toBe('Write g.md|Alone');
    await workspace.close();
  });

  test('the history of a file names commits and authors', async () => {
    const { workspace, directory } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a - b.md', content: '1\n' }, by('A')));
    await workspace.flush();
    accepted(await workspace.writeFile({ path: 'other.md', content: '1\n' }, by('X')));
    await workspace.flush();
    accepted(await workspace.writeFile({ path: 'a - b.md', content: '2\n', base }, by('B')));
    accepted(await workspace.appendFile({ path: 'a - b.md', content: '3' }, by('C')));
    const { versions } = accepted(await workspace.history({ path: 'a - b.md' }));
    expect(versions.map((version) => version.authors)).toEqual([['B', 'C'], ['A']]);
    const logged = git(directory, 'log', '--format=%H %cI', '--', 'a - b.md').trim().split('\n');
    expect(versions.map(({ commit, time }) => [commit, Date.parse(time)])).toEqual(
      logged.map((line) => [line.slice(0, 40), Date.parse(line.slice(41))]),
    );
    expect(accepted(await workspace.history({ path: 'a - b.md', limit: 1 })).versions).toHaveLength(1);
    await workspace.close();
  });

  test('many batches leave few packs, and every version stays readable', async () => {
    const { workspace, directory } = await openWorkspace({ sync: false });
    let base: string | undefined;
    for (let round = 0; round < 40; round += 1) {
      base = accepted(await workspace.writeFile({ path: 'a', content: `round ${round}\n`, base }, by('A'))).base;
      await workspace.flush();
    }
    const packs = Number(/packs: (\d+)/u.exec(git(directory, 'count-objects', '-v'))?.[1]);
    expect(packs).toBeLessThan(16);
    const { versions } = accepted(await workspace.history({ path: 'a' }));
    expect(versions).toHaveLength(40);
    await workspace.finish();
    await workspace.close();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(git(directory, 'show', 'HEAD~39:a')).toBe('round 0\n');
  });

  test('finish may be called twice, and follows changes and deletions in the work tree', async () => {
    const { workspace, directory } = await openWorkspace();
    const { base } = accepted(await workspace.writeFile({ path: 'a', content: '1\n' }, by('A')));
    await workspace.finish();
    accepted(await workspace.writeFile({ path: 'a', content: '2\n', base }, by('A')));
    accepted(await workspace.writeFile({ path: 'b/c', content: '3\n' }, by('A')));
    await workspace.finish();
    await workspace.finish();
    expect(soundness(directory)).toEqual(CLEAN);
    expect(readFileSync(join(directory, 'a'), 'utf8')).toBe('2\n');
    await workspace.close();
  });

  test('an empty run leaves an empty repository', async () => {
    const { workspace, directory } = await openWorkspace();
    expect(await workspace.finish()).toEqual({ commit: null, displaced: [] });
    await workspace.close();
    expect(git(directory, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(directory, '.git', 'HEAD'))).toBe(true);
  });

  test('a workspace opens in well under 200 ms', async () => {
    const directory = join(temporaryDirectory(), 'w');
    const start = performance.now();
    const workspace = await Workspace.open({ directory, runId: 'r', store: createMemoryStore() });
    expect(performance.now() - start).toBeLessThan(200);
    await workspace.close();
  });
});
