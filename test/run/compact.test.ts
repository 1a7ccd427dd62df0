/** `compact` through the command line: of runs that ended, paused, run or are none; killed at each of its points. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectRun, resumeRun, runSociety } from '../../src/run/index.ts';
import type { Compacted, Inspection, RunOptions, RunSummary } from '../../src/run/types.ts';
import {
  asLineSets,
  command,
  filesBelow,
  jsonLine,
  startCommand,
  temporaryDirectory,
  type CommandResult,
} from '../support/command.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const GOAL = 'Write a guide to a small island';
const OPTIONS: RunOptions = { seed: 21, maxAgents: 12, durability: 'committed' };

const pathOf = (name: string): string => join(directory.path, name);
const dataBytes = (runDir: string): number => statSync(join(runDir, 'journal', 'data.mdb')).size;

const refused = async (runDir: string, code: string): Promise<void> => {
  const result = await command(['compact', runDir, '--json']);
  expect(result.stderr).toContain(`[${code}]`);
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode: 2, stdout: '' });
};

const compact = async (runDir: string): Promise<Compacted> => {
  const result = await command(['compact', runDir, '--json']);
  expect(result.exitCode, result.stderr).toBe(0);
  return jsonLine(result) as Compacted;
};

const killedAt = (runDir: string, count: number): Promise<CommandResult> =>
  command(['compact', runDir], { env: { NODE_ENV: 'test', MEGACTOR_KILL_AT: `compaction:${count}` } });

/** Who was there, and what became of them, whatever way they took. */
const outcome = ({ agents }: Inspection): unknown =>
  agents
    .map(({ name, level, state, checklist }) => ({ name, level, state, checklist }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

let whole: RunSummary;
beforeAll(async () => {
  whole = await runSociety(GOAL, { ...OPTIONS, runDir: pathOf('whole') }).report;
  expect(whole.status).toBe('completed');
});

/** A run that pauses once some of its agents are there. */
const paused = async (name: string): Promise<string> => {
  const controller = new AbortController();
  const runDir = pathOf(name);
  const run = runSociety(GOAL, { ...OPTIONS, runDir, rehearsal: { latencyMs: 20 }, signal: controller.signal });
  let steps = 0;
  for await (const { type } of run.events) {
    if (type === 'step') steps += 1;
    if (steps === 20) controller.abort();
  }
  expect((await run.report).status).toBe('paused');
  return runDir;
};

describe('a run at rest', () => {
  test('that has ended: smaller, and inspected the same (Z1)', async () => {
    const before = await inspectRun(whole.runDir);
    const bytes = dataBytes(whole.runDir);
    const compacted = await compact(whole.runDir);
    expect(Object.keys(compacted)).toEqual(['runId', 'bytesBefore', 'bytesAfter', 'cut', 'logHash']);
    expect(compacted).toMatchObject({ runId: whole.runId, bytesBefore: bytes, logHash: before.logHash });
    expect(compacted.bytesAfter).toBe(dataBytes(whole.runDir));
    expect(compacted.bytesAfter).toBeLessThan(bytes);
    expect(compacted.cut.appends).toBeGreaterThan(whole.agents);
    expect(compacted.cut.arrivals).toBeGreaterThan(whole.agents);
    expect(await inspectRun(whole.runDir)).toEqual(before);
    // There is nothing more to cut.
    expect((await compact(whole.runDir)).cut).toEqual({ appends: 0, arrivals: 0 });
    const told = await command(['compact', whole.runDir]);
    expect(told.stdout).toMatch(/^The journal of run \S+ has .+ and had .+\. 0 appends .+\n$/u);
    expect(await inspectRun(whole.runDir)).toEqual(before);
  });

  test('that paused: goes on to the same agents and files, and nothing is paid for twice, also when a compaction before was killed in the middle (D4, M1, Z2, Z3)', async () => {
    const runDir = await paused('paused');
    const before = await inspectRun(runDir);
    expect((await killedAt(runDir, 2)).signal).toBe('SIGKILL');
    expect(await inspectRun(runDir)).toEqual(before);
    const { cut } = await compact(runDir);
    expect(cut.appends).toBeGreaterThan(0);
    expect(await inspectRun(runDir)).toEqual(before);
    const resumed = await resumeRun(runDir).report;
    expect(resumed).toMatchObject({ status: 'completed', agents: whole.agents, repeatedCalls: 0, deadLetters: 0 });
    expect(outcome(await inspectRun(runDir))).toEqual(outcome(await inspectRun(whole.runDir)));
    expect(asLineSets(filesBelow(resumed.workspace))).toEqual(asLineSets(filesBelow(whole.workspace)));
  });

  test('that was killed in the middle: compacted and gone on with as if nothing had happened, also when the compaction is killed at its end (D4, Z2)', async () => {
    const runDir = pathOf('killed');
    const args = ['--max-agents', '12', '--seed', '21', '--durability', 'committed', '--run-dir', runDir, '--quiet'];
    const env = { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'commit.after:40' };
    expect((await command(['run', GOAL, ...args], { env })).signal).toBe('SIGKILL');
    const before = await inspectRun(runDir);
    expect(before.status).toBe('killed');
    expect((await killedAt(runDir, 3)).signal).toBe('SIGKILL');
    expect(await inspectRun(runDir)).toEqual(before);
    const resumed = await resumeRun(runDir).report;
    expect(resumed).toMatchObject({ status: 'completed', agents: whole.agents, deadLetters: 0 });
    expect(asLineSets(filesBelow(resumed.workspace))).toEqual(asLineSets(filesBelow(whole.workspace)));
  });
});

test('killed at its first point it leaves the run whole, and the rest of the run clears what it left (Z2, Z3)', async () => {
  const runDir = await paused('cut');
  const before = await inspectRun(runDir);
  expect((await killedAt(runDir, 1)).signal).toBe('SIGKILL');
  expect(await inspectRun(runDir)).toEqual(before);
  const { status, agents, repeatedCalls } = await resumeRun(runDir).report;
  expect({ status, agents, repeatedCalls }).toEqual({ status: 'completed', agents: whole.agents, repeatedCalls: 0 });
});

test('there are no points beyond those', async () => {
  expect(await killedAt(whole.runDir, 4)).toMatchObject({ exitCode: 0, signal: null });
});

describe('refused in one line with exit 2', () => {
  test('a run that a process works on, and it goes on undisturbed', async () => {
    const runDir = pathOf('live');
    const slow = pathOf('slow.json');
    writeFileSync(slow, JSON.stringify({ latencyMs: 100 }));
    const args = [
      'run',
      GOAL,
      '--max-agents',
      '12',
      '--seed',
      '21',
      '--rehearsal',
      slow,
      '--run-dir',
      runDir,
      '--json',
    ];
    const running = startCommand(args);
    const agents = async (): Promise<number> => (await inspectRun(runDir).catch(() => null))?.agents.length ?? 0;
    while ((await agents()) < 2 && running.child.exitCode === null && running.child.signalCode === null)
      await sleep(20);
    // It must not end before it is asked, however slow the machine is.
    running.child.kill('SIGSTOP');
    await refused(runDir, 'RUN_DIR_IN_USE');
    running.child.kill('SIGCONT');
    expect(jsonLine(await running.result)).toMatchObject({ status: 'completed', agents: 12, restarts: 0 });
  });

  test('what is no run directory, is not there, or has no journal', async () => {
    await refused(directory.path, 'RUN_DIR_FOREIGN');
    await refused(pathOf('nowhere'), 'RUN_DIR_NOT_FOUND');
    const runDir = pathOf('none');
    await runSociety(GOAL, { maxAgents: 2, seed: 1, durability: 'none', runDir }).report;
    await refused(runDir, 'RUN_DIR_NOT_FOUND');
    await refused('', 'USAGE');
  });
});
