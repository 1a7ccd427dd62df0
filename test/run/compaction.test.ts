/** Runs whose histories outgrow the context of their model: killed, resumed, replayed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { replayRun, resumeRun, runSociety, type RunOptions } from '../../src/run/index.ts';
import { filesBelow, startCommand, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const GOAL = 'Write a guide to a small island';
/** Short windows; and the prompt, the tools and the mail that asks for the final review do not fit together. */
const CONFIG = { limits: { historyTokensMax: 900 }, model: { contextTokens: 4_700, maxTokens: 1_000 } };
const OPTIONS: RunOptions = { seed: 5, maxAgents: 16, durability: 'committed', deterministic: true, shards: 2 };

test('D4 D5 a run with a short context ends with the files of one with a long one, also killed and resumed, and replays', async () => {
  const path = (name: string): string => join(directory.path, name);
  const long = await runSociety(GOAL, { ...OPTIONS, runDir: path('long') }).report;
  const short = runSociety(GOAL, { ...OPTIONS, config: CONFIG, runDir: path('short') });
  let cuts = 0;
  let summaries = 0;
  for await (const event of short.events) {
    if (event.type === 'limit' && event['limit'] === 'window') cuts += 1;
    if (event.type === 'modelCall' && event['sentAs'] === '_compactor') summaries += 1;
  }
  const summary = await short.report;
  expect(summary).toMatchObject({ status: 'completed', restarts: 0 });
  expect(summaries).toBeGreaterThan(2);
  expect(cuts).toBe(0);
  // Summaries are calls of their agents, and looking once more at a file may be one.
  expect(summary.modelCalls).toBeGreaterThanOrEqual(long.modelCalls + summaries);
  expect(filesBelow(summary.workspace)).toEqual(filesBelow(long.workspace));
  expect((await replayRun(summary.runDir)).diverged).toBeNull();

  writeFileSync(path('config.json'), JSON.stringify(CONFIG));
  const killed = startCommand(
    [
      'run',
      GOAL,
      '--deterministic',
      '--seed',
      '5',
      '--max-agents',
      '16',
      '--shards',
      '2',
      '--durability',
      'committed',
    ].concat(['--config', 'config.json', '--run-dir', 'killed', '--quiet']),
    { cwd: directory.path, env: { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'append.after:60' } },
  );
  expect((await killed.result).signal).toBe('SIGKILL');
  const resumed = await resumeRun(path('killed')).report;
  expect(resumed).toMatchObject({ status: 'completed', deadLetters: 0 });
  expect(filesBelow(resumed.workspace)).toEqual(filesBelow(long.workspace));
  expect((await replayRun(resumed.runDir)).diverged).toBeNull();
});
