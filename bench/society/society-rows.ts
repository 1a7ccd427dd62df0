/** From runs of the scenario *society* to rows of `bench society`. Pure. */
import { NO_PROC } from '../harness/proc.ts';
import { skippedRow, type Row, type RowKind } from '../harness/result.ts';
import { rowOf, rowOfSeries, type Measured } from '../harness/series.ts';
import { spreadOf } from '../harness/statistics.ts';
import { USEFUL_KINDS, WASTE_KINDS, type AnswerKind } from './answers.ts';
import { BAD_OUTPUT_RATE, FAILURE_RATE, GOOD_SENT_BACK_TARGET, USEFUL_TARGET, type FailureKind } from './settings.ts';
import { OPTIONAL, type SocietyRun } from './society.ts';

const perCall = ({ processorMs, answers }: SocietyRun): number | null =>
  processorMs === null || answers.calls === 0 ? null : processorMs / answers.calls;

const MEANING: Readonly<Record<AnswerKind, string>> = {
  plan: 'useful: the plan',
  hiring: 'useful: hiring',
  talk: 'useful: talk',
  files: 'useful: files',
  review: 'useful: reviews',
  other: 'useful: other tools',
  terminate: 'not useful: only terminate',
  checklist: 'not useful: only the checklist',
  waiting: 'not useful: a text that says it waits',
  text: 'not useful: another text',
  repair: 'not useful: answers that had to be repaired',
  refused: 'not useful: all calls refused',
  compaction: 'not useful: summaries of the window',
};

/** What the model calls of a society of one size were good for. */
export const usefulRows = (size: number, measured: Measured<SocietyRun>): Row[] => {
  const named = (name: string): string => `society of ${size}: ${name}`;
  const useful: RowKind = {
    name: named('useful model calls'),
    unit: '',
    higherIsBetter: true,
    target: { is: 'value', limit: USEFUL_TARGET },
  };
  const rows = [
    rowOfSeries(useful, measured, ({ answers }) => answers.useful / answers.calls),
    rowOfSeries({ name: named('model calls'), unit: 'calls' }, measured, ({ answers }) => answers.calls),
    rowOfSeries({ name: named('wall time'), unit: 's' }, measured, (run) => run.wallSeconds),
    rowOfSeries({ name: named('CPU per call'), unit: 'ms' }, measured, perCall),
  ];
  if ('failed' in measured) return rows;
  const parts = [...USEFUL_KINDS, ...WASTE_KINDS]
    .filter((kind) => measured.runs.some(({ answers }) => answers.byKind[kind] > 0))
    .map((kind) => {
      const higherIsBetter = USEFUL_KINDS.some((other) => other === kind);
      const about: RowKind = { name: named(MEANING[kind]), unit: 'calls', higherIsBetter };
      return rowOf(about, measured.runs, ({ answers }) => answers.byKind[kind]);
    });
  return [...rows, ...parts];
};

/** What is compared with a run in which nothing fails. */
export interface Clean {
  readonly runs: readonly SocietyRun[];
  /** Files that each of those runs delivered. */
  readonly files: readonly string[];
}

export const cleanOf = (measured: Measured<SocietyRun>): Clean | null => {
  if ('failed' in measured) return null;
  const [first, ...others] = measured.runs.map(({ files }) => new Set(files));
  return { runs: measured.runs, files: [...(first ?? [])].filter((path) => others.every((files) => files.has(path))) };
};

/** Files of `clean` that are not there. */
export const missingOf = ({ files }: SocietyRun, clean: Clean): string[] => {
  const there = new Set(files);
  return clean.files.filter((path) => !OPTIONAL.test(path) && !there.has(path));
};

const CLEAN = 'failures: none';

const costRows = (name: string, measured: Measured<SocietyRun>, clean: Clean | null): Row[] => {
  const costs: [what: string, unit: string, valueOf: (run: SocietyRun) => number | null][] = [
    ['model calls', 'calls', ({ answers }) => answers.calls],
    ['wall time', 's', (run) => run.wallSeconds],
  ];
  return costs.map(([what, unit, valueOf]) => {
    const values = (clean?.runs ?? []).map(valueOf).filter((value) => value !== null);
    const baseline =
      values.length === 0 ? {} : { baseline: { name: `${CLEAN}, ${what}`, value: spreadOf(values).median } };
    return rowOfSeries({ name: `${name}, ${what}`, unit, ...baseline }, measured, valueOf, NO_PROC);
  });
};

/** The run that the others are compared with. */
export const cleanRows = (measured: Measured<SocietyRun>): Row[] => costRows(CLEAN, measured, null);

