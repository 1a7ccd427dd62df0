/** A model that cannot be used: the run has failed, everything that is said of it agrees that it can go on, and it does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { inspectRun, resumeRun, runSociety, tellRun } from '../../src/run/index.ts';
import { command, temporaryDirectory } from '../support/command.ts';
import { startScriptedServer, type ScriptedAnswer } from '../support/scripted-server.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
afterEach(() => vi.unstubAllEnvs());

const call = (name: string, args: object): ScriptedAnswer => ({
  toolCalls: [{ name, arguments: JSON.stringify(args) }],
});
const GONE: ScriptedAnswer = { status: 404, raw: { error: { code: 'model_not_found', message: 'no such model' } } };

test('a run that failed because its model was not there goes on: status, hint, handle and commands say the same', async () => {
  let plans = false;
  let works = false;
  const server = await startScriptedServer(({ agent }) => {
    if (agent === '_planner') return plans ? call('submit_plan', { goal: 'g', agents: [], items: [] }) : GONE;
    return works ? call('terminate', { summary: 'done' }) : GONE;
  });
  vi.stubEnv('OPENAI_BASE_URL', server.baseUrl);
  vi.stubEnv('OPENAI_API_KEY', 'test-key');
  const runDir = join(directory.path, 'run');
  const options = {
    model: 'openai:m',
    sandbox: 'off' as const,
    review: 'none' as const,
    shards: 2,
    threads: 1,
    seed: 1,
  };
  // There is nothing to report of yet, so the failure itself says where it goes on.
  await expect(runSociety('goal', { ...options, runDir }).report).rejects.toMatchObject({
    code: 'MODEL_UNKNOWN',
    hint: expect.stringContaining(`megactor resume ${runDir}`) as unknown,
  });
  expect(JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8'))).toMatchObject({
    status: 'failed',
    reason: 'model-unreachable',
  });

  plans = true;
  const failed = await command(['resume', runDir], {
    env: { OPENAI_BASE_URL: server.baseUrl, OPENAI_API_KEY: 'test-key' },
  });
  expect(failed).toMatchObject({
    exitCode: 1,
    stdout: /failed after [^\n]*: the model cannot be used, or its server/u,
  });
  expect(failed.stdout).toMatch(/resume \S+run\s+go on where it failed, once the cause is gone/u);
  expect(await inspectRun(runDir)).toMatchObject({ status: 'failed' });
  expect(await tellRun(runDir, 'Boss', 'Hello?')).toMatchObject({ status: 'failed', agent: 'Boss' });

  const again = resumeRun(runDir);
  expect(await again.report).toMatchObject({ status: 'failed', reason: 'model-unreachable' });
  works = true;
  const next = await again.continue();
  expect(await next.report).toMatchObject({ status: 'completed', agents: 1 });
  await server.stop();
});
