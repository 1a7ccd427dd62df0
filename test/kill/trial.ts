/**
 * One trial of the kill suite: a run in processes of its own, killed where the trial says, resumed to its end, and
 * compared with the same run left alone.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { existsSync, readFileSync } from 'node:fs';
import { readJournal } from '../../src/journal/index.ts';
import type { Canary, KillPoint } from '../../src/platform/index.ts';
import type { Inspection, RunSummary } from '../../src/run/types.ts';
import {
  asLineSets,
  command,
  type CommandResult,
  filesBelow,
  startCommand,
  temporaryDirectory,
} from '../support/command.ts';
import { jsonLine } from '../support/command.ts';
import * as checks from './checks.ts';
import { describeKill, type Kill, type RunShape, type Trial } from './draw.ts';
import { type RecordingServer, startRecordingServer } from './model-server.ts';
import { EMPTY_SNAPSHOT, snapshotOf } from './snapshot.ts';

/** The run of a shape that nobody killed, and what it takes. */
export interface Reference {
  readonly outcome: checks.Outcome;
  readonly wallMs: number;
  /** About how often a run of this shape passes each point. */
  readonly passages: Readonly<Record<KillPoint, number>>;
}

export interface TrialResult {
  readonly seed: number;
  /** What is wrong; empty when the trial passed. */
  readonly wrong: readonly string[];
  /** What happened, by kill point; `random`; `missed` when the process had ended before. */
  readonly kills: readonly string[];
  /** Answers that were paid for again and are not in `repeatedCalls`. */
  readonly uncounted: number;
}

/** A process that takes longer hangs. */
const PROCESS_MAX_MS = 120_000;
const GOAL = 'Write the policy of a small island';
const SHARDS = 8;

const argumentsOf = ({ agents, seed, review, durability }: RunShape, runDir: string): string[] => {
  const model = ['run', GOAL, '--model', 'openai:rehearsal', '--max-agents', String(agents), '--seed', String(seed)];
  return [...model, '--review', review, '--durability', durability, '--run-dir', runDir, '--json', '--quiet'];
};

const environmentOf = (server: RecordingServer, canary: Canary | null): Record<string, string | undefined> => ({
  NODE_ENV: 'test',
  OPENAI_BASE_URL: server.baseUrl,
  OPENAI_API_KEY: 'test-key',
  MEGACTOR_CANARY: canary ?? undefined,
  MEGACTOR_KILL_AT: undefined,
});

const startServer = (shape: RunShape): Promise<RecordingServer> =>
  startRecordingServer({
    rehearsal: { scenario: shape.scenario },
    seed: shape.seed,
    latencyMs: shape.latencyMs,
  });

/** What a run that had ended before its process was killed has left of its summary. */
const leftSummary = (runDir: string): RunSummary | null => {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(runDir, name), 'utf8'));
  if (!existsSync(join(runDir, 'run.json')) || (read('run.json') as RunSummary).status !== 'completed') return null;
  const report = read('report.json') as RunSummary & { readonly fileCount: number };
  return { ...report, files: report.fileCount };
};

const outcomeOf = async (summary: RunSummary, runDir: string): Promise<checks.Outcome> => {
  const inspection = jsonLine(await command(['inspect', runDir, '--json'])) as Inspection;
  return {
    summary,
    agents: inspection.agents.map(({ name, level }) => `${name} (${level})`).sort(),
    files: asLineSets(filesBelow(summary.workspace)),
  };
};

const passagesOf = async (runDir: string, calls: number): Promise<Reference['passages']> => {
  const journal = await readJournal(runDir);
  try {
    let appends = 0;
    for (let shard = 0; shard < journal.shards.length; shard += 1) {
      for (const _append of journal.appends(shard)) appends += 1;
    }
    return {
      'append.before': appends,
      'append.after': appends,
      'ack.before': appends,
      // Several appends share a commit; a call has its mark, its answer and the changes of its tools.
      'commit.after': Math.ceil(appends / 2),
      'service.commit.after': 3 * calls,
      snapshot: 1,
      // No part of a run.
      compaction: 0,
      recovery: SHARDS,
    };
  } finally {
    await journal.close();
  }
};

