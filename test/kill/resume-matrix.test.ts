/** Every way to go on with a run: after whatever ended its process, with other threads, and when not to. */
import { open } from 'lmdb';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { inspectRun, resumeRun, runSociety } from '../../src/run/index.ts';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import { type ModelServer, startModelServer } from '../support/aimock.ts';
import {
  asLineSets,
  command,
  type CommandResult,
  filesBelow,
  jsonLine,
  startCommand,
  temporaryDirectory,
} from '../support/command.ts';
import { environmentOf } from '../support/scripted-society.ts';
import { neverBack, type Outcome, sameAs, wholeRepository } from './checks.ts';
import { compactOffline } from './compact.ts';
import { snapshotOf } from './snapshot.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());
const pathOf = (name: string): string => join(directory.path, name);

const AGENTS = 16;
const GOAL = 'Write the policy of a small island';
const runArguments = (runDir: string, ...more: string[]): string[] => {
  const words = ['run', GOAL, '--max-agents', String(AGENTS), '--seed', '4', '--run-dir', runDir];
  return [...words, ...more, '--json', '--quiet'];
};
const resume = (runDir: string, killAt: string | null, ...more: string[]): Promise<CommandResult> =>
  resumeWith({}, runDir, killAt, ...more);
const resumeWith = (
  server: Readonly<Record<string, string>>,
  runDir: string,
  killAt: string | null,
  ...more: string[]
): Promise<CommandResult> => {
  const env = killAt === null ? server : { ...server, NODE_ENV: 'test', MEGACTOR_KILL_AT: killAt };
  return command(['resume', runDir, ...more, '--json', '--quiet'], { env });
};

/** Of some forty answers: a run that asks this server stays in the middle of its work until it is told to go on. */
const HELD_AFTER = 12;
const heldServer = async (): Promise<{ server: ModelServer; env: Readonly<Record<string, string>> }> => {
  const server = await startModelServer({ seed: 4, latencyMs: 5, holdAfter: HELD_AFTER });
  onTestFinished(() => server.stop());
  return { server, env: environmentOf(server) };
};
const ASKS_SERVER = ['--model', 'openai:any', '--sandbox', 'off'] as const;

const outcomeOf = async (summary: RunSummary): Promise<Outcome> => {
  const inspection = jsonLine(await command(['inspect', summary.runDir, '--json'])) as Inspection;
  return {
    summary,
    agents: inspection.agents.map(({ name, level }) => `${name} (${level})`).sort(),
    files: asLineSets(filesBelow(summary.workspace)),
  };
};

/** The same run left alone. */
let unkilled: Promise<Outcome> | null = null;
const reference = (): Promise<Outcome> => {
  unkilled ??= (async () => outcomeOf(jsonLine(await command(runArguments(pathOf('unkilled')))) as RunSummary))();
  return unkilled;
};

const expectSameEnd = async (summary: RunSummary): Promise<void> => {
  expect(sameAs(await reference(), await outcomeOf(summary))).toEqual([]);
  expect(wholeRepository(summary.workspace)).toEqual([]);
};

/** Killed at the count-th commit, which is in the middle of its work. */
const startAndKill = async (runDir: string, ...more: string[]): Promise<void> => {
  const env = { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'commit.after:70' };
  expect((await command(runArguments(runDir, ...more), { env })).signal).toBe('SIGKILL');
};

describe('a run goes on', () => {
  test('after crashes in the middle of a resumption, with another number of threads and level each time (D4)', async () => {
    const runDir = pathOf('recovery');
    await startAndKill(runDir, '--threads', '2');
    const killed = await snapshotOf(runDir);
    for (const [point, ...options] of [
      ['recovery:1', '--threads', '1'],
      ['recovery:5', '--threads', '3', '--durability', 'committed'],
      ['commit.after:5', '--threads', '8'],
    ] as const) {
      expect((await resume(runDir, point, ...options)).signal, point).toBe('SIGKILL');
      expect(neverBack(killed, await snapshotOf(runDir))).toEqual([]);
    }
    const result = await resume(runDir, null, '--threads', '1', '--durability', 'flushed');
    expect(result.exitCode, result.stderr).toBe(0);
    await expectSameEnd(jsonLine(result) as RunSummary);
  });

  test('with few agents in memory and snapshots all the time, killed at one, compacted before it resumes (D4, J6)', async () => {
    const runDir = pathOf('passive');
    const config = pathOf('passive.json');
    writeFileSync(config, JSON.stringify({ actors: { residentMax: 2, passivateAfterMs: 5, checkpointEntries: 5 } }));
    // A run that keeps its agents in memory takes no snapshot before its end.
    const env = { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'snapshot:8' };
    expect((await command(runArguments(runDir, '--config', config), { env })).signal).toBe('SIGKILL');
    const killed = await snapshotOf(runDir);
    expect(jsonLine(await command(['inspect', runDir, '--json']))).toMatchObject({ status: 'killed' });
    expect(await compactOffline(runDir, null)).toBe('done');
    const compacted = await snapshotOf(runDir, killed.sent);
    expect(compacted).toEqual(killed);
    const result = await resume(runDir, null, '--config', config);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(neverBack(killed, await snapshotOf(runDir, killed.sent))).toEqual([]);
    await expectSameEnd(jsonLine(result) as RunSummary);
  });

  test('after Ctrl-C (exit 3) and a kill of its resumption (D4)', async () => {
    const runDir = pathOf('interrupted');
    const { server, env } = await heldServer();
    const running = startCommand(runArguments(runDir, ...ASKS_SERVER), { env });
    const spawned = async (): Promise<number> => (await inspectRun(runDir).catch(() => ({ agents: [] }))).agents.length;
    await expect.poll(spawned).toBeGreaterThan(2);
    running.child.kill('SIGINT');
    server.release();
    const first = await running.result;
    expect(first.exitCode, first.stderr).toBe(3);
    expect(jsonLine(first)).toMatchObject({ status: 'paused', reason: 'interrupted', repeatedCalls: 0 });
    expect((await resumeWith(env, runDir, 'recovery:1')).signal).toBe('SIGKILL');
    const last = await resumeWith(env, runDir, null);
    expect(last.exitCode, last.stderr).toBe(0);
    await expectSameEnd(jsonLine(last) as RunSummary);
  });

  test('after a deadline of whoever embeds it (D4)', async () => {
    const runDir = pathOf('deadline');
    const deadline = new AbortController();
    const rehearsal = { latencyMs: 60 };
    const run = runSociety(GOAL, { maxAgents: AGENTS, seed: 4, runDir, rehearsal, signal: deadline.signal });
    for await (const event of run.events) if (event.type === 'step') deadline.abort();
    expect(await run.report).toMatchObject({ status: 'paused', reason: 'interrupted' });
    expect((await resume(runDir, 'commit.after:10')).signal).toBe('SIGKILL');
    const summary = await resumeRun(runDir, { threads: 1 }).report;
    expect(summary).toMatchObject({ status: 'completed', reason: 'done' });
    await expectSameEnd(summary);
  });
});

