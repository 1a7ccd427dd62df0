/** What `bench memory` found, as rows. Pure. */
import type { Row } from '../harness/result.ts';
import { rowOfSeries, type Measured } from '../harness/series.ts';
import type { AgentsRun } from './agents.ts';
import type { LargeRun } from './large.ts';
import { RANKERS, type Quality, type Ranker, type Scores } from './quality.ts';
import { TARGETS, type Plan } from './settings.ts';

const NO_EMBEDDER = 'needs an embedder';
const METRICS = ['hit@1', 'hit@3', 'MRR'] as const;
type Metric = (typeof METRICS)[number];

const valueOf = ({ hit1, hit3, mrr }: Scores, metric: Metric): number => {
  switch (metric) {
    case 'hit@1':
      return hit1;
    case 'hit@3':
      return hit3;
    case 'MRR':
      return mrr;
    default:
      return metric satisfies never;
  }
};

const scoreOf = (quality: Quality, kind: string, ranker: Ranker, metric: Metric): number | null => {
  const scores = quality.get(kind)?.get(ranker);
  return scores === undefined ? null : valueOf(scores, metric);
};

/** `fused` beside others; null where one is missing. */
const more = (quality: Quality, kind: string, metric: Metric, others: readonly Ranker[]): number | null => {
  const fused = scoreOf(quality, kind, 'fused', metric);
  const values = others.map((ranker) => scoreOf(quality, kind, ranker, metric));
  if (fused === null || values.includes(null)) return null;
  return fused - Math.max(...values.map((value) => value ?? 0));
};

/** @param kinds in the order of their rows */
export const qualityRows = (measured: Measured<Quality>, kinds: readonly string[]): Row[] =>
  kinds.flatMap((kind) => {
    const scores = RANKERS.flatMap((ranker) =>
      METRICS.map((metric) => {
        const isTarget = kind === 'identifier' && metric === 'hit@3' && (ranker === 'fused' || ranker === 'words');
        const target = { is: 'value', limit: TARGETS.identifierHit3 } as const;
        const kindOfRow = { name: `${kind}: ${ranker}, ${metric}`, unit: 'of 1', higherIsBetter: true };
        return rowOfSeries(
          { ...kindOfRow, ...(isTarget ? { target } : {}) },
          measured,
          (quality) => scoreOf(quality, kind, ranker, metric),
          NO_EMBEDDER,
        );
      }),
    );
    const beside = METRICS.map((metric) =>
      rowOfSeries(
        {
          name: `${kind}: fused less the better of words and vectors, ${metric}`,
          unit: 'of 1',
          higherIsBetter: true,
          ...(kind === 'all' ? {} : { target: { is: 'value', limit: TARGETS.fusedLess } as const }),
        },
        measured,
        (quality) => more(quality, kind, metric, ['words', 'vectors']),
        NO_EMBEDDER,
      ),
    );
    if (kind !== 'paraphrase') return [...scores, ...beside];
    const overWords = METRICS.map((metric) =>
      rowOfSeries(
        {
          name: `${kind}: fused less words, ${metric}`,
          unit: 'of 1',
          higherIsBetter: true,
          target: { is: 'value', limit: TARGETS.paraphraseMore },
        },
        measured,
        (quality) => more(quality, kind, metric, ['words']),
        NO_EMBEDDER,
      ),
    );
    return [...scores, ...beside, ...overWords];
  });

export const agentsRows = (measured: Measured<AgentsRun>, { agents, memories }: Plan): Row[] => {
  const name = (what: string): string => `${agents} agents × ${memories} memories: ${what}`;
  const ms = (what: string, value: (run: AgentsRun) => number, limit?: number): Row =>
    rowOfSeries(
      { name: name(what), unit: 'ms', ...(limit === undefined ? {} : { target: { is: 'value', limit } as const }) },
      measured,
      value,
    );
  return [
    rowOfSeries(
      {
        name: name('adds, committed'),
        unit: 'memories/s',
        higherIsBetter: true,
        target: { is: 'value', limit: TARGETS.addsPerSecond },
      },
      measured,
      ({ addsPerSecond }) => addsPerSecond,
    ),
    ms('recall by words, p50', ({ p50Ms }) => p50Ms, TARGETS.recallP50Ms),
    ms('recall by words, p99', ({ p99Ms }) => p99Ms, TARGETS.recallP99Ms),
    ms('first recall of an agent after a restart, p50', ({ firstP50Ms }) => firstP50Ms),
    rowOfSeries({ name: name('memory per 1,000 of them'), unit: 'kB' }, measured, ({ kilobytes }) => kilobytes),
    rowOfSeries(
      { name: name('memory per 1,000 of them, as the system counts'), unit: 'kB' },
      measured,
      ({ residentKilobytes }) => residentKilobytes,
    ),
  ];
};

export const largeRows = (measured: Measured<LargeRun>, { large }: Plan): Row[] => {
  const name = (what: string): string => `${large} in one scope: ${what}`;
  const plainName = name('plain USearch, p50');
  const plain = 'runs' in measured ? (measured.runs[0]?.plain.p50Ms ?? null) : null;
  const baseline = plain === null ? {} : { baseline: { name: plainName, value: plain } };
  const ms = (what: string, value: (run: LargeRun) => number, more: object = {}): Row =>
    rowOfSeries({ name: name(what), unit: 'ms', ...more }, measured, value);
  const part = (what: string, value: (run: LargeRun) => number | null, target?: number): Row =>
    rowOfSeries(
      {
        name: name(what),
        unit: 'of 1',
        higherIsBetter: true,
        ...(target === undefined ? {} : { target: { is: 'value', limit: target } as const }),
      },
      measured,
      value,
    );
  const target = { target: { is: 'value', limit: TARGETS.largeP50Ms } as const };
  return [
    ms('plain USearch, p50', ({ plain: { p50Ms } }) => p50Ms),
    ms('recall by words and meaning, p50', ({ fused }) => fused.p50Ms, { ...target, ...baseline }),
    ms('recall by words and meaning, p99', ({ fused }) => fused.p99Ms),
    ms('recall by meaning, p50', ({ meaning }) => meaning.p50Ms, { ...target, ...baseline }),
    ms('recall by words, p50', ({ words }) => words.p50Ms, target),
    ms('compared with all, p50', ({ exact }) => exact.p50Ms, baseline),
    part('recall@10 of recall by meaning', ({ meaning }) => meaning.recall, TARGETS.largeRecall),
    part('recall@10 of plain USearch', ({ plain: { recall } }) => recall),
    rowOfSeries(
      { name: name('index made anew, in the background'), unit: 's' },
      measured,
      ({ indexSeconds }) => indexSeconds,
    ),
    rowOfSeries({ name: name('plain USearch index made'), unit: 's' }, measured, (run) => run.plainIndexSeconds),
    rowOfSeries({ name: name('words, memory per 1,000'), unit: 'kB' }, measured, ({ kilobytes }) => kilobytes),
    rowOfSeries({ name: name('vectors, memory per 1,000'), unit: 'kB' }, measured, (run) => run.indexKilobytes),
  ];
};
