/** From what was measured to the rows of `bench journal`. Pure. */
import { NO_PROC } from '../harness/proc.ts';
import { measuredRow, skippedRow, type Row, type RowKind } from '../harness/result.ts';
import { rowOfSeries, type Measured, type Series } from '../harness/series.ts';
import type { ActivateResult } from './activate.ts';
import type { LatencyResult } from './latency.ts';
import type { MemoryResult } from './memory.ts';
import type { PopulationResult } from './population.ts';
import type { Counted } from './raw.ts';
import type { ResumeResult } from './resume.ts';
import {
  BATCH,
  MEMORY_SAMPLES,
  MEMORY_SIZE,
  PER_CALL,
  SNAPSHOTS_PER_CALL,
  TARGETS,
  WRITERS,
  hasTargets,
  type Sizes,
} from './settings.ts';
import type { DurabilityRun } from './team.ts';

export type ResumedRun = ResumeResult & { readonly peakMemoryMb: number | null };

/** One population: made, resumed, and, for one size, its idle actors woken, and another one resumed after a kill. */
export interface PopulationRun {
  readonly actors: number;
  readonly made: PopulationResult;
  readonly resumed: ResumedRun;
  readonly activated: ActivateResult | null;
  readonly killed: ResumedRun | null;
}

export interface Measurements {
  readonly rawBatches: Series<Counted>;
  readonly tells: Series<Counted>;
  readonly outside: Series<Counted>;
  readonly latency: Series<LatencyResult>;
  readonly rawWriters: Series<Counted>;
  readonly writers: Series<Counted>;
  readonly deliver: Series<Counted>;
  readonly appends: Series<Counted>;
  readonly snapshots: Series<Counted>;
  readonly load: Series<Counted>;
  readonly populations: ReadonlyMap<number, Series<PopulationRun>>;
  readonly memory: Series<MemoryResult>;
  readonly teamWithout: Series<DurabilityRun>;
  readonly teamWith: Series<DurabilityRun>;
}

type Baseline = NonNullable<RowKind['baseline']>;

/** A row to divide others by; where it has no value, they have no ratio, and so no target. */
const baselineOf = (row: Row): Baseline | null => (row.value === null ? null : { name: row.name, value: row.value });

const against = (kind: RowKind, baseline: Baseline | null, limit?: number): RowKind =>
  baseline === null
    ? kind
    : { ...kind, baseline, ...(limit === undefined ? {} : { target: { is: 'ratio', limit } as const }) };

const perSecond = ({ count, seconds }: Counted): number => count / seconds;

const rate = (name: string, unit: string): RowKind => ({ name, unit, higherIsBetter: true });

const throughputRows = (all: Measurements): Row[] => {
  const batches = `raw lmdb-js: flushed batches of ${BATCH}, one after another`;
  const raw = rowOfSeries(rate(batches, 'puts/s'), all.rawBatches.measured, perSecond);
  const baseline = baselineOf(raw);
  const tell = rate('durable tell → durable consume, between actors', 'messages/s');
  const outside = rate('tell from the main thread → durable consume', 'messages/s');
  return [
    raw,
    rowOfSeries(against(tell, baseline, TARGETS.tellRatio), all.tells.measured, perSecond),
    rowOfSeries(against(outside, baseline), all.outside.measured, perSecond),
  ];
};

/** Every round of every run is a value. */
const latencyRow = (kind: RowKind, measured: Measured<LatencyResult>, part: keyof LatencyResult): Row =>
  'failed' in measured
    ? skippedRow(kind, measured.failed)
    : measuredRow(
        kind,
        measured.runs.flatMap((run) => run[part]),
      );

const latencyRows = ({ latency: { measured } }: Measurements): Row[] => {
  const sync = latencyRow({ name: '4 KB append and fdatasync', unit: 'ms' }, measured, 'syncMs');
  const step = against({ name: 'durable step at low load', unit: 'ms' }, baselineOf(sync), TARGETS.stepRatio);
  return [sync, latencyRow(step, measured, 'stepMs')];
};

const clientRows = (all: Measurements): Row[] => {
  const single = `raw lmdb-js: ${WRITERS} writers, each awaiting its put`;
  const raw = rowOfSeries(rate(single, 'puts/s'), all.rawWriters.measured, perSecond);
  const writers = rate(`group commit: ${WRITERS} writers, each awaiting its mail`, 'mails/s');
  return [
    raw,
    rowOfSeries(against(writers, baselineOf(raw)), all.writers.measured, perSecond),
    rowOfSeries(rate(`client to journal: mails, ${PER_CALL} a call`, 'mails/s'), all.deliver.measured, perSecond),
    rowOfSeries(rate('client to journal: steps, each an append', 'steps/s'), all.appends.measured, perSecond),
    rowOfSeries(rate(`snapshots, ${SNAPSHOTS_PER_CALL} a call`, 'snapshots/s'), all.snapshots.measured, perSecond),
    rowOfSeries(rate(`loads of passive actors, ${PER_CALL} a call`, 'actors/s'), all.load.measured, perSecond),
  ];
};

