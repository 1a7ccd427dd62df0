/**
 * Runs what `bench savina` measures, every subject and program in a process of its own, one after another, and puts the
 * result together. Within a round the subjects of a program follow one another, so that a machine that slows down does so
 * for all of them.
 */
import { entryUrl } from '../../src/platform/index.ts';
import { environment, loadAverage } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { machine, type BenchResult } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { rowsOf, type Measurements } from './rows.ts';
import {
  BURST,
  planOf,
  SUBJECT_NAMES,
  SUBJECTS,
  type Plan,
  type Program,
  type SavinaSettings,
  type Size,
  type Subject,
} from './settings.ts';
import { memorySchema, rateSchema, type Memory, type Rate, type SubjectSettings } from './subject.ts';

const PEERS: ReadonlySet<Subject> = new Set(['nact', 'xstate', 'erlang']);

const subjectsOf = (program: Program): Subject[] =>
  SUBJECTS.filter((subject) => subject !== 'batch' || program === 'counting');

/** Peers are left out when there are to be no runs of them. */
const wanted = (subjects: readonly Subject[], { peerRuns }: Plan): Subject[] =>
  subjects.filter((subject) => peerRuns > 0 || !PEERS.has(subject));

const sizeFor = (program: Program, subject: Subject, { sizes, peerCreations }: Plan): Size => {
  const size = sizes[program];
  if (program !== 'create' || !PEERS.has(subject) || subject === 'erlang') return size;
  const actors = Math.min(size.actors, peerCreations);
  return { actors, items: actors };
};

/** Of a peer, one pass is enough: it is no baseline. */
const passesFor = (program: Program, subject: Subject, { passes }: Plan): number =>
  PEERS.has(subject) ? 1 : passes[program];

const at = (): URL => entryUrl('./subject', import.meta.url);

const rate = (program: Program, subject: Subject, plan: Plan): Promise<Rate> => {
  const settings: SubjectSettings = {
    subject,
    program,
    size: sizeFor(program, subject, plan),
    passes: passesFor(program, subject, plan),
    measure: 'rate',
  };
  return runSubjectAt(at(), settings, rateSchema);
};

const memory = (subject: Subject, { idleActors }: Plan): Promise<Memory> => {
  const size = { actors: idleActors, items: idleActors };
  const settings: SubjectSettings = { subject, program: 'create', size, passes: 1, measure: 'memory' };
  return runSubjectAt(at(), settings, memorySchema);
};

/** Subjects whose heap can be looked at. */
const WITH_HEAP: readonly Subject[] = ['array-floor', 'ring-floor', 'megactor', 'nact', 'xstate'];

export const makeSeries = (plan: Plan): Measurements => {
  const { programs } = plan;
  const perProgram = (program: Program): Map<Subject, Series<Rate>> =>
    new Map(wanted(subjectsOf(program), plan).map((subject) => [subject, new Series<Rate>()]));
  const heaps = programs.includes('create') ? wanted(WITH_HEAP, plan) : [];
  return {
    rates: new Map(programs.map((program) => [program, perProgram(program)])),
    memory: new Map(heaps.map((subject) => [subject, new Series<Memory>()])),
  };
};

const roundsFor = (subject: Subject, { runs, peerRuns }: Plan): number => (PEERS.has(subject) ? peerRuns : runs);

/** It hardly differs from run to run. */
const MEMORY_ROUNDS = 2;

const reasonOf = ({ measured }: Series<unknown>): string => ('failed' in measured ? measured.failed : '');

const inWords = ({ count, seconds, wallSeconds }: Rate): string =>
  `${Math.round(count / seconds)}/s (by wall time ${Math.round(count / wallSeconds)}/s)`;

const measureRound = async (
  { rates, memory: heaps }: Measurements,
  plan: Plan,
  round: number,
  progress: Progress,
): Promise<void> => {
  const say = (what: string, words: string): void => progress(`round ${round} of ${plan.runs}, ${what}: ${words}`);
  for (const [program, of] of rates) {
    for (const [subject, series] of of) {
      if (round > roundsFor(subject, plan)) continue;
      const run = await series.add(() => rate(program, subject, plan));
      say(`${program}, ${SUBJECT_NAMES[subject]}`, run === null ? reasonOf(series) : inWords(run));
    }
  }
  for (const [subject, series] of heaps) {
    if (round > Math.min(roundsFor(subject, plan), MEMORY_ROUNDS)) continue;
    const run = await series.add(() => memory(subject, plan));
    say(`idle actors, ${SUBJECT_NAMES[subject]}`, run === null ? reasonOf(series) : `${Math.round(run.bytes)} bytes`);
  }
};

export const measurePlan = async (plan: Plan, progress: Progress): Promise<BenchResult> => {
  const before = environment();
  const series = makeSeries(plan);
  for (let round = 1; round <= plan.runs; round += 1) await measureRound(series, plan, round, progress);
  return {
    bench: 'savina',
    machine: machine(),
    runs: plan.runs,
    settings: {
      ...plan,
      burst: BURST,
      time: 'processor time of the thread that runs the actors; wall time for Erlang. On an idle machine the two are the same',
      megactor: 'one shard on one host thread, ephemeral actors, default options',
      memory: 'heap in use after collection, per actor that has handled one message',
      ...before,
      loadAverageAtEnd: loadAverage(),
    },
    rows: rowsOf(series, plan),
  };
};

export const measure = (settings: SavinaSettings, progress: Progress): Promise<BenchResult> =>
  measurePlan(planOf(settings), progress);
