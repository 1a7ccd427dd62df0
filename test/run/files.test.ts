/** `files`: what a run wrote, its history and its lines, while it is on, after it, and without a journal. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runFiles, runSociety } from '../../src/run/index.ts';
import type { RunFiles, RunSummary } from '../../src/run/types.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';
import { git } from '../workspace/support/git.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const OPTIONS = { seed: 3, maxAgents: 7, durability: 'committed', rehearsal: { scenario: 'team' } } as const;
let whole: RunSummary;
let path: string;
beforeAll(async () => {
  const shape = { admins: 1, workersPerAdmin: 5 };
  const rehearsal = { ...OPTIONS.rehearsal, shape };
  whole = await runSociety('Write', { ...OPTIONS, rehearsal, runDir: join(directory.path, 'whole') }).report;
  expect(whole).toMatchObject({ status: 'completed', files: 5 });
  path = (await runFiles(whole.runDir)).files[0]?.path ?? '';
});

test('the list has every file with its author, size and commit', async () => {
  const result = await command(['files', whole.runDir, '--json']);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  const files = jsonLine(result) as RunFiles;
  const workspace = join(whole.runDir, 'workspace');
  expect(files).toMatchObject({ runId: whole.runId, status: 'completed', branch: 'main', workspace });
  const listed = git(workspace, 'ls-tree', '-r', '--name-only', 'HEAD').trimEnd().split('\n');
  expect(files.files.map((file) => file.path)).toEqual(listed);
  for (const file of files.files) {
    expect(file.commit).toBe(git(workspace, 'log', '-1', '--format=%H', '--', file.path).trim());
    expect(file.size).toBe(git(workspace, 'show', `HEAD:${file.path}`).length);
    expect(file.author).not.toBe('');
  }
  const told = await command(['files', whole.runDir]);
  expect(told.stdout.split('\n')).toHaveLength(5 + 3);
  expect(told.stdout).toContain(`5 files on branch main of ${workspace}`);
});

test('--log and --blame name the commits and authors', async () => {
  const { files, log } = jsonLine(await command(['files', whole.runDir, '--log', path, '--json'])) as RunFiles;
  expect(log).toMatchObject({ path, versions: [{ commit: files[0]?.commit, authors: [files[0]?.author] }] });
  const { blame } = jsonLine(await command(['files', whole.runDir, '--blame', path, '--json'])) as RunFiles;
  const text = git(whole.workspace, 'show', `HEAD:${path}`).trimEnd().split('\n');
  expect(blame?.lines.map((line) => line.text)).toEqual(text);
  expect(new Set(blame?.lines.map((line) => line.commit))).toEqual(new Set([files[0]?.commit]));
  const told = await command(['files', whole.runDir, '--blame', path]);
  expect(told.stdout.trimEnd().split('\n')).toHaveLength(text.length);
  expect((await command(['files', whole.runDir, '--log', path])).stdout).toContain(String(files[0]?.author));
});

test.each([
  [['--log', 'nothing.md'], 2, /no text file nothing\.md.*megactor files RUN_DIR.*\[FILE_NOT_FOUND\]/u],
  [['--log', 'a', '--blame', 'a'], 2, /two questions/u],
])('%j is an error of one line', async (words, exitCode, expected) => {
  const result = await command(['files', whole.runDir, ...words]);
  expect(result).toMatchObject({ exitCode, stdout: '' });
  expect(result.stderr).toMatch(expected);
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('a directory that is no run, and a path that no file can have, are refused', async () => {
  await expect(runFiles(join(directory.path, 'none'))).rejects.toMatchObject({ code: 'RUN_DIR_NOT_FOUND' });
  await expect(runFiles(whole.runDir, { blame: '../run.json' })).rejects.toMatchObject({ code: 'USAGE' });
});

test('a run without a journal has its files from git', { tags: 'long' }, async () => {
  const runDir = join(directory.path, 'none-durable');
  const run = await runSociety('Write', { ...OPTIONS, durability: 'none', runDir }).report;
  const { files } = await runFiles(runDir);
  expect(files).toHaveLength(run.files);
  expect((await runFiles(runDir, { log: files[0]?.path ?? '' })).log?.versions).toHaveLength(1);
});

test('while a run is on, files appear as they are written', async () => {
  const runDir = join(directory.path, 'on');
  const run = runSociety('Write', { ...OPTIONS, rehearsal: { scenario: 'team', latencyMs: 100 }, runDir });
  const seen: number[] = [];
  for (let looks = 0; looks < 1_000 && seen.at(-1) !== 5; looks += 1) {
    const found = await runFiles(runDir).catch(() => undefined);
    if (found !== undefined) seen.push(found.files.length);
    if (found?.status === 'completed') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await run.report;
  expect(Math.max(...seen)).toBeGreaterThan(0);
  expect(seen).toEqual(seen.toSorted((left, right) => left - right));
});
