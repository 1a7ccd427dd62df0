/** D5: with `--deterministic` the same seed gives the same log, wherever and on however busy a machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { inspectRun, resumeRun, runSociety, type RunOptions, type RunSummary } from '../../src/run/index.ts';
import { command, filesBelow, jsonLine, startCommand, temporaryDirectory } from '../support/command.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const directory = temporaryDirectory();
const busy: ChildProcess[] = [];
afterAll(() => {
  for (const child of busy) child.kill('SIGKILL');
  directory.cleanUp();
});

const FAILURES = {
  latencyMs: { distribution: 'lognormal', median: 50, p95: 400 },
  failures: {
    badJson: 0.05,
    prose: 0.03,
    refusal: 0.03,
    silence: 0.03,
    repetition: 0.03,
    unfinished: 0.03,
    badOutput: 0.03,
    http429: 0.05,
    http500: 0.05,
    timeout: 0.02,
  },
};
const TEAM = {
  scenario: 'team',
  shape: { admins: 2, workersPerAdmin: 3, variant: 'shared' },
  failures: { prose: 0.05 },
};

const GOAL = 'Write a guide to a small island';
const agents = '11';

/** Keeps a core busy until the tests of this file are over. */
const load = (): void => {
  busy.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
};

interface Ran {
  readonly hash: string;
  readonly files: ReadonlyMap<string, string>;
  readonly summary: RunSummary;
}

const ran = async (summary: RunSummary): Promise<Ran> => ({
  hash: (await inspectRun(summary.runDir)).logHash,
  files: filesBelow(summary.workspace),
  summary,
});

/** In a directory of its own, as a user would. */
const run = async (name: string, seed: number, ...args: readonly string[]): Promise<Ran> => {
  const cwd = join(directory.path, name);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'failures.json'), JSON.stringify(FAILURES));
  writeFileSync(join(cwd, 'team.json'), JSON.stringify(TEAM));
  const options = ['--deterministic', '--seed', String(seed), '--run-dir', 'run', '--json', '--quiet', ...args];
  const result = await command(['run', GOAL, ...options], { cwd });
  expect(result.exitCode, result.stderr).toBe(0);
  return ran(jsonLine(result) as RunSummary);
};

describe('D5 the same seed gives the same log from scratch', () => {
  test('failures, repairs and reviews; other directories and workspaces; a loaded machine', async () => {
    const args = ['--max-agents', agents, '--rehearsal', 'failures.json'];
    const first = await run('first', 11, ...args);
    expect(first.summary).toMatchObject({ status: 'completed', agents: Number(agents), repeatedCalls: 0 });
    expect(first.summary.remedies['format']).toBeGreaterThan(0);
    load();
    const elsewhere = join(directory.path, 'files');
    const second = await run('a-much-longer-name-of-a-directory', 11, ...args, '--workspace', elsewhere);
    for (const child of busy.splice(0)) child.kill('SIGKILL');
    const third = await run('third', 11, ...args, '--durability', 'committed');
    expect([second.hash, third.hash]).toEqual([first.hash, first.hash]);
    expect([second.files, third.files]).toEqual([first.files, first.files]);
    expect(first.hash).toMatch(/^[0-9a-f]{64}$/u);
  });

  test('a team that shares files; and another seed gives another log', async () => {
    const args = ['--max-agents', '9', '--review', 'none', '--rehearsal', 'team.json'];
    const runs = [await run('team-1', 3, ...args), await run('team-2', 3, ...args), await run('team-3', 4, ...args)];
    const [one, two, other] = runs.map(({ hash }) => hash);
    expect(two).toBe(one);
    expect(other).not.toBe(one);
    expect(runs[1]?.files).toEqual(runs[0]?.files);
  });

  test('small societies of any failure rates', async () => {
    const rate = fc.double({ min: 0, max: 0.08, noNaN: true });
    const kinds = Object.keys(FAILURES.failures);
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      maxAgents: fc.integer({ min: 1, max: 7 }),
      shards: fc.integer({ min: 1, max: 5 }),
      review: fc.constantFrom('model' as const, 'none' as const),
      rates: fc.tuple(...kinds.map(() => rate)),
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(shapes, async ({ rates, ...shape }) => {
        const failures = Object.fromEntries(kinds.map((kind, index) => [kind, rates[index]]));
        const once = async (): Promise<Pick<Ran, 'hash' | 'files'>> => {
          number += 1;
          const runDir = join(directory.path, `fuzz-${number}`);
          const options: RunOptions = {
            ...shape,
            deterministic: true,
            rehearsal: { failures },
            durability: 'committed',
          };
          try {
            return await ran(await runSociety(GOAL, { ...options, runDir }).report);
          } catch (thrown) {
            // Where failures are many a planner may give no plan in any answer; then that is the same twice.
            const { message } = thrown as Error;
            expect(message).toMatch(/^no usable plan/u);
            return { hash: `${message} ${(await inspectRun(runDir)).logHash}`, files: new Map() };
          }
        };
        const [left, right] = [await once(), await once()];
        expect(right.hash).toBe(left.hash);
        expect(right.files).toEqual(left.files);
      }),
      {
        numRuns: 4,
        endOnFailure: true,
        // One whose planner fails.
        examples: [[{ seed: 6, maxAgents: 5, shards: 1, review: 'model', rates: kinds.map(() => 0.08) }]],
      },
    );
  });
});

describe('D4 D5 killed and resumed', () => {
  const args = ['--max-agents', '8', '--rehearsal', 'failures.json'];
  let whole: Ran;
  beforeAll(async () => {
    whole = await run('whole', 5, ...args);
  });

  test.each(['append.after:40', 'commit.after:60'])(
    'at %s, it ends with the same files, and the same log unless a call was made again',
    async (point) => {
      const cwd = join(directory.path, 'whole');
      const runDir = `killed-${point}`;
      const killed = startCommand(
        ['run', GOAL, '--deterministic', '--seed', '5', '--run-dir', runDir, '--json', '--quiet', ...args],
        { cwd, env: { NODE_ENV: 'test', MEGACTOR_KILL_AT: point } },
      );
      expect((await killed.result).signal).toBe('SIGKILL');
      const resumed = await ran(await resumeRun(join(cwd, runDir)).report);
      expect(resumed.summary).toMatchObject({ status: 'completed', deadLetters: 0 });
      expect(resumed.files).toEqual(whole.files);
      if (resumed.summary.repeatedCalls === 0) expect(resumed.hash).toBe(whole.hash);
    },
  );
});

describe('what cannot repeat itself is refused in one line with exit 2', () => {
  test.each([
    [['--model', 'openai:some'], /--deterministic goes with the rehearsal or a cassette, not with openai:some/u],
    [['--threads', '2'], /--deterministic has one thread, not 2/u],
  ])('%j', async (args, words) => {
    const result = await command(['run', GOAL, '--deterministic', ...args, '--run-dir', 'refused', '--quiet'], {
      cwd: directory.path,
      env: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' },
    });
    expect(result.exitCode).toBe(2);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).toMatch(words);
  });
});