const PER = 100_000;

const resumeRows = (
  name: string,
  measured: Measured<PopulationRun>,
  targets: boolean,
  runOf: (run: PopulationRun) => ResumedRun | null,
): Row[] => {
  const kind = (what: string, limit: number): RowKind => ({
    name: `${name}: ${what}`,
    unit: 's',
    ...(targets ? { target: { is: 'value', limit } } : {}),
  });
  return [
    rowOfSeries(
      kind('to the first step', TARGETS.firstStepSeconds),
      measured,
      (run) => runOf(run)?.firstStepSeconds ?? null,
    ),
    rowOfSeries(
      kind('until all are served', TARGETS.servedSeconds),
      measured,
      (run) => runOf(run)?.servedSeconds ?? null,
    ),
  ];
};

const populationRows = (actors: number, measured: Measured<PopulationRun>, { mail, idle }: Sizes): Row[] => {
  const waiting = Math.min(mail, actors);
  const resume = `resume of ${actors} durable actors, mail for ${waiting}`;
  const targets = hasTargets(actors);
  const rows = [
    ...resumeRows(resume, measured, targets, (run) => run.resumed),
    rowOfSeries(
      { name: `${resume}: the same per ${PER} actors`, unit: 's' },
      measured,
      (run) => (run.resumed.servedSeconds * PER) / actors,
    ),
    rowOfSeries({ name: `${resume}: peak memory`, unit: 'MB' }, measured, (run) => run.resumed.peakMemoryMb, NO_PROC),
    rowOfSeries(
      rate(`${actors} durable actors made, one step each`, 'actors/s'),
      measured,
      (run) => actors / run.made.seconds,
    ),
    rowOfSeries(
      { name: `${actors} durable actors: journal on disk, per actor`, unit: 'bytes' },
      measured,
      (run) => run.made.bytes / actors,
    ),
  ];
  if (!targets) return rows;
  rows.push(...resumeRows(`${resume}, after a kill`, measured, targets, (run) => run.killed));
  if (idle === 0) return rows;
  const each = (seconds: (run: ActivateResult) => number) => (run: PopulationRun) =>
    run.activated === null ? null : run.activated.actors / seconds(run.activated);
  const again = rowOfSeries(
    rate(`mail for ${idle} actors that have just been served`, 'actors/s'),
    measured,
    each((run) => run.againSeconds),
  );
  const first = rate(`mail for ${idle} actors, the first since the resume`, 'actors/s');
  return [
    ...rows,
    again,
    rowOfSeries(
      against(first, baselineOf(again)),
      measured,
      each((run) => run.firstSeconds),
    ),
  ];
};

const teamRows = ({ teamWithout, teamWith }: Measurements, { team }: Sizes): Row[] => {
  const name = (durability: string, what: string): string =>
    `team of ${team} at latency 0, --durability ${durability}: ${what}`;
  const pair = (what: string, unit: string, valueOf: (run: DurabilityRun) => number | null): Row[] => {
    const without = rowOfSeries({ name: name('none', what), unit }, teamWithout.measured, valueOf);
    const kind = against({ name: name('flushed', what), unit }, baselineOf(without), TARGETS.teamRatio);
    return [without, rowOfSeries(kind, teamWith.measured, valueOf)];
  };
  return [
    ...pair('wall time', 's', (run) => run.wallSeconds),
    ...pair('CPU time', 's', ({ processorMs }) => (processorMs === null ? null : processorMs / 1_000)),
  ];
};

const memoryRows = ({ memory: { measured } }: Measurements, { memory }: Sizes): Row[] => {
  const { actors, resident, tells } = memory;
  const of = `passive memory: ${actors} durable actors, ${resident} in memory`;
  const row = (what: string, valueOf: (run: MemoryResult) => number | null, baseline: Baseline | null = null): Row => {
    const limit = actors === MEMORY_SIZE ? TARGETS.memoryRatio : undefined;
    return rowOfSeries(against({ name: `${of}: ${what}`, unit: 'MB' }, baseline, limit), measured, valueOf);
  };
  const half = row('when half of them are made', ({ made }) => made[MEMORY_SAMPLES / 2 - 1] ?? null);
  return [
    row('before the first', ({ start }) => start),
    half,
    row('when all are made', ({ made }) => made.at(-1) ?? null, baselineOf(half)),
    row(`after ${tells} messages for random ones`, ({ told }) => told.at(-1) ?? null, baselineOf(half)),
    rowOfSeries(rate(`${of}: made`, 'actors/s'), measured, (run) => actors / run.madeSeconds),
    rowOfSeries(rate(`${of}: messages for random ones`, 'messages/s'), measured, (run) => tells / run.toldSeconds),
  ];
};

export const rowsOf = (all: Measurements, sizes: Sizes): Row[] => [
  ...throughputRows(all),
  ...latencyRows(all),
  ...clientRows(all),
  ...[...all.populations].flatMap(([actors, series]) => populationRows(actors, series.measured, sizes)),
  ...memoryRows(all, sizes),
  ...teamRows(all, sizes),
];