/** @throws when even the run that is left alone does not hold what it should */
export const referenceOf = async (shape: RunShape): Promise<Reference> => {
  const directory = temporaryDirectory();
  const server = await startServer(shape);
  try {
    const runDir = join(directory.path, 'run');
    const startedAt = performance.now();
    const result = await command(argumentsOf(shape, runDir), { env: environmentOf(server, null) });
    const wallMs = performance.now() - startedAt;
    const outcome = await outcomeOf(jsonLine(result) as RunSummary, runDir);
    const { summary } = outcome;
    const wrong = [
      ...checks.accounted(server.paid, summary, []),
      ...checks.wholeRepository(summary.workspace),
      ...server.refused,
      ...(summary.status === 'completed' && summary.neverWoken === 0 ? [] : [`it is ${summary.status}`]),
    ];
    if (wrong.length > 0) throw new Error(`the run that was not killed: ${wrong.join('; ')}`);
    return { outcome, wallMs, passages: await passagesOf(runDir, summary.modelCalls) };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};

/** Starts a process and kills it as `kill` says. @returns how it ended */
const runAndKill = async (
  args: readonly string[],
  environment: Record<string, string | undefined>,
  kill: Kill | null,
  reference: Reference,
): Promise<CommandResult> => {
  const count = kill?.kind === 'point' ? 1 + Math.floor(kill.part * reference.passages[kill.point]) : 0;
  const armed = kill?.kind === 'point' ? { MEGACTOR_KILL_AT: `${kill.point}:${count}` } : {};
  const running = startCommand(args, { env: { ...environment, ...armed } });
  const afterMs = kill?.kind === 'random' ? kill.fraction * reference.wallMs : PROCESS_MAX_MS;
  const timer = setTimeout(() => running.child.kill('SIGKILL'), afterMs);
  try {
    return await running.result;
  } finally {
    clearTimeout(timer);
  }
};

/** Requests that the killed process had sent arrive within this time. */
const ARRIVAL_MS = 100;

class TrialRun {
  readonly #trial: Trial;
  readonly #reference: Reference;
  readonly #server: RecordingServer;
  readonly #runDir: string;
  readonly #environment: Record<string, string | undefined>;
  readonly #records: checks.KillRecord[] = [];
  readonly wrong: string[] = [];
  readonly kills: string[] = [];
  uncounted = 0;

  constructor(trial: Trial, reference: Reference, server: RecordingServer, runDir: string, canary: Canary | null) {
    this.#trial = trial;
    this.#reference = reference;
    this.#server = server;
    this.#runDir = runDir;
    this.#environment = environmentOf(server, canary);
  }

  async toTheEnd(): Promise<void> {
    for (const kill of [...this.#trial.kills, null]) {
      const result = await runAndKill(this.#arguments(), this.#environment, kill, this.#reference);
      if (result.signal === 'SIGKILL' && kill !== null) {
        this.kills.push(describeKill(kill));
        await this.#lookAtKilled();
        if (this.wrong.length > 0) return;
        const left = leftSummary(this.#runDir);
        if (left === null) continue;
        await this.#finish(left);
        return;
      }
      if (kill !== null) this.kills.push('missed');
      if (result.exitCode === 0) await this.#finish(jsonLine(result) as RunSummary);
      else this.wrong.push(`exit ${result.exitCode ?? result.signal}: ${result.stdout}${result.stderr}`.trim());
      return;
    }
  }

  /** A process that was killed before its run existed has promised nothing: the run is started again. */
  #arguments(): readonly string[] {
    if (existsSync(join(this.#runDir, 'run.json'))) return ['resume', this.#runDir, '--json', '--quiet'];
    return argumentsOf(this.#trial.shape, this.#runDir);
  }

  async #lookAtKilled(): Promise<void> {
    const atMs = performance.now();
    await sleep(ARRIVAL_MS);
    const hasJournal = existsSync(join(this.#runDir, 'journal', 'data.mdb'));
    const snapshot = hasJournal ? await snapshotOf(this.#runDir) : EMPTY_SNAPSHOT;
    this.#compareWithEarlier(snapshot);
    this.wrong.push(
      ...checks.mailIsThere(snapshot),
      ...checks.askedFromJournal(this.#server.paid, snapshot),
      ...checks.actsOnRecorded(snapshot),
    );
    this.#records.push({ snapshot, paid: this.#server.paid.length, atMs });
  }

  #compareWithEarlier(snapshot: Awaited<ReturnType<typeof snapshotOf>>): void {
    const earlier = this.#records.at(-1);
    if (earlier !== undefined) this.wrong.push(...checks.neverBack(earlier.snapshot, snapshot));
  }

  async #finish(summary: RunSummary): Promise<void> {
    const outcome = await outcomeOf(summary, this.#runDir);
    const { paid, refused } = this.#server;
    this.uncounted = checks.uncounted(paid, outcome.summary);
    this.#compareWithEarlier(await snapshotOf(this.#runDir));
    this.wrong.push(
      ...checks.sameAs(this.#reference.outcome, outcome),
      ...this.#records.flatMap((record) => checks.neverAskedAgain(paid, record)),
      ...checks.accounted(paid, outcome.summary, this.#records),
      ...checks.wholeRepository(outcome.summary.workspace),
      ...refused,
    );
  }
}

export const runTrial = async (trial: Trial, reference: Reference, canary: Canary | null): Promise<TrialResult> => {
  const directory = temporaryDirectory();
  const server = await startServer(trial.shape);
  try {
    const run = new TrialRun(trial, reference, server, join(directory.path, 'run'), canary);
    try {
      await run.toTheEnd();
    } catch (error) {
      run.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    return { seed: trial.seed, wrong: run.wrong, kills: run.kills, uncounted: run.uncounted };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};
