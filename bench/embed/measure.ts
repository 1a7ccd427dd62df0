/** Runs what `bench embed` measures, every subject in a process of its own, and makes rows of it. */
import { entryUrl } from '../../src/platform/index.ts';
import { environment, loadAverage } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { machine, type BenchResult, type Row } from '../harness/result.ts';
import { rowOfSeries, Series } from '../harness/series.ts';
import type { SettingsWithRuns } from '../harness/settings.ts';
import { serviceRunSchema, type ServiceRun, type ServiceSettings } from './service.ts';
import { ASKS_UNDER_WAY, LOOK_EVERY_MS, PER_TURN, planOf, TARGETS, THREADS, TOOL_MS, type Plan } from './settings.ts';

export type Method = ServiceSettings['method'];
export type Runs = Readonly<Record<Method, Series<ServiceRun>>>;

const METHODS: readonly Method[] = ['tells', 'asks', 'blocked', 'stats'];

export const makeRuns = (): Runs => ({
  tells: new Series(),
  asks: new Series(),
  blocked: new Series(),
  stats: new Series(),
});

const settingsFor = (method: Method, { actors, agents, tells, asks, blockedMs }: Plan): ServiceSettings => {
  switch (method) {
    case 'tells':
      return { method, actors, count: tells };
    case 'asks':
      return { method, actors, count: asks };
    case 'blocked':
      return { method, actors: THREADS, count: blockedMs };
    case 'stats':
      return { method, actors: agents, count: blockedMs };
    default:
      return method satisfies never;
  }
};

export const rowsOf = (runs: Runs, { agents }: Plan): Row[] => {
  const rate = (method: Method, name: string, unit: string): Row =>
    rowOfSeries({ name, unit, higherIsBetter: true }, runs[method].measured, ({ count, seconds }) => count / seconds);
  const late = (method: Method, name: string, limit: number): Row =>
    rowOfSeries({ name, unit: 'ms', target: { is: 'value', limit } }, runs[method].measured, ({ lateMs }) => lateMs);
  const work = (method: Method, name: string): Row =>
    rowOfSeries({ name, unit: 'ms' }, runs[method].measured, ({ workMs }) => workMs, 'Node before 23.9 does not tell');
  return [
    rate('tells', 'tells from the main thread, handled', 'tells/s'),
    late('tells', 'event loop of the main thread while it tells: delay p99', TARGETS.loopDelayMs),
    work('tells', 'processor time of its own between two looks, while it tells: p99'),
    rate('asks', 'asks from the main thread, answered', 'asks/s'),
    late('asks', 'event loop of the main thread while it asks: delay p99', TARGETS.loopDelayMs),
    work('asks', 'processor time of its own between two looks, while it asks: p99'),
    late('blocked', `event loop of the main thread beside ${THREADS} blocked hosts: delay p99`, TARGETS.loopDelayMs),
    work('blocked', 'processor time of its own between two looks, beside blocked hosts: p99'),
    late('stats', `stats() with ${agents} agents and blocking tools: p99`, TARGETS.statsMs),
    work('stats', 'processor time of its own between two looks, with blocking tools: p99'),
  ];
};

export const measurePlan = async (plan: Plan, progress: Progress): Promise<BenchResult> => {
  const before = environment();
  const runs = makeRuns();
  for (let round = 1; round <= plan.runs; round += 1) {
    for (const method of METHODS) {
      const settings = settingsFor(method, plan);
      const run = await runs[method].add(() =>
        runSubjectAt(entryUrl('./service', import.meta.url), settings, serviceRunSchema),
      );
      const words =
        run === null ? 'failed' : `${Math.round(run.count / run.seconds)}/s, late ${run.lateMs.toFixed(2)} ms`;
      progress(`round ${round} of ${plan.runs}, ${method}: ${words}`);
    }
  }
  return {
    bench: 'embed',
    machine: machine(),
    runs: plan.runs,
    settings: {
      ...plan,
      threads: THREADS,
      tellsPerTurn: PER_TURN,
      asksUnderWay: ASKS_UNDER_WAY,
      lookEveryMs: LOOK_EVERY_MS,
      toolMs: TOOL_MS,
      time: 'wall time; a delay is what the callback of a timer comes after its time',
      ...before,
      loadAverageAtEnd: loadAverage(),
    },
    rows: rowsOf(runs, plan),
  };
};

export const measure = (settings: SettingsWithRuns, progress: Progress): Promise<BenchResult> =>
  measurePlan(planOf(settings), progress);
