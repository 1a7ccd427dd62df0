/** S2 when a run cannot write its report: nothing says that it still runs, and it can go on. */
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { resumeRun, runSociety } from '../../src/run/index.ts';
import { temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

test('S1 S2 the report cannot be written: the run fails, says so, and goes on when it can', async () => {
  const runDir = join(directory.path, 'run');
  const run = runSociety('goal', { model: 'rehearsal', maxAgents: 3, runDir, seed: 1 });
  await run.runId;
  mkdirSync(join(runDir, 'report.json'));
  await expect(run.report).rejects.toThrow(/report\.json/u);
  const { status, reason } = JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8')) as Record<string, unknown>;
  expect({ status, reason }).toEqual({ status: 'failed', reason: 'internal' });
  rmdirSync(join(runDir, 'report.json'));
  expect(await resumeRun(runDir).report).toMatchObject({ status: 'completed', agents: 3 });
});