/** Everything of a run directory that a later process would go on from. */
const stateOf = (runDir: string): Record<string, string> =>
  Object.fromEntries(
    ['run.json', 'plan.json', 'events.jsonl', join('journal', 'data.mdb')].map((name) => {
      const file = join(runDir, name);
      return [name, existsSync(file) ? readFileSync(file, 'latin1') : 'none'];
    }),
  );

/** As another version would have written it. */
const otherJournalFormat = async (runDir: string): Promise<void> => {
  const environment = open({ path: join(runDir, 'journal'), encoding: 'binary', maxDbs: 16 });
  const meta = environment.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' });
  const value = JSON.parse(String(meta.get('journal'))) as { format: number; shards: number };
  const written = meta.put('journal', Buffer.from(JSON.stringify({ ...value, format: 1_000 })));
  await Promise.all([written, environment.flushed]);
  await environment.close();
};

const otherRunFormat = async (runDir: string): Promise<void> => {
  const file = join(runDir, 'run.json');
  const run = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...run, format: 1_000, somethingNew: true }));
  await Promise.resolve();
};

describe('a run is left as it is', () => {
  test.each([
    ['run.json', otherRunFormat],
    ['the journal', otherJournalFormat],
  ])('when %s is of another version: RUN_FORMAT, with what to do', async (name, change) => {
    const runDir = pathOf(name.replaceAll(/\W/gu, '-'));
    await startAndKill(runDir);
    await change(runDir);
    const before = stateOf(runDir);
    const result = await resume(runDir, null);
    expect(result.exitCode, result.stderr).toBe(2);
    expect(result.stderr.trim()).toMatch(
      /^megactor: .*format 1000; this version reads format \d.*version.*\[RUN_FORMAT\]$/u,
    );
    expect(result.stdout).toBe('');
    expect(stateOf(runDir)).toEqual(before);
  });

  test.each([
    ['missing', (file: string) => rmSync(file)],
    ['empty', (file: string) => truncateSync(file)],
  ])('when its journal is %s: JOURNAL_DAMAGED, and no new one takes its place', async (name, change) => {
    const runDir = pathOf(`journal-${name}`);
    await startAndKill(runDir);
    change(join(runDir, 'journal', 'data.mdb'));
    const before = stateOf(runDir);
    for (const result of [await resume(runDir, null), await command(['inspect', runDir])]) {
      expect(result.exitCode, result.stderr).toBe(1);
      expect(result.stderr.trim()).toMatch(/^megactor: .*--repair.*\[JOURNAL_DAMAGED\]$/u);
      expect(result.stdout).toBe('');
    }
    expect(stateOf(runDir)).toEqual(before);
  });

  test('while another process runs it, whatever the second one wants; a killed one does not hold it (S1)', async () => {
    const runDir = pathOf('held');
    const { server, env } = await heldServer();
    const owner = startCommand(runArguments(runDir, ...ASKS_SERVER), { env });
    await expect.poll(() => existsSync(join(runDir, 'plan.json'))).toBe(true);
    const second = await resumeWith(env, runDir, null);
    expect(second.exitCode).toBe(2);
    expect(second.stderr.trim()).toMatch(/^megactor: .*\[RUN_DIR_IN_USE\]$/u);
    const anew = await command(runArguments(runDir));
    expect(anew.exitCode).toBe(2);
    expect(anew.stderr.trim()).toMatch(/^megactor: .*already holds a run.*\[RUN_DIR_FOREIGN\]$/u);
    owner.child.kill('SIGKILL');
    expect((await owner.result).signal).toBe('SIGKILL');
    server.release();
    const third = await resumeWith(env, runDir, null);
    expect(third.exitCode, third.stderr).toBe(0);
    await expectSameEnd(jsonLine(third) as RunSummary);
  });
});
