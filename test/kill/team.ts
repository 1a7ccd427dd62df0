/**
 * A trial of the long form: a team of 589 agents against the rehearsal server in a process of its own, killed several
 * times in the middle, resumed, and compared with the same team left alone. What was paid for is the server's own count.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { seededRandom } from '../../src/platform/index.ts';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import {
  asLineSets,
  command,
  type CommandResult,
  filesBelow,
  jsonLine,
  startCommand,
  temporaryDirectory,
} from '../support/command.ts';
import * as checks from './checks.ts';
import { EMPTY_SNAPSHOT, type RunSnapshot, snapshotOf } from './snapshot.ts';

const ADMINS = 98;
const WORKERS_PER_ADMIN = 5;
const AGENTS = 1 + ADMINS * (WORKERS_PER_ADMIN + 1);
const LATENCY_MS = 200;
const KILLS = 4;
const PROCESS_MAX_MS = 300_000;

const statsSchema = z.object({
  calls: z.int(),
  inFlight: z.int(),
  byAgent: z.record(z.string(), z.int()),
});

type Stats = z.infer<typeof statsSchema>;

interface Server {
  readonly url: string;
  stats(): Promise<Stats>;
  close(): Promise<void>;
}

const startServer = async (directory: string, shared: boolean): Promise<Server> => {
  const file = join(directory, 'rehearsal.json');
  const shape = { admins: ADMINS, workersPerAdmin: WORKERS_PER_ADMIN, ...(shared ? { variant: 'shared' } : {}) };
  writeFileSync(file, JSON.stringify({ scenario: 'team', latencyMs: LATENCY_MS, shape }));
  const running = startCommand(['rehearsal-server', '--rehearsal', file, '--seed', '7']);
  const url = await new Promise<string>((resolve, reject) => {
    running.child.stdout?.on('data', (chunk: Buffer) => {
      const found = /listening on (http:\S+)/u.exec(chunk.toString())?.[1];
      if (found !== undefined) resolve(found);
    });
    running.result.then(({ stderr }) => reject(new Error(`the server ended: ${stderr}`)), reject);
  });
  return {
    url,
    stats: async () => statsSchema.parse(await (await fetch(`${url}/stats`)).json()),
    close: async () => {
      running.child.kill('SIGTERM');
      await running.result;
    },
  };
};

const argumentsOf = (runDir: string): string[] => {
  const model = ['run', 'Write the policy of a small island', '--model', 'openai:rehearsal', '--seed', '7'];
  return [...model, '--max-agents', String(AGENTS), '--review', 'none', '--run-dir', runDir, '--json', '--quiet'];
};

const environmentOf = ({ url }: Server): Record<string, string> => ({
  OPENAI_BASE_URL: `${url}/v1`,
  OPENAI_API_KEY: 'test-key',
});

const outcomeOf = async (result: CommandResult, runDir: string): Promise<checks.Outcome> => {
  const summary = jsonLine(result) as RunSummary;
  const inspection = jsonLine(await command(['inspect', runDir, '--json'])) as Inspection;
  return {
    summary,
    agents: inspection.agents.map(({ name, level }) => `${name} (${level})`).sort(),
    files: asLineSets(filesBelow(summary.workspace)),
  };
};

interface Reference {
  readonly outcome: checks.Outcome;
  readonly calls: number;
  readonly wallMs: number;
}

const leftAlone = async (shared: boolean): Promise<Reference> => {
  const directory = temporaryDirectory();
  const server = await startServer(directory.path, shared);
  try {
    const runDir = join(directory.path, 'run');
    const startedAt = performance.now();
    const result = await command(argumentsOf(runDir), { env: environmentOf(server) });
    const wallMs = performance.now() - startedAt;
    return { outcome: await outcomeOf(result, runDir), calls: (await server.stats()).calls, wallMs };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};

/** A kill: what the journal and the server had then. */
interface Seen {
  readonly snapshot: RunSnapshot;
  readonly stats: Stats;
}

const answersOf = (snapshot: RunSnapshot, agent: string): number =>
  agent === '_planner' ? snapshot.plannerAnswers : (snapshot.agents.get(agent)?.answers ?? 0);