/** What failures of one kind, or all of them together, came to. */
export const failureRows = (kind: FailureKind | 'all', measured: Measured<SocietyRun>, clean: Clean | null): Row[] => {
  const rate = `${FAILURE_RATE * 100} %`;
  const name = kind === 'all' ? `failures: all five, ${rate} each` : `failures: ${kind} ${rate}`;
  const completed: RowKind = {
    name: `${name}, completed`,
    unit: '',
    higherIsBetter: true,
    target: { is: 'value', limit: 1 },
  };
  const missing: RowKind = {
    name: `${name}, required files missing`,
    unit: 'files',
    target: { is: 'value', limit: 0 },
  };
  const rows = [
    rowOfSeries(completed, measured, (run) => (run.completed ? 1 : 0)),
    clean === null
      ? skippedRow(missing, 'there is no run without failures to compare with')
      : rowOfSeries(missing, measured, (run) => missingOf(run, clean).length),
    ...costRows(name, measured, clean),
  ];
  if ('failed' in measured) return rows;
  const counted = (what: string, valueOf: (run: SocietyRun) => number): Row =>
    rowOf({ name: `${name}, ${what}`, unit: '' }, measured.runs, valueOf);
  const namesOf = (recordOf: (run: SocietyRun) => Readonly<Record<string, number>>): string[] =>
    [...new Set(measured.runs.flatMap((run) => Object.keys(recordOf(run))))].sort();
  return [
    ...rows,
    ...namesOf((run) => run.planted).map((what) =>
      counted(`answers spoiled: ${what}`, (run) => run.planted[what] ?? 0),
    ),
    ...namesOf((run) => run.remedies).map((what) => counted(`remedies: ${what}`, (run) => run.remedies[what] ?? 0)),
    counted('nudges', (run) => run.nudges),
  ];
};

/** What became of bad output, and of good output beside it. */
export const badOutputRows = (size: number, measured: Measured<SocietyRun>): Row[] => {
  const named = (what: string): string => `bad output ${BAD_OUTPUT_RATE * 100} %, society of ${size}: ${what}`;
  const revised: RowKind = {
    name: named('of the agents with it, those whose work was sent back'),
    unit: '',
    higherIsBetter: true,
    target: { is: 'value', limit: 1 },
  };
  const approved: RowKind = {
    name: named('agents of whom a bad file was approved in the end'),
    unit: 'agents',
    target: { is: 'value', limit: 0 },
  };
  const sentBack: RowKind = {
    name: named('of the agents without it, those whose work was sent back'),
    unit: '',
    target: { is: 'value', limit: GOOD_SENT_BACK_TARGET },
  };
  const rows = (kind: RowKind, valueOf: (run: SocietyRun) => number | null): Row =>
    rowOfSeries(kind, measured, valueOf, 'no bad output was drawn');
  return [
    rows({ name: named('bad files written'), unit: 'files' }, ({ planted }) => planted['badOutput'] ?? 0),
    rows({ name: named('agents with it'), unit: 'agents' }, ({ reviews }) => reviews.planted),
    rows(revised, ({ reviews }) => (reviews.planted === 0 ? null : reviews.revised / reviews.planted)),
    rows(approved, (run) => run.approvedBad),
    rows(sentBack, ({ reviews }) => reviews.goodSentBack / Math.max(1, reviews.good)),
  ];
};

/** Model calls of Admins for each report, waiting for more mail and not. */
export const pollingRows = (
  latency: string,
  measured: readonly { readonly pollIntervalMs: number; readonly series: Measured<SocietyRun> }[],
): Row[] => {
  const perReport = ({ admins }: SocietyRun): number => admins.calls / Math.max(1, admins.reports);
  const named = (pollIntervalMs: number, what: string): string =>
    `polling, ${latency} latency, ${pollIntervalMs} ms: ${what}`;
  const without = measured.find(({ pollIntervalMs }) => pollIntervalMs === 0);
  const base = without === undefined || 'failed' in without.series ? [] : without.series.runs.map(perReport);
  return measured.flatMap(({ pollIntervalMs, series }) => {
    const baseline =
      pollIntervalMs === 0 || base.length === 0
        ? {}
        : { baseline: { name: named(0, 'Admin calls per report'), value: spreadOf(base).median } };
    return [
      rowOfSeries({ name: named(pollIntervalMs, 'Admin calls per report'), unit: '', ...baseline }, series, perReport),
      rowOfSeries({ name: named(pollIntervalMs, 'reports'), unit: '' }, series, ({ admins }) => admins.reports),
    ];
  });
};
