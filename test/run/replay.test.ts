/** D5 `replay`: of runs that ended, were killed, went on, were compacted, or run; and what it names when it differs. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { isLeaseHeld, journalDirectory, readJournal, type StepLogEntry } from '../../src/journal/index.ts';
import { decodeLogEntries, decodeLogRecord, encodeLogEntries, encodeLogRecord } from '../../src/journal/codec.ts';
import { openTables, POSITIONS_MAX } from '../../src/journal/lmdb-tables.ts';
import { compactRun, inspectRun, replayRun, resumeRun, runSociety } from '../../src/run/index.ts';
import type { Replay, RunOptions, RunSummary } from '../../src/run/types.ts';
import { DefinitionLoader } from '../../src/runtime/definition-loader.ts';
import { replayJournal } from '../../src/runtime/replay/index.ts';
import { ordinary } from '../../actors/ordinary.ts';
import { startModelServer } from '../support/aimock.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';
import { stubServer } from '../support/scripted-society.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const GOAL = 'Write a guide to a small island';
const SEED = 31;
const failures = { badJson: 0.05, prose: 0.04, refusal: 0.03, silence: 0.03, repetition: 0.03, http500: 0.05 };
const OPTIONS: RunOptions = { seed: SEED, maxAgents: 30, durability: 'committed', rehearsal: { failures } };

const pathOf = (name: string): string => join(directory.path, name);

/** Replays and compares with what `inspect` says. @returns the number of entries */
const replaysTheSame = async (runDir: string): Promise<number> => {
  const { entries, logHash, diverged } = await replayRun(runDir);
  expect(diverged).toBeNull();
  expect(logHash).toBe((await inspectRun(runDir)).logHash);
  return entries;
};

let whole: RunSummary;
beforeAll(async () => {
  whole = await runSociety(GOAL, { ...OPTIONS, threads: 2, runDir: pathOf('whole') }).report;
  expect(whole).toMatchObject({ status: 'completed', agents: 30 });
  expect(whole.reviews.accept).toBeGreaterThan(20);
});

describe('D5 every step comes to what the journal has', () => {
  test('of a society with reviews, repairs and two threads, by the command', async () => {
    const result = await command(['replay', whole.runDir, '--json', '--quiet']);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const replay = jsonLine(result) as Replay;
    expect(Object.keys(replay)).toEqual(['entries', 'logHash', 'diverged']);
    expect(replay).toMatchObject({ logHash: (await inspectRun(whole.runDir)).logHash, diverged: null });
    expect(replay.entries).toBeGreaterThan(whole.steps);
    const told = await command(['replay', whole.runDir]);
    expect(told.stdout).toMatch(
      /^Replayed: \d+ entries, and every step came to what the journal has\. The log is \w{64}\.\n$/u,
    );
  });

  test('of a deterministic one', async () => {
    const runDir = pathOf('deterministic');
    await runSociety(GOAL, { ...OPTIONS, maxAgents: 8, deterministic: true, runDir }).report;
    expect(await replaysTheSame(runDir)).toBeGreaterThan(30);
  });

  test(
    'of one that was killed, resumed on another thread count and killed, compacted, and resumed to its end',
    { tags: 'long' },
    async () => {
      const runDir = pathOf('killed');
      const fresh = ['run', GOAL, '--max-agents', '16', '--seed', String(SEED), '--durability', 'committed'];
      const args = [...fresh, '--run-dir', runDir, '--threads', '2', '--quiet'];
      const kill = (at: string): object => ({ env: { NODE_ENV: 'test', MEGACTOR_KILL_AT: at } });
      expect((await command(args, kill('commit.after:40'))).signal).toBe('SIGKILL');
      const first = await replaysTheSame(runDir);
      expect(first).toBeGreaterThan(10);
      expect((await command(['resume', runDir, '--threads', '1', '--quiet'], kill('append.after:10'))).signal).toBe(
        'SIGKILL',
      );
      expect(await replaysTheSame(runDir)).toBeGreaterThan(first);

      await compactRun(runDir);
      // Nothing is left of the way here; what comes is replayed from where the compaction was.
      expect(await replaysTheSame(runDir)).toBe(0);
      expect(await resumeRun(runDir).report).toMatchObject({ status: 'completed', agents: 16 });
      expect(await replaysTheSame(runDir)).toBeGreaterThan(0);
    },
  );

  test('of one that runs: as it is at a moment, and it does not notice', { tags: 'long' }, async () => {
    const runDir = pathOf('live');
    // It writes while it is replayed, and cannot end meanwhile: of its forty answers some are held back.
    const server = await startModelServer({ seed: SEED, latencyMs: 20, holdAfter: 20 });
    stubServer(server);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await server.stop();
    });
    const openai = { model: 'openai:any', sandbox: 'off', rehearsal: undefined } as const;
    const run = runSociety(GOAL, { ...OPTIONS, ...openai, maxAgents: 12, runDir });
    let replayed = 0;
    for await (const event of run.events) {
      if (event.type !== 'step' || replayed > 1) continue;
      const { entries, diverged } = await replayRun(runDir);
      expect(diverged).toBeNull();
      expect(entries).toBeGreaterThan(0);
      expect(isLeaseHeld(runDir)).toBe(true);
      replayed += 1;
      if (replayed > 1) server.release();
    }
    expect(replayed).toBe(2);
    expect(await run.report).toMatchObject({ status: 'completed', agents: 12, restarts: 0 });
    await replaysTheSame(runDir);
  });
});

