/** From what was measured to the rows of `bench society`. Pure. */
import { NO_PROC } from '../harness/proc.ts';
import { measuredRow, skippedRow, type Row, type RowKind } from '../harness/result.ts';
import { rowOf, rowOfSeries, type Measured } from '../harness/series.ts';
import type { LoadResult } from './load.ts';
import {
  CRITICAL_PATH_S,
  PROCESSOR_MS_PER_CALL_TARGET,
  RATIO_TARGET,
  REFERENCES,
  REQUESTS_TARGET,
  SHARED_REFERENCE,
} from './settings.ts';
import type { OwnModelRun } from './own-model.ts';
import type { TeamRun } from './team.ts';

/** The size that the target is for: the largest of the paper's shape. */
const TARGET_SIZE = 589;
const CRITICAL_PATH = 'critical path: 12 calls of 200 ms, one after another (computed)';

const perCall = (processorMs: number | null, calls: number): number | null =>
  processorMs === null || calls === 0 ? null : processorMs / calls;

/** A column of the table: a row of each size, and where its value comes from. */
interface Column {
  readonly kind: RowKind;
  readonly valueOf: (run: TeamRun) => number | null;
}

const columnsOf = (size: number): Column[] => {
  const named = (name: string, unit: string): RowKind => ({ name: `${size} agents: ${name}`, unit });
  const limit = (is: 'ratio' | 'value', value: number): Pick<RowKind, 'target'> =>
    size === TARGET_SIZE ? { target: { is, limit: value } } : {};
  const wall: RowKind = {
    ...named('wall time', 's'),
    baseline: { name: CRITICAL_PATH, value: CRITICAL_PATH_S },
    ...limit('ratio', RATIO_TARGET),
  };
  const processor: RowKind = { ...named('CPU per call', 'ms'), ...limit('value', PROCESSOR_MS_PER_CALL_TARGET) };
  return [
    { kind: wall, valueOf: (run) => run.wallSeconds },
    { kind: named('wall time without start and end of the process', 's'), valueOf: (run) => run.reportedSeconds },
    { kind: named('model calls', 'calls'), valueOf: (run) => run.calls },
    { kind: processor, valueOf: (run) => perCall(run.processorMs, run.calls) },
    { kind: named('peak memory', 'MB'), valueOf: (run) => run.peakMemoryMb },
    { kind: named('request bodies', 'MB'), valueOf: (run) => run.requestBytes / 1e6 },
    { kind: named('commits', 'commits'), valueOf: (run) => run.commits },
  ];
};

/** What has been delivered: all of it, or a target is missed. */
const deliveredRow = (kind: RowKind, measured: Measured<TeamRun>): Row => {
  if ('failed' in measured) return skippedRow(kind, measured.failed);
  const limit = measured.runs[0]?.expected ?? 0;
  const complete: RowKind = { ...kind, higherIsBetter: true, target: { is: 'value', limit } };
  return rowOf(complete, measured.runs, (run) => run.delivered);
};

const referenceRows = (size: number): Row[] =>
  REFERENCES.flatMap((reference) =>
    reference.figures
      .filter((figure) => figure.agents === size)
      .map((figure) =>
        skippedRow(
          { name: `${size} agents: wall time, ${reference.name}`, unit: 's' },
          `a reference, not measured here: ${figure.wallSeconds} s, ${figure.processorMsPerCall} ms of CPU per call`,
        ),
      ),
  );

/** All that the runs of one size have to show, and what others needed for the same. */
export const sizeRows = (size: number, measured: Measured<TeamRun>): Row[] => [
  ...columnsOf(size).map(({ kind, valueOf }) => rowOfSeries(kind, measured, valueOf)),
  deliveredRow({ name: `${size} agents: files delivered`, unit: 'files' }, measured),
  ...referenceRows(size),
];

