/** Folding by a stock git that fails, hangs, or outlives the process that started it (O5). */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/platform/index.ts';
import { foldPacks, removeFolding } from '../../src/workspace/fold.ts';
import { git } from './support/git.ts';
import { accepted, by, openWorkspace, temporaryDirectory } from './support/harness.ts';

afterEach(() => vi.unstubAllEnvs());

/** A workspace with some packs. */
const withPacks = async (): Promise<Awaited<ReturnType<typeof openWorkspace>> & { gitDirectory: string }> => {
  const opened = await openWorkspace({ sync: false });
  for (let round = 0; round < 47; round += 1) {
    accepted(await opened.workspace.appendFile({ path: 'a', content: `round ${round}` }, by('A')));
    await opened.workspace.flush();
  }
  return { ...opened, gitDirectory: join(opened.directory, '.git') };
};

const leftIn = (gitDirectory: string): string[] =>
  (readdirSync(gitDirectory, { recursive: true }) as string[]).filter((name) => /tmp_pack|fold\//u.test(name));

/** Puts a `git` of these lines of shell before the machine's own. */
const replaceGit = (lines: readonly string[]): string => {
  const bin = temporaryDirectory();
  writeFileSync(join(bin, 'git'), ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
  return bin;
};

const packsOf = (gitDirectory: string): string[] =>
  readdirSync(join(gitDirectory, 'objects/pack')).flatMap((name) =>
    name.endsWith('.pack') ? [name.slice(0, -'.pack'.length)] : [],
  );

test('O5 a git that fails leaves nothing of what it had begun', async () => {
  const { workspace, gitDirectory } = await withPacks();
  replaceGit([': > "${GIT_OBJECT_DIRECTORY:-$GIT_DIR/objects}/pack/tmp_pack_begun"', 'exit 1']);
  expect((await workspace.finish()).packs).toBe('failed');
  expect(leftIn(gitDirectory)).toEqual([]);
  await workspace.close();
});

test('O5 what a killed process left of a fold goes with the next opening, and nothing that is not its own', async () => {
  const { workspace, gitDirectory, reopen } = await withPacks();
  await workspace.close();
  mkdirSync(join(gitDirectory, 'megactor/fold/1-1/pack'), { recursive: true });
  writeFileSync(join(gitDirectory, 'megactor/fold/1-1/pack/tmp_pack_old'), 'half');
  writeFileSync(join(gitDirectory, 'objects/pack/tmp_pack_of_somebody'), 'half');
  const { workspace: again } = await reopen();
  expect(leftIn(gitDirectory)).toEqual(['objects/pack/tmp_pack_of_somebody']);
  await again.close();
});

test('O5 a git that outlives its process does not get in the way of the next fold, and comes to nothing', async () => {
  const { workspace, directory, gitDirectory } = await withPacks();
  const real = process.env['PATH'] ?? '';
  const bin = replaceGit([]);
  writeFileSync(
    join(bin, 'git'),
    [
      '#!/bin/sh',
      `: > ${bin}/runs`,
      `until [ -e ${bin}/go ]; do sleep 0.02; done`,
      `PATH='${real}' exec git "$@"`,
    ].join('\n'),
  );
  const parts = { gitDirectory, deadlineMs: 60_000, clock: systemClock };
  const packs = packsOf(gitDirectory);
  const orphan = foldPacks({ ...parts, packs });
  await expect.poll(() => existsSync(join(bin, 'runs'))).toBe(true);
  // As the next opening does.
  await removeFolding(gitDirectory);
  vi.unstubAllEnvs();
  const next = await foldPacks({ ...parts, packs });
  expect(next.kind).toBe('folded');
  writeFileSync(join(bin, 'go'), '');
  expect((await orphan).kind).toBe('failed');
  expect(leftIn(gitDirectory)).toEqual([]);
  expect(git(directory, 'fsck', '--strict', '--full')).toBe('');
  expect(git(directory, 'cat-file', '-p', 'HEAD:a')).toContain('round 46');
  await workspace.close();
});
