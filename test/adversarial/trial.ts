/** One trial: a run drawn from its seed, to its end, judged; the same seed does the same again, step by step. */
import { temporaryDirectory } from '../support/command.ts';
import { BAD_KINDS } from './behaviours.ts';
import { judge } from './checks.ts';
import { drawTrial, type Trial } from './draw.ts';
import { TrialRun } from './society.ts';

export interface TrialOutcome {
  readonly seed: number;
  /** What is wrong; empty when the trial passed. */
  readonly wrong: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  /** Equal for equal runs. */
  readonly traceHash: string;
  /** The last lines of what happened. */
  readonly tail: readonly string[];
}

/** Of so many seeds, git checks the whole repository of one. */
const CHECK_EVERY = 40;
const TAIL_LINES = 20;

/** What happened beside bad behaviour, as the counters name it. */
export const HAPPENINGS = [
  'completed',
  'failed',
  'stopped',
  'paused',
  'budget-calls',
  'budget-tokens',
  'budget-usd',
  'group-held',
  'interrupted',
  'human-questions',
  'answered',
  'programs',
  'retired',
  'conflicts',
  'removed-files',
  'host-killed',
  'planless',
  'nudges',
  'final-reviews',
  'repairs',
  'summaries',
  'restarts',
  'given-up',
] as const;

const countersOf = (run: TrialRun): Record<string, number> => {
  const counters: Record<string, number> = Object.fromEntries([...BAD_KINDS, ...HAPPENINGS].map((name) => [name, 0]));
  const add = (name: string, by = 1): void => {
    counters[name] = (counters[name] ?? 0) + by;
  };
  const { model, lives, files, events } = run;
  for (const { kind, sentAs } of model.spoken) {
    if (kind !== 'good') add(kind);
    if (sentAs !== null) add('summaries');
  }
  for (const { outcome } of lives) {
    add(outcome.status);
    if (outcome.status === 'paused') add(outcome.reason);
  }
  const last = lives.at(-1);
  if (last?.gathered.roster.agents === 0) add('planless');
  add('host-killed', run.hostKills);
  add('answered', run.answered);
  add('programs', run.programs?.started ?? 0);
  add('retired', files.gone.size);
  add('conflicts', files.conflicts);
  add('removed-files', files.removed);
  add('nudges', last?.summary.nudges ?? 0);
  add('final-reviews', new Set(run.finalReviews).size);
  add('repairs', last?.summary.remedies['format'] ?? 0);
  add('restarts', events.filter(({ type }) => type === 'restart').length);
  add('given-up', run.ends.filter(({ restarted }) => !restarted).length);
  add('group-held', events.filter(({ type, scope }) => type === 'limit' && String(scope).startsWith('group/')).length);
  add('calls', model.spoken.length);
  add('quiet-moments', run.quietMoments);
  add('agents', last?.summary.agents ?? 0);
  add('files', files.acknowledged.size);
  for (const { count } of files.acknowledged.values()) add('writes', count);
  return counters;
};

export const playTrial = async (trial: Trial): Promise<TrialOutcome> => {
  const directory = temporaryDirectory();
  const run = new TrialRun(trial, directory.path);
  const { seed } = trial;
  try {
    let wrong: readonly string[];
    try {
      await run.toTheEnd();
      const check = seed % CHECK_EVERY === 0 ? run.files.check() : '';
      wrong = [...judge(run), ...(check === '' ? [] : [check])];
    } catch (error) {
      wrong = [...run.wrong, error instanceof Error ? (error.stack ?? error.message) : String(error)];
    }
    const { hash, tail } = run.trace(TAIL_LINES);
    return { seed, wrong, counters: countersOf(run), traceHash: hash, tail };
  } finally {
    await run.files.close();
    directory.cleanUp();
  }
};

export const runTrial = (seed: number): Promise<TrialOutcome> => playTrial(drawTrial(seed));
