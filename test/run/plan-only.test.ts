/** Planning without a run, and plans of templates. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { limitsWith, planFromTemplate } from '../../src/society/index.ts';
import { resumeRun, runSociety } from '../../src/run/index.ts';
import { givenPlan } from '../../src/run/run-store.ts';
import type { RunSummary } from '../../src/run/types.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const goal = 'Write a field guide';
const planIn = (runDir: string): unknown => JSON.parse(readFileSync(join(runDir, 'plan.json'), 'utf8'));

test('the plan is made, printed and kept; nobody is hired, and the run is over', async () => {
  const runDir = join(directory.path, 'asked');
  const args = ['run', goal, '--plan-only', '--max-agents', '30', '--run-dir', runDir];
  const result = await command([...args, '--json'], { cwd: directory.path });
  expect(result.exitCode, result.stderr).toBe(0);
  const summary = jsonLine(result) as RunSummary;
  expect(summary).toMatchObject({ status: 'completed', reason: 'done', agents: 0, modelCalls: 1, files: 0 });
  expect(summary.plan?.agents.length).toBeGreaterThan(0);
  expect(planIn(runDir)).toEqual(summary.plan);
  expect(existsSync(join(runDir, 'report.json'))).toBe(true);
  await expect(resumeRun(runDir).report).rejects.toMatchObject({ code: 'RUN_NOT_RESUMABLE' });
});

test('a template is a plan without a model call, and its run completes', async () => {
  const runDir = join(directory.path, 'run');
  const run = runSociety(goal, { runDir, template: 'document', maxAgents: 8, seed: 1 });
  expect(await run.report).toMatchObject({ status: 'completed', agents: 8, nudges: 0 });
  expect(planIn(runDir)).toEqual(planFromTemplate('document', goal));
});

test('a plan and a template, or a template that there is not, are refused', async () => {
  const runDir = join(directory.path, 'refused');
  const plan = { goal, agents: [] };
  await expect(runSociety(goal, { runDir, plan, template: 'survey' }).report).rejects.toMatchObject({ code: 'USAGE' });
  const unknown = { runDir, template: 'poem' as 'survey' };
  await expect(runSociety(goal, unknown).report).rejects.toThrow('there is no template "poem"');
  expect(existsSync(runDir)).toBe(false);
});

test('who only plans leaves the workspace that was named as it is', async () => {
  const workspace = join(directory.path, 'theirs');
  const options = { runDir: join(directory.path, 'apart'), workspace, template: 'survey', planOnly: true } as const;
  const summary = await runSociety(goal, options).report;
  expect(summary).toMatchObject({ status: 'completed', modelCalls: 0, plan: planFromTemplate('survey', goal) });
  expect(existsSync(workspace)).toBe(false);
});

test('a plan that a person gave names files of the workspace, or directories of it, and nothing else', () => {
  const limits = limitsWith({ agentsMax: 3 });
  const planOf = (files: string[]) => ({
    goal: 'g',
    agents: [{ name: 'A', description: 'd', initial_prompt: 'p', files }],
  });
  expect(givenPlan(planOf(['a.md', 'docs/', './b/c.md']), limits).agents).toHaveLength(1);
  for (const path of ['../a.md', '/etc/passwd', 'a\\b.md', '.git/config', '/', 'a//b']) {
    expect(() => givenPlan(planOf([path]), limits)).toThrow(/^the plan: A\.files: /u);
  }
});
