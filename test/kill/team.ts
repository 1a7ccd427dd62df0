/**
 * A trial of the long form: a team of 589 agents against the rehearsal server in a process of its own, killed several
 * times in the middle, resumed, and compared with the same team left alone. What was paid for is the server's own count.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type Random, seededRandom } from '../../src/platform/index.ts';
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
import { startRehearsalServer } from '../support/rehearsal-server.ts';
import { runWords } from '../../bench/harness/words.ts';
import * as checks from './checks.ts';
import { COMPACTION_PASSAGES, compactOffline, replaces } from './compact.ts';
import type { Residency } from './draw.ts';
import { EMPTY_SNAPSHOT, type RunSnapshot, type SentMail, snapshotOf } from './snapshot.ts';

const ADMINS = 98;
const WORKERS_PER_ADMIN = 5;
const AGENTS = 1 + ADMINS * (WORKERS_PER_ADMIN + 1);
const LATENCY_MS = 200;
const KILLS = 4;
const PROCESS_MAX_MS = 300_000;
/** As many as there are shards. */
const RECOVERIES = 8;

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
  const server = await startRehearsalServer(['--rehearsal', file, '--seed', '7']);
  return {
    url: server.url,
    stats: async () => statsSchema.parse(await (await fetch(`${server.url}/stats`)).json()),
    close: async () => void (await server.stop()),
  };
};

const argumentsOf = (runDir: string): string[] =>
  runWords(
    { goal: 'Write the policy of a small island', agents: AGENTS, seed: 7, runDir },
    '--review',
    'none',
    '--json',
    '--quiet',
  );

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

const lookAt = async (server: Server, runDir: string, cut: SentMail): Promise<Seen> => {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await server.stats()).inFlight === 0) break;
    await sleep(50);
  }
  const stats = await server.stats();
  let snapshot = EMPTY_SNAPSHOT;
  try {
    snapshot = await snapshotOf(runDir, cut);
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

/** @param afterMs null: it ends by itself @throws when it does not */
const runAndKill = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  afterMs: number | null,
): Promise<CommandResult> => {
  const running = startCommand(args, { env });
  const timer = setTimeout(() => running.child.kill('SIGKILL'), afterMs ?? PROCESS_MAX_MS);
  const startedAt = performance.now();
  const result = await running.result;
  clearTimeout(timer);
  if (afterMs === null && performance.now() - startedAt >= PROCESS_MAX_MS) throw new Error('the process hangs');
  return result;
};

/** Few agents in memory, or those that are at work only, and snapshots all the time. */
const drawResidency = (random: Random): Residency => ({
  ...(random() < 0.6 ? { residentMax: 20 + Math.floor(random() * 300) } : {}),
  ...(random() < 0.4 ? { passivateAfterMs: 1 + Math.floor(random() * 500) } : {}),
  ...(random() < 0.6 ? { checkpointEntries: 20 + Math.floor(random() * 300) } : {}),
});

class TeamTrial {
  readonly #random: Random;
  readonly #server: Server;
  readonly #reference: Reference;
  readonly #runDir: string;
  readonly #looks: Seen[] = [];
  readonly wrong: string[] = [];
  readonly kills: string[] = [];
  compactions = 0;
  /** What was sent before the journal was compacted. */
  #cut: SentMail = new Map();

  constructor(seed: number, server: Server, reference: Reference, runDir: string) {
    this.#random = seededRandom(seed, 53);
    this.#server = server;
    this.#reference = reference;
    this.#runDir = runDir;
  }

  /** @returns how the process ended that was left alone, or was done before its kill */
  async killAndResume(): Promise<CommandResult> {
    for (let number = 0; number <= KILLS; number += 1) {
      const result = await this.#live(number);
      if (result.signal !== 'SIGKILL') {
        if (result.exitCode !== 0) throw new Error(`exit ${result.exitCode}: ${result.stdout}${result.stderr}`);
        return result;
      }
      await this.#lookAtKilled();
      await this.#compact();
    }
    throw new Error('every process was killed');
  }

