/**
 * Gathers what a run came to: the summary (`--json`), and the rows of `report.json`. It asks the services and the
 * actors once, at the end; numbers that must survive a resume live in the agents' own states and in the roster.
 */
import { memoryOf, MODEL, ROSTER, SANDBOX, WORKSPACE } from '../../actors/run-services.ts';
import { z } from 'zod';
import type { MemoryStats } from '../memory/types.ts';
import type { ActorSystem } from '../runtime/index.ts';
import type { ProgramTally } from '../sandbox/index.ts';
import type { MegactorError } from '../protocol/errors.ts';
import type { EventInput } from '../telemetry/index.ts';
import {
  agentStateSchema,
  buildReport,
  countMissing,
  everythingMissing,
  questionsOfRows,
  renderReport,
  sumCounters,
  type AgentState,
  type ReportFileInput,
  type ReportQuestion,
  type RosterSummary,
} from '../society/index.ts';
import { leafSchema, sumSpend, type Leaf, type Spend } from '../model/budget/index.ts';
import { isBuiltIn } from './built-in.ts';
import { writeJson, writeWhole, type RunDirectory, type RunFile } from './run-directory.ts';
import type { Outcome } from './controller.ts';
import { keptOf, withoutWayOn } from './resumable.ts';
import { RUN_STORE, type PlannerUsage } from './run-store.ts';
import { planQuestion } from './plan-consent.ts';
import { EMBEDDER } from './services/embedding-wire.ts';
import { renderSpend, spendReport } from './spend-report.ts';
import { missingOf, withUnheard } from './unheard.ts';
import type { RunSummary } from './types.ts';
import { errorOfOutcome } from './why-failed.ts';

const workspaceStatsSchema = z.object({ files: z.number(), commits: z.number() });

/** What the report needs of an agent's own state. */
export type KnownState = Pick<AgentState, 'counters' | 'repaired'> & Partial<Pick<AgentState, 'name'>>;

export interface Gathered {
  readonly roster: RosterSummary;
  /** Questions to the person that are open. */
  readonly questions: readonly ReportQuestion[];
  /** Of the agents that are there, in memory or passive. */
  readonly states: readonly KnownState[];
  readonly workspace: { readonly files: number; readonly commits: number };
  readonly files: readonly ReportFileInput[];
  /** What had to make way for them in the work tree, by path. */
  readonly displaced: readonly string[];
  /** What model calls have cost, by agent. */
  readonly spent: readonly (readonly [string, Leaf])[];
  /** By owner of memories. */
  readonly memories: readonly MemoryStats[];
  /** What became of programs; null for a run without. */
  readonly programs: ProgramTally | null;
}

/** What is not said by files and programs. */
export type GatheredSociety = Omit<Gathered, 'workspace' | 'files' | 'displaced' | 'programs'>;

/** Asks agents and services; call it when nothing runs any more and before the system stops. */
export const gatherSociety = async (system: ActorSystem, memoryThreads: number): Promise<GatheredSociety> => {
  const owners = Array.from({ length: memoryThreads }, (_, owner) => memoryOf(owner));
  const [roster, spent, memories] = await Promise.all([
    system.callService(ROSTER, 'summary', {}),
    system.callService(MODEL, 'spent', {}),
    Promise.all(owners.map((owner) => system.callService(owner, 'stats', {}))),
  ]);
  const plan = system.journal === null ? null : await planQuestion(system.journal.store(RUN_STORE));
  // Agents that have been idle for long are not in memory, and stay so.
  const actors = await system.inspect(roster.rows, { state: ['name', 'counters', 'repaired'] });
  const states = actors.flatMap((actor) => {
    const state = knownSchema.safeParse(actor.state);
    return state.success ? [state.data] : [];
  });
  const missing = missingOf(roster.rows, new Set(actors.map(({ id }) => id)));
  const rows = missing.length === 0 ? roster.rows : withUnheard(roster.rows, missing, await system.unheardFailures());
  return {
    roster: { ...roster, rows },
    questions: [...(plan === null ? [] : [plan]), ...questionsOfRows(rows)],
    states,
    spent: spentSchema.parse(spent),
    memories,
  };
};

/** The rest, when the files are where they are said to be. */
export const gatherFiles = async (
  system: ActorSystem,
  hasPrograms: boolean,
): Promise<Pick<Gathered, 'workspace' | 'files' | 'programs'>> => {
  const [workspace, files, programs] = await Promise.all([
    system.callService(WORKSPACE, 'stats', {}),
    system.callService(WORKSPACE, 'files', {}),
    hasPrograms ? system.callService(SANDBOX, 'stats', {}) : null,
  ]);
  return { workspace: workspaceStatsSchema.parse(workspace), files: fileRowsSchema.parse(files), programs };
};

/** What the person is asked and has not answered, as events. */
export const openQuestions = (questions: readonly ReportQuestion[]): readonly EventInput[] =>
  questions.flatMap(({ agent, id, kind, text, answered, plan }) =>
    answered === true
      ? []
      : [
          {
            type: 'human' as const,
            agent,
            status: 'asked',
            kind,
            question: id,
            ...(plan === undefined ? {} : { plan }),
            text,
          },
        ],
  );

const knownSchema = agentStateSchema.pick({ name: true, counters: true, repaired: true });

const spentSchema = z.array(z.tuple([z.string(), leafSchema]));

const fileRowsSchema = z.array(
  z.object({ path: z.string(), commit: z.string().nullable(), author: z.string(), base: z.string() }),
);

