/** Budgets of real runs: where they pause, what a resumed run comes to, who is told, what the report says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { EventRecord } from '../../src/protocol/event.ts';
import { nextCommands } from '../../src/cli/render.ts';
import { inspectRun, replayRun, resumeRun, runSociety } from '../../src/run/index.ts';
import type { Run, RunOptions, RunSummary } from '../../src/run/types.ts';
import { filesBelow, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const AGENTS = 10;
const common: RunOptions = { seed: 11, maxAgents: AGENTS, shards: 2, threads: 1, rehearsal: { latencyMs: 2 } };

const eventsOf = (runDir: string): EventRecord[] =>
  readFileSync(join(runDir, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EventRecord);

/** Lines in order: those that several agents append to one file come as they come. */
const files = (summary: RunSummary): Record<string, string[]> =>
  Object.fromEntries([...filesBelow(summary.workspace)].map(([path, text]) => [path, text.split('\n').sort()]));

const reportOf = (runDir: string): Record<string, never> =>
  JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')) as Record<string, never>;

test('D4 a run that its budget of calls paused a third of the way resumes with more, and comes to the same', async () => {
  const whole = await runSociety('Write a field guide', { ...common, runDir: join(directory.path, 'whole') }).report;
  expect(whole).toMatchObject({ status: 'completed', costUsd: 0 });
  const third = Math.floor(whole.modelCalls / 3);
  const runDir = join(directory.path, 'third');
  const paused = await runSociety('Write a field guide', { ...common, runDir, budgetCalls: third }).report;
  expect(paused).toMatchObject({ status: 'paused', reason: 'budget-calls' });
  expect(paused.modelCalls).toBe(third);
  // Without more it stays where it is, and costs nothing.
  const still = await resumeRun(runDir).report;
  expect(still).toMatchObject({ status: 'paused', reason: 'budget-calls', modelCalls: third });
  const resumed = await resumeRun(runDir, { budgetCalls: 100_000 }).report;
  expect(resumed).toMatchObject({ status: 'completed', agents: whole.agents, repeatedCalls: 0 });
  expect(files(resumed)).toEqual(files(whole));
  const names = async (path: string): Promise<string[]> =>
    (await inspectRun(path)).agents.map(({ name }) => name).sort();
  expect(await names(runDir)).toEqual(await names(join(directory.path, 'whole')));
  // The Boss was told when four fifths were spent, once.
  const warnings = eventsOf(runDir).filter(({ type, limit }) => type === 'limit' && limit === 'budget-calls');
  expect(warnings).toHaveLength(1);
  const boss = (await inspectRun(runDir, { agent: 'Boss' })).agent;
  const told = [...(boss?.history ?? []), ...(boss?.mail ?? [])].map((entry) => JSON.stringify(entry));
  expect(told.filter((text) => text.includes('[budget]') || text.includes('"kind":"budget"'))).not.toEqual([]);
  const { spending } = reportOf(runDir) as unknown as { spending: { total: { calls: number }; byLevel: object } };
  expect(spending.total.calls).toBe(resumed.modelCalls);
  expect(Object.keys(spending.byLevel).sort()).toEqual(['admin', 'boss', 'ordinary', 'runtime']);
});

test('a run without a journal that its budget paused says that it cannot go on, and nowhere that it can', async () => {
  const runDir = join(directory.path, 'nothing-kept');
  const options: RunOptions = { ...common, maxAgents: 3, durability: 'none' };
  const paused = await runSociety('Write', { ...options, runDir, budgetCalls: 2 }).report;
  expect(paused).toMatchObject({ status: 'paused', reason: 'budget-calls', durability: 'none' });
  expect(nextCommands(paused, 'megactor', '/')).toMatch(/^Nothing was kept/u);
  for (const name of ['report.json', 'report.md']) {
    expect(readFileSync(join(runDir, name), 'utf8')).not.toMatch(/resume the run/iu);
  }
  expect(JSON.stringify(eventsOf(runDir)[0])).toContain('"durability":"none"');
  await expect(resumeRun(runDir).report).rejects.toMatchObject({ code: 'RUN_NOT_RESUMABLE' });
  const again = await runSociety('Write', { ...options, runDir }).report.catch((error: unknown) => error);
  expect(again).toMatchObject({ code: 'RUN_DIR_FOREIGN', hint: 'To start a new run, give another --run-dir.' });
});

