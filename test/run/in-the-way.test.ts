/** W7: what a person put where files of a run belong is named by the run, and so is what the run could not bring for it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runFiles } from '../../src/run/index.ts';
import type { RunSummary } from '../../src/run/types.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';
import { git } from '../workspace/support/git.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const put = (file: string, content: string): void => {
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, content);
};

test('a run whose files have no place fails with their names, and completes when there is a place', async () => {
  const runDir = join(directory.path, 'run');
  const workspace = join(runDir, 'workspace');
  const env = { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'commit.after:60' };
  const words = ['run', 'Write a guide', '--max-agents', '12', '--seed', '3', '--run-dir', runDir, '--quiet'];
  expect((await command(words, { env })).signal).toBe('SIGKILL');
  const [first, second] = (await runFiles(runDir)).files.map(({ path }) => path);
  if (first === undefined || second === undefined) throw new Error('no files');
  put(join(workspace, first), 'person\n');
  // Nothing can be moved there.
  put(join(workspace, '.git/megactor/displaced'), '');

  const failed = await command(['resume', runDir, '--quiet']);
  expect(failed.exitCode, failed.stderr).toBe(1);
  const told = new RegExp(
    `^ {2}error {3}not brought .*: ${first} \\(EEXIST: .*\\)\\. Move .* resume the run\\. \\[DISK\\]$`,
    'mu',
  );
  expect(failed.stdout).toMatch(told);
  const reportOf = (name: string): string => readFileSync(join(runDir, name), 'utf8');
  expect(reportOf('report.md')).toMatch(new RegExp(`^- error: not brought .*: ${first} .*\\[DISK\\]$`, 'mu'));
  expect(JSON.parse(reportOf('report.json'))).toMatchObject({
    status: 'failed',
    reason: 'disk',
    error: { code: 'DISK', message: expect.stringContaining(first) },
  });
  expect(readFileSync(join(workspace, first), 'utf8')).toBe('person\n');
  expect(readFileSync(join(workspace, second), 'utf8')).toBe(git(workspace, 'show', `HEAD:${second}`));
  expect(git(workspace, 'status', '--porcelain', '--untracked-files=no')).toMatch(new RegExp(`^.. ${first}\n$`, 'u'));

  rmSync(join(workspace, '.git/megactor/displaced'));
  const resumed = await command(['resume', runDir, '--quiet', '--json']);
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  const summary = jsonLine(resumed) as RunSummary;
  expect(summary).toMatchObject({ status: 'completed', displaced: [first] });
  expect(summary.error).toBeUndefined();
  expect(reportOf('report.md')).toContain(`- moved to .git/megactor/displaced: ${first}\n`);
  expect(git(workspace, 'status', '--porcelain')).toBe('');
});
