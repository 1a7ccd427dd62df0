import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { resumeRun, runSociety, type ResumeOptions, type RunOptions } from '../../src/run/index.ts';
import { command, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

test('a misspelt option is refused with the names that there are, and a goal that is no text', async () => {
  const runDir = join(directory.path, 'run');
  const misspelt = { runDir, maxAgent: 3, budget: 1 } as RunOptions;
  await expect(runSociety('x', misspelt).report).rejects.toMatchObject({
    code: 'USAGE',
    message: 'there is no option maxAgent, budget',
    hint: expect.stringContaining('maxAgents') as unknown,
  });
  const ofRuns = { maxAgents: 3 } as ResumeOptions;
  await expect(resumeRun(runDir, ofRuns).report).rejects.toMatchObject({ code: 'USAGE' });
  const number: unknown = 123;
  await expect(runSociety(number as string, { runDir }).report).rejects.toMatchObject({ code: 'USAGE' });
  expect(existsSync(runDir)).toBe(false);
});

test.runIf(existsSync('/proc/self'))('a directory where nobody can make one is refused', async () => {
  const { exitCode, stderr } = await command(['run', 'x', '--run-dir', '/proc/megactor/run']);
  expect(exitCode, stderr).toBe(1);
  expect(stderr).toMatch(/cannot make \/proc\/megactor\/run: ENOENT.*\[DISK\]/u);
  const own = join(directory.path, 'elsewhere');
  const elsewhere = await command(['run', 'x', '--run-dir', own, '--workspace', '/proc/megactor/files']);
  expect(elsewhere.exitCode, elsewhere.stderr).toBe(1);
  expect(elsewhere.stderr).toMatch(/cannot make \/proc\/megactor\/files: ENOENT.*\[DISK\]/u);
});