/** The same with one file for each group, to which all of it append. */
export const sharedRows = (size: number, measured: Measured<TeamRun>): Row[] => {
  const named = (name: string): string => `${size} agents, shared files: ${name}`;
  const reference = SHARED_REFERENCE.find(({ agents }) => agents === size);
  return [
    rowOfSeries({ name: named('wall time'), unit: 's' }, measured, (run) => run.wallSeconds),
    rowOfSeries({ name: named('model calls'), unit: 'calls' }, measured, (run) => run.calls),
    deliveredRow({ name: named('lines delivered'), unit: 'lines' }, measured),
    ...(reference === undefined
      ? []
      : [
          skippedRow(
            { name: named(`lines delivered, ${REFERENCES[0].name}`), unit: 'lines' },
            `a reference, not measured here: ${reference.lines} lines in ${reference.wallSeconds} s`,
          ),
        ]),
  ];
};

export const criticalPathRow = (): Row => measuredRow({ name: CRITICAL_PATH, unit: 's' }, [CRITICAL_PATH_S]);

const SERVER = 'rehearsal-server at latency 0';

export const serverRows = (measured: Measured<LoadResult>): Row[] => {
  const requests: RowKind = {
    name: `${SERVER}: requests`,
    unit: '1/s',
    higherIsBetter: true,
    target: { is: 'value', limit: REQUESTS_TARGET },
  };
  const processor: RowKind = {
    name: `${SERVER}: requests per second of its own CPU time`,
    unit: '1/s',
    higherIsBetter: true,
  };
  if ('failed' in measured) return [skippedRow(requests, measured.failed), skippedRow(processor, measured.failed)];
  return [
    rowOf(requests, measured.runs, (run) => run.answers / run.seconds),
    rowOf(processor, measured.runs, ({ answers, serverProcessorMs }) =>
      serverProcessorMs === null || serverProcessorMs === 0 ? null : (answers * 1_000) / serverProcessorMs,
    ),
  ];
};

const NO_CALLS = 'no agent got an answer';

/** What `share` of the sorted values are not above; null without values. */
const quantile = (sorted: readonly number[], share: number): number | null =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;

/** What a run against the user's own model server came to; without targets. */
export const ownModelRows = (measured: Measured<OwnModelRun>): Row[] => {
  const columns: [kind: RowKind, valueOf: (run: OwnModelRun) => number | null][] = [
    [{ name: 'wall time', unit: 's' }, (run) => run.wallSeconds],
    [{ name: 'agents', unit: 'agents' }, (run) => run.summary.agents],
    [{ name: 'model calls', unit: 'calls' }, (run) => run.summary.modelCalls],
    [
      { name: 'model calls per second', unit: '1/s', higherIsBetter: true },
      (run) => run.summary.modelCalls / run.wallSeconds,
    ],
    [{ name: 'latency of a call: median', unit: 'ms' }, (run) => quantile(run.calls.latenciesMs, 0.5)],
    [{ name: 'latency of a call: 95 of 100 are below', unit: 'ms' }, (run) => quantile(run.calls.latenciesMs, 0.95)],
    [
      { name: 'calls in flight on average', unit: 'calls', higherIsBetter: true },
      (run) => run.calls.latenciesMs.reduce((sum, ms) => sum + ms, 0) / 1_000 / run.wallSeconds,
    ],
    [{ name: 'repeated requests', unit: 'requests' }, (run) => run.calls.repetitions],
    [{ name: 'input tokens', unit: 'tokens' }, (run) => run.summary.tokens.input],
    [{ name: 'output tokens', unit: 'tokens' }, (run) => run.summary.tokens.output],
    [{ name: 'CPU per call', unit: 'ms' }, (run) => perCall(run.processorMs, run.summary.modelCalls)],
    [{ name: 'peak memory', unit: 'MB' }, (run) => run.peakMemoryMb],
    [{ name: 'commits', unit: 'commits' }, (run) => run.summary.commits],
    [{ name: 'files', unit: 'files' }, (run) => run.summary.files],
  ];
  return columns.map(([kind, valueOf]) =>
    rowOfSeries(kind, measured, valueOf, kind.name.startsWith('latency') ? NO_CALLS : NO_PROC),
  );
};