describe('the first step that differs is named', () => {
  test('an altered prompt: the first step of the first agent that has it', async () => {
    const altered = {
      ...ordinary,
      state: (init: Parameters<typeof ordinary.state>[0]) => {
        const state = ordinary.state(init);
        return { ...state, prompt: `${state.prompt ?? ''} Be brief.` };
      },
    };
    const reader = await readJournal(whole.runDir);
    try {
      const loader = new DefinitionLoader(async (url) => {
        const module = (await import(url)) as Record<string, unknown>;
        return 'ordinary' in module ? { ...module, ordinary: altered } : module;
      });
      const { diverged } = await replayJournal(reader, { seed: SEED, loader });
      const { agents } = await inspectRun(whole.runDir);
      const levels = new Map(agents.map(({ name, level }) => [name, level]));
      const first = reader.shards.flatMap(({ actors }, shard) => {
        const names = new Map(actors.map(({ record }) => [record.id, record.name]));
        const isFirst = (entry: StepLogEntry): boolean =>
          entry.kind === 'step' && entry.step === 0 && levels.get(names.get(entry.actor) ?? '') === 'ordinary';
        const append = [...reader.appends(shard)].find(({ entries }) => entries.some(isFirst));
        return append === undefined
          ? []
          : [{ shard, position: append.position, actor: names.get(append.entries[0]?.actor ?? 0) }];
      })[0];
      expect(diverged).toMatchObject({ ...first, step: 0, what: 'history', path: '0.content' });
      expect(diverged?.actual).toMatch(/ Be brief\."$/u);
      expect(diverged?.expected).not.toContain('Be brief');
    } finally {
      await reader.close();
    }
  });

  test('an answer that was tampered with, its checksum made good: exit 1', async () => {
    const runDir = pathOf('tampered');
    const options = { ...OPTIONS, maxAgents: 4, rehearsal: {}, shards: 1 };
    expect((await runSociety(GOAL, { ...options, runDir }).report).status).toBe('completed');
    const tables = openTables(journalDirectory(runDir), false);
    let tampered: { position: number; step: number } | null = null;
    const records = [...tables.log.getRange({ start: 0, end: POSITIONS_MAX })];
    for (const { key, value } of records) {
      const { appends } = decodeLogRecord(0, key, value);
      const changed = appends.map((append, index) => {
        const entries = decodeLogEntries(append[3]);
        const [entry] = entries;
        if (tampered !== null || entry?.kind !== 'step' || entry.step !== 1) return append;
        tampered = { position: key + index, step: entry.step };
        const effects = entry.effects.map(([name, result]): readonly [string, unknown] =>
          name === 'model' ? [name, { ...(result as object), content: 'I was never said.' }] : [name, result],
        );
        return [
          ...append.slice(0, 3),
          encodeLogEntries([{ ...entry, effects }]),
          ...append.slice(4),
        ] as unknown as typeof append;
      });
      await tables.log.put(key, encodeLogRecord(0, { firstPosition: key, appends: changed }));
    }
    await tables.environment.close();
    expect(tampered).not.toBeNull();
    const result = await command(['replay', runDir, '--json']);
    expect(result.exitCode, result.stderr).toBe(1);
    expect((jsonLine(result) as Replay).diverged).toMatchObject({
      ...(tampered as unknown as object),
      shard: 0,
      what: 'history',
      path: expect.stringMatching(/^[01]\.content$/u) as unknown,
      actual: '"I was never said."',
    });
    const told = await command(['replay', runDir]);
    // On a busy machine it says how far it is.
    expect(told.stderr).toMatch(/^(?:[\d,]+ entr(?:y|ies) replayed\n)*$/u);
    expect(told.exitCode).toBe(1);
    expect(told.stdout).toMatch(/^The replay differs: .* step 1 of \S+ \(shard 0, position \d+\) .*I was never said/u);
  });
});

test('what has no journal is refused with exit 2', async () => {
  const none = pathOf('none');
  await runSociety(GOAL, { maxAgents: 2, seed: 1, durability: 'none', runDir: none }).report;
  const result = await command(['replay', none, '--json']);
  expect(result.stderr).toContain('[RUN_DIR_NOT_FOUND]');
  expect({ exitCode: result.exitCode, stdout: result.stdout }).toEqual({ exitCode: 2, stdout: '' });
  await expect(replayRun(pathOf('nowhere'))).rejects.toMatchObject({ code: 'RUN_DIR_NOT_FOUND' });
  await expect(replayRun(directory.path)).rejects.toMatchObject({ code: 'RUN_DIR_FOREIGN' });
});