/**
 * D3, by the server's count: after a kill nobody asks for more than what it still needs, but for one call that each
 * later kill may cut off.
 */
const paidOnce = (kills: readonly Seen[], end: Seen): string[] => {
  const wrong: string[] = [];
  for (const [index, { snapshot, stats }] of kills.entries()) {
    const later = kills.length - 1 - index;
    for (const [agent, calls] of Object.entries(end.stats.byAgent)) {
      const asked = calls - (stats.byAgent[agent] ?? 0);
      const needed = answersOf(end.snapshot, agent) - answersOf(snapshot, agent);
      if (asked > needed + later) wrong.push(`${agent} asked ${asked} times after kill ${index + 1}, needed ${needed}`);
    }
  }
  return wrong.slice(0, 4);
};

const lookAt = async (server: Server, runDir: string): Promise<Seen> => {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await server.stats()).inFlight === 0) break;
    await sleep(50);
  }
  const stats = await server.stats();
  let snapshot = EMPTY_SNAPSHOT;
  try {
    snapshot = await snapshotOf(runDir);
  } catch (error) {
    // Killed before there was a journal.
    if (stats.calls > 0) throw error;
  }
  return { snapshot, stats };
};

export interface TeamTrialResult {
  readonly wrong: readonly string[];
  readonly kills: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const runAndKill = async (
  args: readonly string[],
  env: Record<string, string>,
  afterMs: number,
): Promise<CommandResult> => {
  const running = startCommand(args, { env });
  const timer = setTimeout(() => running.child.kill('SIGKILL'), afterMs);
  try {
    return await running.result;
  } finally {
    clearTimeout(timer);
  }
};

const killAndResume = async (seed: number, server: Server, reference: Reference, runDir: string) => {
  const random = seededRandom(seed, 53);
  const env = environmentOf(server);
  const kills: Seen[] = [];
  const wrong: string[] = [];
  for (let number = 0; number <= KILLS; number += 1) {
    const started = number > 0 && kills.some(({ stats }) => stats.calls > 0);
    const args = started ? ['resume', runDir, '--json', '--quiet'] : argumentsOf(runDir);
    // What is left is a part of the whole, and a start takes its time.
    const part = number === 0 ? 0.3 + random() * 0.5 : 0.15 + random() * 0.35;
    const result = await runAndKill(args, env, number === KILLS ? PROCESS_MAX_MS : part * reference.wallMs);
    if (result.signal !== 'SIGKILL') {
      if (result.exitCode !== 0) throw new Error(`exit ${result.exitCode}: ${result.stdout}${result.stderr}`);
      return { kills, wrong, result };
    }
    const seen = await lookAt(server, runDir);
    const before = kills.at(-1);
    if (before !== undefined) wrong.push(...checks.neverBack(before.snapshot, seen.snapshot));
    wrong.push(...checks.mailIsThere(seen.snapshot), ...checks.actsOnRecorded(seen.snapshot));
    kills.push(seen);
  }
  throw new Error('the last process was killed: it hangs');
};

export const runTeamTrial = async (seed: number): Promise<TeamTrialResult> => {
  const shared = seed % 2 === 0;
  const reference = await leftAlone(shared);
  const directory = temporaryDirectory();
  const server = await startServer(directory.path, shared);
  try {
    const runDir = join(directory.path, 'run');
    const { kills, wrong, result } = await killAndResume(seed, server, reference, runDir);
    const outcome = await outcomeOf(result, runDir);
    const { summary } = outcome;
    const end = await lookAt(server, runDir);
    const repeated = end.stats.calls - summary.modelCalls;
    const uncounted = repeated - summary.repeatedCalls;
    wrong.push(...checks.sameAs(reference.outcome, outcome), ...paidOnce(kills, end));
    wrong.push(...checks.wholeRepository(summary.workspace));
    if (summary.agents !== AGENTS) wrong.push(`${summary.agents} agents, not ${AGENTS}`);
    return {
      wrong,
      kills: kills.map(() => 'random'),
      counts: { largeCalls: end.stats.calls, largeCallsAlone: reference.calls, largeRepeated: repeated, uncounted },
    };
  } catch (error) {
    return { wrong: [error instanceof Error ? (error.stack ?? error.message) : String(error)], kills: [], counts: {} };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};
