/** From what was measured to the rows of `bench gate`. Pure. */
import type { Row, RowKind } from '../harness/result.ts';
import { rowOfSeries, type Measured, type Series } from '../harness/series.ts';
import type { PlainResult } from './plain.ts';
import type { PopulationResult } from './population.ts';
import type { Recovery } from './reading.ts';
import type { Client, CostRun, LimitsRun, Way } from './runs.ts';
import { TARGETS, type Sizes } from './settings.ts';
import type { BudgetRun, BytesRun } from './team.ts';

export interface Measurements {
  readonly limits: ReadonlyMap<Way, Series<LimitsRun>>;
  readonly cost: ReadonlyMap<number, ReadonlyMap<Client, Series<CostRun>>>;
  readonly outage: Series<Recovery & { readonly calls: number }>;
  readonly budget: Series<BudgetRun>;
  readonly bytes: Series<BytesRun>;
  /** All tools offered. */
  readonly bytesPrograms: Series<BytesRun>;
  readonly bytesReviewed: Series<BytesRun>;
}

const WAYS: Readonly<Record<Way, string>> = {
  configured: 'limits configured',
  headers: 'limits known from headers alone',
  long: 'answers of 150 to 450 tokens, so that tokens run out first',
  oneShard: 'all on one shard',
  heavy: 'ten ask fifty times as much',
  sdk: 'the openai SDK, retries of its own per agent',
};

const limitsRows = (way: Way, measured: Measured<LimitsRun>, { limits }: Sizes): Row[] => {
  const name = `${limits.agents} agents at the limits, ${WAYS[way]}`;
  const target = (limit: number): Pick<RowKind, 'target'> => (way === 'sdk' ? {} : { target: { is: 'value', limit } });
  const rows = [
    rowOfSeries(
      { name: `${name}: goodput`, unit: 'of the limit', higherIsBetter: true, ...target(TARGETS.goodput) },
      measured,
      (run) => run.goodput,
    ),
    rowOfSeries(
      { name: `${name}: rejected`, unit: 'of requests', ...target(TARGETS.rejected) },
      measured,
      (run) => run.rejected,
    ),
  ];
  if (way !== 'heavy') return rows;
  const share: RowKind = {
    name: `${name}: what the others got`,
    unit: 'of their fair share',
    higherIsBetter: true,
    ...target(TARGETS.fairShare),
  };
  return [...rows, rowOfSeries(share, measured, (run) => run.fairShare)];
};

const CLIENTS: Readonly<Record<Client, string>> = {
  megactor: 'durable agents through the gate',
  plain: 'plain loop with the openai SDK',
  'openai-agents': '@openai/agents',
  langgraph: 'LangGraph.js',
};

const KB_PER_MB = 1_024;

const costRows = (agents: number, clients: ReadonlyMap<Client, Series<CostRun>>, { cost }: Sizes): Row[] => {
  const baselines = new Map<string, { readonly name: string; readonly value: number }>();
  return (['plain', 'megactor', 'openai-agents', 'langgraph'] as const).flatMap((client) => {
    const measured = clients.get(client)?.measured ?? { failed: 'left out (peerRuns: 0)' };
    const make = (
      what: string,
      about: Omit<RowKind, 'name'>,
      valueOf: (run: CostRun) => number | null,
      limit?: number,
    ): Row => {
      const baseline = client === 'plain' ? undefined : baselines.get(what);
      const kind: RowKind = {
        name: `${agents} agents × ${cost.calls} calls, ${CLIENTS[client]}: ${what}`,
        ...about,
        ...(baseline === undefined ? {} : { baseline }),
        ...(client !== 'megactor' || limit === undefined || baseline === undefined
          ? {}
          : { target: { is: 'ratio', limit } as const }),
      };
      const row = rowOfSeries(kind, measured, valueOf);
      if (client === 'plain' && row.value !== null) baselines.set(what, { name: row.name, value: row.value });
      return row;
    };
    const memory: RowKind = {
      name: `${agents} agents × ${cost.calls} calls, ${CLIENTS[client]}: memory per agent`,
      unit: 'KB',
      ...(client === 'megactor' ? { target: { is: 'value', limit: TARGETS.memoryKb } as const } : {}),
    };
    return [
      make(
        'rate',
        { unit: 'calls/s', higherIsBetter: true },
        (run) => run.calls / run.seconds,
        agents >= TARGETS.rateFrom ? TARGETS.rateRatio : undefined,
      ),
      make('CPU per call', { unit: 'ms' }, (run) => run.clientCpuMs / run.calls, TARGETS.cpuRatio),
      make('peak memory', { unit: 'MB' }, (run) => run.peakMb),
      rowOfSeries(memory, measured, ({ peakMb, startMb }) =>
        peakMb === null ? null : (Math.max(0, peakMb - startMb) * KB_PER_MB) / agents,
      ),
    ];
  });
};

