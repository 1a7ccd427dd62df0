/**
 * One trial of the kill suite: a run in processes of its own, killed where the trial says, resumed to its end, and
 * compared with the same run left alone.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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
import { runWords } from '../../bench/harness/words.ts';
import * as checks from './checks.ts';
import { compactOffline, replaces } from './compact.ts';
import { describeKill, type Life, type Residency, type RunShape, type Trial } from './draw.ts';
import { type RecordingServer, startRecordingServer } from './model-server.ts';
import { EMPTY_SNAPSHOT, type RunSnapshot, type SentMail, snapshotOf } from './snapshot.ts';

/** The run of a shape that nobody killed, and what it takes. */
export interface Reference {
  readonly outcome: checks.Outcome;
  readonly calls: number;
  /** About how often a run of this shape passes each point. */
  readonly passages: Readonly<Record<KillPoint, number>>;
}

export interface TrialResult {
  readonly seed: number;
  /** What is wrong; empty when the trial passed. */
  readonly wrong: readonly string[];
  /** What happened, by kill point; `random`, `interrupted`; `missed` when the process had ended before. */
  readonly kills: readonly string[];
  readonly compactions: number;
  /** Answers that were paid for again and are not in `repeatedCalls`. */
  readonly uncounted: number;
}

/** A process that takes longer hangs. */
const PROCESS_MAX_MS = 120_000;
const GOAL = 'Write the policy of a small island';
const SHARDS = 8;

const argumentsOf = ({ agents, seed, review, durability }: RunShape, runDir: string): string[] =>
  runWords({ goal: GOAL, agents, seed, runDir }, '--review', review, '--durability', durability, '--json', '--quiet');

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
      // At its end.
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
    const result = await command(argumentsOf(shape, runDir), { env: environmentOf(server, null) });
    const outcome = await outcomeOf(jsonLine(result) as RunSummary, runDir);
    const { summary } = outcome;
    const wrong = [
      ...checks.accounted(server.paid, summary, []),
      ...checks.wholeRepository(summary.workspace),
      ...server.refused,
      ...(summary.status === 'completed' && summary.neverWoken === 0 ? [] : [`it is ${summary.status}`]),
    ];
    if (wrong.length > 0) throw new Error(`the run that was not killed: ${wrong.join('; ')}`);
    return { outcome, calls: summary.modelCalls, passages: await passagesOf(runDir, summary.modelCalls) };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};

/** About how often a process of this life passes its point, when `left` of the run is left to do. */
const passagesIn = ({ kill, residency }: Life, { passages }: Reference, left: number): number => {
  if (kill.kind !== 'point') return 0;
  if (kill.point === 'recovery') return passages.recovery;
  const { checkpointEntries } = residency;
  if (kill.point !== 'snapshot' || checkpointEntries === undefined) return left * passages[kill.point];
  return (left * passages['append.before']) / checkpointEntries;
};

/** How often is looked whether a process has got as far as it is to. */
const LOOK_EVERY_MS = 3;

/** Starts a process and ends it as `life` says. @returns how it ended @throws when it hangs */
const runAndKill = async (
  args: readonly string[],
  environment: Record<string, string | undefined>,
  life: Life | null,
  reference: Reference,
  { paid }: RecordingServer,
): Promise<CommandResult> => {
  const kill = life?.kill;
  const callsLeft = Math.max(0, reference.calls - paid.length);
  const armed =
    life !== null && kill?.kind === 'point'
      ? {
          MEGACTOR_KILL_AT: `${kill.point}:${1 + Math.floor(kill.part * passagesIn(life, reference, callsLeft / reference.calls))}`,
        }
      : {};
  const running = startCommand(args, { env: { ...environment, ...armed } });
  let hangs = false;
  const hang = (): void => {
    hangs = true;
    running.child.kill('SIGKILL');
  };
  const timers = [setTimeout(hang, PROCESS_MAX_MS)];
  if (kill !== undefined && kill.kind !== 'point') {
    const signal = kill.kind === 'random' ? 'SIGKILL' : 'SIGINT';
    const enough = paid.length + 1 + Math.floor(kill.fraction * callsLeft);
    const look = setInterval(() => {
      if (paid.length < enough) return;
      clearInterval(look);
      running.child.kill(signal);
    }, LOOK_EVERY_MS);
    timers.push(look);
  }
  const result = await running.result;
  for (const timer of timers) clearTimeout(timer);
  if (hangs) throw new Error(`the process hangs (${kill === undefined ? 'left alone' : describeKill(kill)})`);
  return result;
};