/** What the memories of the process came to; null for a run without. */
const memoryReport = (memories: readonly MemoryStats[], embedder: string) => {
  if (memories.length === 0) return null;
  const sum = (value: (stats: MemoryStats) => number): number =>
    memories.reduce((total, stats) => total + value(stats), 0);
  const { model = null, state = 'off', error = null } = memories[0]?.embedding ?? {};
  return {
    embedder,
    model,
    state,
    error,
    added: sum(({ added }) => added),
    recalls: sum(({ recalls }) => recalls),
    embedded: sum(({ embedding }) => embedding.embedded),
    waiting: sum(({ embedding }) => embedding.waiting),
    reembedding: memories.some(({ embedding }) => embedding.reembedding),
  };
};

/** Writes `report.json` and `report.md`. */
export const writeReports = (parts: {
  directory: RunDirectory;
  run: RunFile;
  summary: RunSummary;
  gathered: Gathered;
}): void => {
  const { directory, run, summary, gathered } = parts;
  const report = buildReport({
    roster: { ...gathered.roster, goal: run.goal, examples: examplesOf(gathered) },
    files: gathered.files,
    synthetic: summary.synthetic,
    reviews: run.settings.review !== 'none',
    questions: gathered.questions,
  });
  const spending = spendReport(gathered.spent);
  const { files, ...numbers } = summary;
  const memory = memoryReport(gathered.memories, run.settings.embedder);
  const { programs } = gathered;
  const all = { ...numbers, fileCount: files, ...report, spending, memory, programs };
  writeJson(directory.file('report.json'), all);
  const embedder = memory?.state === 'stopped' ? `${summary.embedder}, stopped: ${memory.error}` : summary.embedder;
  const numbersOf = { ...summary, embedder, ...(programs === null ? {} : { programs }) };
  writeWhole(directory.file('report.md'), `${renderReport(report, numbersOf)}\n${renderSpend(spending)}`);
};

/** The first case of each remedy; of repairs the agents themselves know. */
const examplesOf = ({ roster, states }: Pick<Gathered, 'roster' | 'states'>): RosterSummary['examples'] => {
  const first = states.find(({ repaired }) => repaired !== undefined);
  if (roster.examples['format'] !== undefined || first?.repaired === undefined) return roster.examples;
  return { ...roster.examples, format: { agent: first.name ?? '', what: first.repaired } };
};

/** Every answer of bad format counts once: as a repair, or, after the last of them, as what its supervisor was told. */
const withRepairs = (remedies: RunSummary['remedies'], repairs: number): RunSummary['remedies'] =>
  repairs === 0 ? remedies : { ...remedies, format: (remedies['format'] ?? 0) + repairs };

const spendOf = (spent: Gathered['spent'], counts: (agent: string) => boolean = () => true): Spend =>
  sumSpend(spent.flatMap(([agent, { models }]) => (counts(agent) ? Object.values(models) : [])));

/** What a result says of the error that ended or paused a run. */
const errorOf = (error: MegactorError | null, run: RunFile): Pick<RunSummary, 'error'> => {
  if (error === null) return {};
  const { code, message, hint } = withoutWayOn(error, run);
  return { error: { code, message, hint } };
};

/**
 * Calls and tokens come from what was spent, which has each answer from the moment it was received: also those of steps
 * that an agent did not live to finish.
 */
export const summaryOf = (parts: {
  run: RunFile;
  directory: RunDirectory;
  outcome: Outcome;
  gathered: Gathered;
  /** Calls that belong to no agent: the planner's. */
  planner: PlannerUsage;
}): RunSummary => {
  const { run, directory, outcome, gathered, planner } = parts;
  const { roster, questions, displaced } = gathered;
  const gone = roster.rows.flatMap((row) => (row.counters === null ? [] : [{ counters: row.counters }]));
  const counters = sumCounters([...gathered.states, ...gone]);
  const spent = spendOf(gathered.spent, (agent) => agent !== EMBEDDER);
  return {
    runId: run.runId,
    status: outcome.status,
    reason: outcome.reason,
    ...errorOf(errorOfOutcome(outcome, roster), run),
    seed: run.settings.seed,
    model: run.settings.model,
    // A server may say of itself that it only rehearses. An answer counts from when it was received, as its tokens do.
    synthetic: isBuiltIn(run.settings.model) || counters.syntheticCalls > 0 || spendOf(gathered.spent).synthetic > 0,
    agents: roster.agents,
    agentsByLevel: roster.agentsByLevel,
    neverWoken: roster.neverWoken,
    finalReview: roster.finalReview,
    missing: countMissing(everythingMissing(roster.rows, gathered.files)),
    turns: counters.turns,
    steps: counters.steps,
    modelCalls: spent.calls,
    repeatedCalls: counters.repeatedCalls + planner.repeatedCalls,
    messages: counters.messages,
    tokens: {
      input: spent.input,
      cachedInput: spent.cachedInput,
      output: spent.output,
    },
    costUsd: spendOf(gathered.spent).usd,
    wallSeconds: Math.round(run.spent.wallSeconds * 1_000) / 1_000,
    files: gathered.workspace.files,
    commits: gathered.workspace.commits,
    nudges: roster.nudges,
    reviews: roster.reviews,
    remedies: withRepairs(roster.remedies, counters.repairs),
    restarts: run.spent.restarts,
    deadLetters: run.spent.deadLetters,
    ...(run.settings.sandbox === 'off' ? {} : { sandbox: run.settings.sandbox }),
    ...keptOf(run),
    ...(questions.length === 0 ? {} : { questions }),
    embedder: run.settings.embedder,
    workspace: run.settings.workspace,
    ...(displaced.length === 0 ? {} : { displaced }),
    runDir: directory.path,
  };
};