const outageRows = (measured: Measured<Recovery & { readonly calls: number }>, { outage }: Sizes): Row[] => {
  const name = `${outage.agents} agents, an outage of ${outage.lengthMs / 1_000} s`;
  const all = outage.agents * outage.calls;
  const before = rowOfSeries(
    { name: `${name}: requests before it`, unit: '1/s', higherIsBetter: true },
    measured,
    (run) => run.before,
  );
  const baseline = before.value === null ? undefined : { name: before.name, value: before.value };
  const against = (kind: RowKind): RowKind => (baseline === undefined ? kind : { ...kind, baseline });
  const first: RowKind = {
    ...against({ name: `${name}: requests in the first second after it`, unit: '1/s' }),
    ...(baseline === undefined ? {} : { target: { is: 'ratio', limit: 1 } as const }),
  };
  return [
    before,
    rowOfSeries({ name: `${name}: requests during it`, unit: 'requests' }, measured, (run) => run.during),
    rowOfSeries(first, measured, (run) => run.firstSecond),
    rowOfSeries({ name: `${name}: until the first answer after it`, unit: 's' }, measured, (run) => run.silentSeconds),
    rowOfSeries(
      against({ name: `${name}: requests from there on`, unit: '1/s', higherIsBetter: true }),
      measured,
      (run) => run.after,
    ),
    rowOfSeries(
      { name: `${name}: calls answered`, unit: 'calls', higherIsBetter: true, target: { is: 'value', limit: all } },
      measured,
      (run) => run.calls,
    ),
  ];
};

const budgetRows = (measured: Measured<BudgetRun>, { team }: Sizes): Row[] => {
  const name = `team of ${team}, stopped by its budget at a third, resumed with more`;
  const zero = { is: 'value', limit: 0 } as const;
  return [
    rowOfSeries({ name: `${name}: calls when it stopped`, unit: 'calls' }, measured, (run) => run.stoppedAt),
    rowOfSeries({ name: `${name}: calls beyond its budget`, unit: 'calls', target: zero }, measured, (run) =>
      Math.max(0, run.stoppedAt - run.budget),
    ),
    rowOfSeries({ name: `${name}: agents that differ`, unit: 'agents', target: zero }, measured, (run) => run.agents),
    rowOfSeries({ name: `${name}: files that differ`, unit: 'files', target: zero }, measured, (run) => run.files),
  ];
};

const bytesRows = (what: string, measured: Measured<BytesRun>, { team }: Sizes, limit?: number): Row[] => {
  const name = `team of ${team}, ${what}`;
  const target = limit === undefined ? {} : { target: { is: 'value', limit } as const };
  return [
    rowOfSeries(
      { name: `${name}: request bytes per file`, unit: 'bytes', ...target },
      measured,
      (run) => run.bytesIn / run.files,
    ),
    rowOfSeries(
      { name: `${name}: uncached input per file`, unit: 'tokens' },
      measured,
      (run) => run.uncachedInput / run.files,
    ),
  ];
};

export const rowsOf = (all: Measurements, sizes: Sizes): Row[] => {
  const wanted = new Set(sizes.parts);
  return [
    ...(wanted.has('limits') ? [...all.limits].flatMap(([way, of]) => limitsRows(way, of.measured, sizes)) : []),
    ...(wanted.has('cost') ? [...all.cost].flatMap(([agents, of]) => costRows(agents, of, sizes)) : []),
    ...(wanted.has('outage') ? outageRows(all.outage.measured, sizes) : []),
    ...(wanted.has('budget') ? budgetRows(all.budget.measured, sizes) : []),
    ...(wanted.has('bytes')
      ? [
          ...bytesRows('no reviews', all.bytes.measured, sizes, TARGETS.bytesPerFile),
          ...bytesRows('no reviews, programs offered', all.bytesPrograms.measured, sizes),
          ...bytesRows('reviews on', all.bytesReviewed.measured, sizes),
        ]
      : []),
  ];
};

/** What `share` of the sorted values are not above; null without values. */
const quantile = (sorted: readonly number[], share: number): number | null =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;

/** The user's own server; without targets. */
export const ownModelRows = (ours: Measured<PopulationResult>, plain: Measured<PlainResult>): Row[] => {
  const rate = (name: string): RowKind => ({ name: `${name}: calls`, unit: '1/s', higherIsBetter: true });
  const loop = rowOfSeries(rate('plain loop'), plain, (run) => run.calls / run.seconds);
  const baseline = loop.value === null || loop.value === 0 ? {} : { baseline: { name: loop.name, value: loop.value } };
  const row = (name: string, unit: string, valueOf: (run: PopulationResult) => number | null): Row =>
    rowOfSeries({ name: `through the gate: ${name}`, unit }, ours, valueOf, 'no call was answered');
  const failed = rowOfSeries({ name: 'plain loop: agents that failed', unit: 'agents' }, plain, (run) => run.failed);
  const cpu = ({ clientCpuMs, calls }: CostRun): number | null => (calls === 0 ? null : clientCpuMs / calls);
  return [
    loop,
    failed,
    rowOfSeries({ name: 'plain loop: CPU per call', unit: 'ms' }, plain, cpu, 'no call was answered'),
    rowOfSeries({ ...rate('through the gate'), ...baseline }, ours, (run) => run.calls / run.seconds),
    row('calls made', 'calls', (run) => run.calls),
    row('latency, median', 'ms', (run) => quantile(run.latenciesMs, 0.5)),
    row('latency, 95 of 100 are below', 'ms', (run) => quantile(run.latenciesMs, 0.95)),
    row(
      'calls in flight on average',
      'calls',
      (run) => run.latenciesMs.reduce((sum, ms) => sum + ms, 0) / 1_000 / run.seconds,
    ),
    row('repeated requests', 'requests', (run) => run.repetitions),
    row('CPU per call', 'ms', cpu),
    row('peak memory', 'MB', (run) => run.peakMb),
  ];
};