test('no token beyond the budget is used when the longest answer is known and tokens are counted as the model does', async () => {
  const budgetTokens = 60_000;
  const runDir = join(directory.path, 'tokens');
  const paused = await runSociety('Write a field guide', {
    ...common,
    runDir,
    budgetTokens,
    config: { model: { maxTokens: 2_000 } },
  }).report;
  expect(paused).toMatchObject({ status: 'paused', reason: 'budget-tokens' });
  expect(paused.tokens.input + paused.tokens.output).toBeLessThanOrEqual(budgetTokens);
  // And not much of it is left over either: less than one call may cost.
  expect(paused.tokens.input + paused.tokens.output).toBeGreaterThan(budgetTokens * 0.7);
});

test('G3 agents whose own budget, or their group’s, is used up wait while others go on, and go on when there is more', async () => {
  const runDir = join(directory.path, 'agents');
  const whole = join(directory.path, 'whole');
  // The names of a rehearsal follow from its seed.
  const { agents } = await inspectRun(whole);
  const poor = agents.find(({ level }) => level === 'ordinary')?.name ?? '';
  const budgets = { agents: { [poor]: { calls: 1 } }, eachAgent: { calls: 600 } };
  const paused = await runSociety('Write a field guide', { ...common, runDir, config: { budgets } }).report;
  expect(paused).toMatchObject({ status: 'paused', reason: 'budget-calls' });
  const given = eventsOf(runDir).filter(({ type, scope }) => type === 'limit' && scope === `agent/${poor}`);
  expect(given.map(({ agent }) => agent)).toEqual([poor]);
  const waiting = { scope: `agent/${poor}`, what: 'calls', limit: 1 };
  const held = async (): Promise<unknown[]> =>
    (await inspectRun(runDir)).agents.filter(({ waitsFor }) => waitsFor !== undefined);
  expect(await held()).toMatchObject([{ name: poor, waitsFor: waiting, calls: 1 }]);
  // Everybody who does not need its work has done his own.
  const others = (await inspectRun(runDir)).agents.filter(({ name, level }) => level === 'ordinary' && name !== poor);
  expect(new Set(others.map(({ state }) => state))).toEqual(new Set(['finished']));
  expect(reportOf(runDir)).toMatchObject({
    missing: expect.arrayContaining([{ agent: poor, what: 'waits-for-budget' }]) as unknown,
  });
  // D5: what its budget refused is journaled like an answer.
  await expect(replayRun(runDir)).resolves.toMatchObject({ diverged: null });
  const still = await resumeRun(runDir).report;
  expect(still).toMatchObject({ status: 'paused', reason: 'budget-calls', modelCalls: paused.modelCalls });
  const resumed = await resumeRun(runDir, { config: { budgets: { eachAgent: { calls: 600 } } } }).report;
  expect(resumed).toMatchObject({ status: 'completed', repeatedCalls: 0 });
  expect(await held()).toEqual([]);
  expect([...filesBelow(resumed.workspace).keys()].sort()).toEqual(
    [...filesBelow(join(whole, 'workspace')).keys()].sort(),
  );
  await expect(replayRun(runDir)).resolves.toMatchObject({ diverged: null });
});

test('a deadline pauses, over all processes of a run', async () => {
  const runDir = join(directory.path, 'deadline');
  const slow = { ...common, rehearsal: { latencyMs: 300 } };
  const paused = await runSociety('Write a field guide', { ...slow, runDir, deadline: '1s' }).report;
  expect(paused).toMatchObject({ status: 'paused', reason: 'deadline' });
  const again = await resumeRun(runDir).report;
  expect(again).toMatchObject({ status: 'paused', reason: 'deadline' });
});

test('a budget of money is refused for a model without a price', async () => {
  const refused = (run: Run): Promise<unknown> =>
    run.report.then(
      () => 'started',
      (error: unknown) => error,
    );
  const options: RunOptions = { model: 'openai:local', budgetUsd: 1, runDir: join(directory.path, 'usd') };
  process.env['OPENAI_BASE_URL'] = 'http://127.0.0.1:9/v1';
  try {
    expect(await refused(runSociety('x', options))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/openai:local/u) as string,
    });
    expect(await refused(runSociety('x', { ...options, deadline: 'soon' }))).toMatchObject({ code: 'CONFIG_INVALID' });
  } finally {
    delete process.env['OPENAI_BASE_URL'];
  }
});
