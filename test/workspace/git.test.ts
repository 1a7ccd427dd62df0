import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CommitInfo } from '../../src/workspace/index.ts';
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
    expect(await workspace.finish()).toEqual({ commit: null, displaced: [], packs: 'few' });
    await workspace.close();
    expect(git(directory, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(directory, '.git', 'HEAD'))).toBe(true);
  });

  test('O3, O4: many packs are folded by stock git, and no version and no reader is lost', async () => {
    const { workspace, directory, reopen } = await openWorkspace({ sync: false });
    const text = (round: number): string =>
      Array.from({ length: 60 }, (_, line) => `${round} ${line * 7919}`).join('\n');
    let base: string | undefined;
    const rounds = 47;
    for (let round = 0; round < rounds; round += 1) {
      base = accepted(await workspace.writeFile({ path: 'a', content: text(round), base }, by('A'))).base;
      await workspace.flush();
    }
    const packs = (): string[] =>
      readdirSync(join(directory, '.git/objects/pack')).filter((name) => name.endsWith('.pack'));
    const before = packs();
    expect(before.length).toBeGreaterThanOrEqual(8);
    const kept = before[0] ?? '';
    writeFileSync(join(directory, '.git/objects/pack', kept.replace('.pack', '.keep')), '');
    expect((await workspace.finish()).packs).toBe('folded');
    const after = packs();
    expect(after).toHaveLength(2);
    expect(after).toContain(kept);
    // Who had the old ones open, and who comes later, reads every version.
    expect(accepted(await workspace.history({ path: 'a' })).versions).toHaveLength(rounds);
    accepted(await workspace.appendFile({ path: 'a', content: 'more' }, by('B')));
    await workspace.finish();
    const { workspace: again } = await reopen();
    expect(accepted(await again.history({ path: 'a', limit: 100 })).versions).toHaveLength(rounds + 1);
    for (let round = 0; round < rounds; round += 1) {
      expect(git(directory, 'show', `HEAD~${rounds - round}:a`)).toBe(text(round));
    }
    expect(soundness(directory)).toEqual(CLEAN);
    await again.close();
  });

  test('without git, or with one that fails, the packs stay and the run ends as it does', async () => {
    const { workspace, directory } = await openWorkspace({ sync: false });
    for (let round = 0; round < 30; round += 1) {
      accepted(await workspace.appendFile({ path: 'a', content: `round ${round}` }, by('A')));
      await workspace.flush();
    }
    const path = process.env['PATH'];
    const bin = temporaryDirectory();
    try {
      process.env['PATH'] = bin;
      expect((await workspace.finish()).packs).toBe('no-git');
      writeFileSync(join(bin, 'git'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      expect((await workspace.finish()).packs).toBe('failed');
    } finally {
      process.env['PATH'] = path;
    }
    expect(readFileSync(join(directory, 'a'), 'utf8')).toContain('round 29');
    await workspace.close();
    expect(soundness(directory)).toEqual(CLEAN);
  });
});
