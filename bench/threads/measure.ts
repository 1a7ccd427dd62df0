/** Runs what `bench threads` measures, every subject in a process of its own, and makes rows of it. */
import { entryUrl } from '../../src/platform/index.ts';
import { environment, loadAverage } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { machine, type BenchResult, type Row, type RowKind } from '../harness/result.ts';
import { rowOfSeries, Series } from '../harness/series.ts';
import type { SettingsWithRuns } from '../harness/settings.ts';
import { parkedSchema, type EngineSettings, type Parked } from './engine.ts';
import { countedSchema, type Counted, type FloorSettings } from './floor.ts';
import { BATCHES, BURST, BURSTS_UNDER_WAY, PAIRS, planOf, TARGETS, UNDER_WAY, type Plan } from './settings.ts';

export const NAMES = {
  port: (batch: number): string =>
    batch === 1 ? 'MessagePort, one object a time' : `MessagePort, batches of ${batch}`,
  ring: (batch: number): string => `SharedArrayBuffer ring, packed batches of ${batch}`,
  link: 'link of the engine, the same objects',
  tells: 'actor to actor across hosts',
  portTrips: 'ping-pong: MessagePort, main thread and another',
  workerTrips: 'ping-pong: MessagePort between two other threads',
  ringTrips: 'ping-pong: ring with wait and notify',
  trips: 'ping-pong: actors across hosts',
  parked: 'two hosts without work: CPU',
} as const;

/** Series of rates by the names of their rows. */
export type Rates = ReadonlyMap<string, Series<Counted>>;
const LARGEST = BATCHES[BATCHES.length - 1] ?? 1;

const rate = (name: string, unit: string): RowKind => ({ name, unit, higherIsBetter: true });

export const rowsOf = (rates: Rates, parked: Series<Parked>): Row[] => {
  const row = (kind: RowKind): Row => {
    const series = rates.get(kind.name);
    if (series === undefined) throw new Error(`nothing was measured for "${kind.name}"`);
    return rowOfSeries(kind, series.measured, ({ count, seconds }) => count / seconds);
  };
  const against = (kind: RowKind, { name, value }: Row, target: RowKind['target']): RowKind =>
    value === null ? kind : { ...kind, baseline: { name, value }, ...(target === undefined ? {} : { target }) };
  const ports = BATCHES.map((batch) => row(rate(NAMES.port(batch), 'objects/s')));
  const batched = ports.at(-1) as Row;
  const oneWay = (name: string, limit?: number): Row =>
    row(against(rate(name, 'objects/s'), batched, limit === undefined ? undefined : { is: 'ratio', limit }));
  const workerTrips = row(rate(NAMES.workerTrips, 'round trips/s'));
  const byTrip = (name: string, target: RowKind['target']): Row =>
    row(against(rate(name, 'round trips/s'), workerTrips, target));
  return [
    ...ports,
    ...BATCHES.map((batch) => oneWay(NAMES.ring(batch))),
    oneWay(NAMES.link, TARGETS.linkRatio),
    oneWay(NAMES.tells, TARGETS.actorsRatio),
    workerTrips,
    byTrip(NAMES.portTrips, undefined),
    byTrip(NAMES.ringTrips, undefined),
    byTrip(NAMES.trips, { is: 'value', limit: TARGETS.roundTrips }),
    rowOfSeries(
      { name: NAMES.parked, unit: '% of a core', target: { is: 'value', limit: TARGETS.parkedPercent } },
      parked.measured,
      ({ percent }) => percent,
    ),
  ];
};

const floor = (settings: FloorSettings) => (): Promise<Counted> =>
  runSubjectAt(entryUrl('./floor', import.meta.url), settings, countedSchema);
const engine = (settings: EngineSettings) => (): Promise<Counted> =>
  runSubjectAt(entryUrl('./engine', import.meta.url), settings, countedSchema);

/** In the order in which a round measures them: the link and the actors stand next to their baseline. */
const subjectsOf = ({ objects: count, roundTrips }: Plan): [string, () => Promise<Counted>][] => [
  ...BATCHES.map((batch): [string, () => Promise<Counted>] => [
    NAMES.port(batch),
    floor({ method: 'port', count, batch }),
  ]),
  [NAMES.link, floor({ method: 'link', count, batch: LARGEST })],
  [NAMES.tells, engine({ method: 'tells', count })],
  ...BATCHES.map((batch): [string, () => Promise<Counted>] => [
    NAMES.ring(batch),
    floor({ method: 'ring', count, batch }),
  ]),
  [NAMES.portTrips, floor({ method: 'port-trips', count: roundTrips, batch: 1 })],
  [NAMES.workerTrips, floor({ method: 'worker-trips', count: roundTrips, batch: 1 })],
  [NAMES.trips, engine({ method: 'trips', count: roundTrips })],
  [NAMES.ringTrips, floor({ method: 'ring-trips', count: roundTrips, batch: 1 })],
];

export const measurePlan = async (plan: Plan, progress: Progress): Promise<BenchResult> => {
  const before = environment();
  const subjects = subjectsOf(plan);
  const rates = new Map(subjects.map(([name]) => [name, new Series<Counted>()]));
  const parked = new Series<Parked>();
  for (let round = 1; round <= plan.runs; round += 1) {
    for (const [name, measure] of subjects) {
      const run = await rates.get(name)?.add(measure);
      progress(
        `round ${round} of ${plan.runs}, ${name}: ${run == null ? 'failed' : Math.round(run.count / run.seconds)}`,
      );
    }
    const settings: EngineSettings = { method: 'parked', count: plan.parkedMs };
    const rest = await parked.add(() => runSubjectAt(entryUrl('./engine', import.meta.url), settings, parkedSchema));
    progress(`round ${round} of ${plan.runs}, ${NAMES.parked}: ${rest === null ? 'failed' : rest.percent.toFixed(3)}`);
  }
  return {
    bench: 'threads',
    machine: machine(),
    runs: plan.runs,
    settings: {
      ...plan,
      objectsUnderWay: UNDER_WAY,
      pairs: PAIRS,
      burst: BURST,
      burstsUnderWay: BURSTS_UNDER_WAY,
      time: 'wall time, of two threads that both want a core',
      ...before,
      loadAverageAtEnd: loadAverage(),
    },
    rows: rowsOf(rates, parked),
  };
};

export const measure = (settings: SettingsWithRuns, progress: Progress): Promise<BenchResult> =>
  measurePlan(planOf(settings), progress);