  async #live(number: number): Promise<CommandResult> {
    const random = this.#random;
    const config = `${this.#runDir}.json`;
    writeFileSync(config, JSON.stringify({ actors: drawResidency(random) }));
    const started = this.#looks.some(({ stats }) => stats.calls > 0);
    const args = started ? ['resume', this.#runDir, '--json', '--quiet'] : argumentsOf(this.#runDir);
    const inRecovery = started && number < KILLS && random() < 0.25;
    const armed = { NODE_ENV: 'test', MEGACTOR_KILL_AT: `recovery:${1 + Math.floor(random() * RECOVERIES)}` };
    // What is left is a part of the whole, and a start takes its time.
    const part = number === 0 ? 0.3 + random() * 0.5 : 0.15 + random() * 0.35;
    const afterMs = number === KILLS || inRecovery ? null : part * this.#reference.wallMs;
    const env = { ...environmentOf(this.#server), ...(inRecovery ? armed : {}) };
    const result = await runAndKill([...args, '--config', config], env, afterMs);
    if (result.signal === 'SIGKILL') this.kills.push(inRecovery ? 'recovery' : 'random');
    return result;
  }

  async #lookAtKilled(): Promise<void> {
    const seen = await lookAt(this.#server, this.#runDir, this.#cut);
    const before = this.#looks.at(-1);
    if (before !== undefined) this.wrong.push(...checks.neverBack(before.snapshot, seen.snapshot));
    this.wrong.push(...checks.mailIsThere(seen.snapshot), ...checks.actsOnRecorded(seen.snapshot));
    this.#looks.push(seen);
  }

  async #compact(): Promise<void> {
    const random = this.#random;
    const before = this.#looks.at(-1)?.snapshot;
    if (before === undefined || before.agents.size === 0 || random() < 0.5) return;
    const killAt = random() < 0.5 ? 1 + Math.floor(random() * COMPACTION_PASSAGES) : null;
    this.compactions += 1;
    if ((await compactOffline(this.#runDir, killAt)) === 'killed') this.kills.push('compaction');
    if (replaces(killAt)) this.#cut = before.sent;
    const after = await snapshotOf(this.#runDir, this.#cut);
    if (!isDeepStrictEqual(after, before)) this.wrong.push('a compacted journal reads otherwise');
  }

  /** Compares the end with the same team left alone. @returns what the counters are to have */
  async judge(result: CommandResult): Promise<Record<string, number>> {
    const outcome = await outcomeOf(result, this.#runDir);
    const { summary } = outcome;
    const end = await lookAt(this.#server, this.#runDir, this.#cut);
    const repeated = end.stats.calls - summary.modelCalls;
    this.wrong.push(...checks.sameAs(this.#reference.outcome, outcome), ...paidOnce(this.#looks, end));
    this.wrong.push(...checks.wholeRepository(summary.workspace));
    if (summary.agents !== AGENTS) this.wrong.push(`${summary.agents} agents, not ${AGENTS}`);
    return {
      compactions: this.compactions,
      largeCalls: end.stats.calls,
      largeCallsAlone: this.#reference.calls,
      largeRepeated: repeated,
      uncounted: repeated - summary.repeatedCalls,
    };
  }
}

export const runTeamTrial = async (seed: number): Promise<TeamTrialResult> => {
  const shared = seed % 2 === 0;
  const reference = await leftAlone(shared);
  const directory = temporaryDirectory();
  const server = await startServer(directory.path, shared);
  const trial = new TeamTrial(seed, server, reference, join(directory.path, 'run'));
  try {
    const counts = await trial.judge(await trial.killAndResume());
    return { wrong: trial.wrong, kills: trial.kills, counts };
  } catch (error) {
    const wrong = [...trial.wrong, error instanceof Error ? (error.stack ?? error.message) : String(error)];
    return { wrong, kills: trial.kills, counts: {} };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};