/** A process that ended as it was to end, before its run had. */
const isCutShort = ({ signal, exitCode }: CommandResult, { kind }: Life['kill']): boolean =>
  signal === 'SIGKILL' || (kind === 'interrupted' && (exitCode === 3 || signal === 'SIGINT'));

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
  compactions = 0;
  /** What was sent before the journal was compacted. */
  #cut: SentMail = new Map();

  constructor(trial: Trial, reference: Reference, server: RecordingServer, runDir: string, canary: Canary | null) {
    this.#trial = trial;
    this.#reference = reference;
    this.#server = server;
    this.#runDir = runDir;
    this.#environment = environmentOf(server, canary);
  }

  async toTheEnd(): Promise<void> {
    const { lives, last } = this.#trial;
    for (const life of [...lives, null]) {
      const args = this.#arguments(life?.residency ?? last);
      const result = await runAndKill(args, this.#environment, life, this.#reference, this.#server);
      if (life !== null && isCutShort(result, life.kill)) {
        this.kills.push(describeKill(life.kill));
        await this.#lookAtKilled();
        if (this.wrong.length > 0) return;
        const left = leftSummary(this.#runDir);
        if (left !== null) {
          await this.#finish(left);
          return;
        }
        await this.#compact(life);
        continue;
      }
      if (life !== null) this.kills.push('missed');
      if (result.exitCode === 0) await this.#finish(jsonLine(result) as RunSummary);
      else this.wrong.push(`exit ${result.exitCode ?? result.signal}: ${result.stdout}${result.stderr}`.trim());
      return;
    }
  }

  /** A process that was killed before its run existed has promised nothing: the run is started again. */
  #arguments(residency: Residency): readonly string[] {
    const config = `${this.#runDir}.json`;
    writeFileSync(config, JSON.stringify({ actors: residency }));
    const started = existsSync(join(this.#runDir, 'run.json'));
    const args = started ? ['resume', this.#runDir, '--json', '--quiet'] : argumentsOf(this.#trial.shape, this.#runDir);
    return [...args, '--config', config];
  }

  #hasJournal(): boolean {
    return existsSync(join(this.#runDir, 'journal', 'data.mdb'));
  }

  async #lookAtKilled(): Promise<void> {
    await sleep(ARRIVAL_MS);
    const snapshot = this.#hasJournal() ? await snapshotOf(this.#runDir, this.#cut) : EMPTY_SNAPSHOT;
    this.#compareWithEarlier(snapshot);
    this.wrong.push(
      ...checks.mailIsThere(snapshot),
      ...checks.askedFromJournal(this.#server.paid, snapshot),
      ...checks.actsOnRecorded(snapshot),
    );
    this.#records.push({ snapshot, paid: this.#server.paid.length });
  }

  async #compact({ compaction }: Life): Promise<void> {
    const before = this.#records.at(-1)?.snapshot;
    if (compaction === null || before === undefined || !this.#hasJournal()) return;
    this.compactions += 1;
    const { killAt } = compaction;
    if ((await compactOffline(this.#runDir, killAt)) === 'killed') this.kills.push('compaction');
    if (replaces(killAt)) this.#cut = before.sent;
    const after = await snapshotOf(this.#runDir, this.#cut);
    if (!isDeepStrictEqual(after, before)) this.wrong.push('a compacted journal reads otherwise');
  }

  #compareWithEarlier(snapshot: RunSnapshot): void {
    const earlier = this.#records.at(-1);
    if (earlier !== undefined) this.wrong.push(...checks.neverBack(earlier.snapshot, snapshot));
  }

  async #finish(summary: RunSummary): Promise<void> {
    const outcome = await outcomeOf(summary, this.#runDir);
    const { paid, refused } = this.#server;
    this.uncounted = checks.uncounted(paid, outcome.summary);
    this.#compareWithEarlier(await snapshotOf(this.#runDir, this.#cut));
    this.wrong.push(
      ...checks.sameAs(this.#reference.outcome, outcome),
      ...this.#records.flatMap((record) => checks.neverAskedAgain(paid, record)),
      ...checks.accounted(paid, outcome.summary, this.#records),
      ...checks.wholeRepository(outcome.summary.workspace),
      ...(await checks.replays(this.#runDir)),
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
    const { wrong, kills, uncounted, compactions } = run;
    return { seed: trial.seed, wrong, kills, uncounted, compactions };
  } finally {
    await server.close();
    directory.cleanUp();
  }
};
