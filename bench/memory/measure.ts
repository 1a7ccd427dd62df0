/** Runs what `bench memory` measures, speed in processes of its own, and makes rows of it. */
import { join } from 'node:path';
import { entryUrl } from '../../src/platform/index.ts';
import { startLocalEmbedder, type Embedder } from '../../src/memory/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { environment, loadAverage, withDirectory } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { machine, type BenchResult, type Row } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { agentsRunSchema, type AgentsSettings } from './agents.ts';
import { generateSet } from './generator.ts';
import { largeRunSchema, type LargeSettings } from './large.ts';
import { measureQuality, type Quality } from './quality.ts';
import { KINDS, readSet } from './quality-set.ts';
import { agentsRows, largeRows, qualityRows } from './rows.ts';
import { DIMENSIONS, planOf, UNDER_WAY, type Plan, type Settings } from './settings.ts';

/** The local embedder, if it can be used, and what is printed of it. */
const embedderOf = async ({
  embedder,
}: Plan): Promise<{ readonly make: () => Embedder | null; readonly name: string }> => {
  const none = { make: () => null, name: 'none' };
  if (embedder === 'none') return none;
  const local = startLocalEmbedder();
  try {
    await local.embed(['probe'], { signal: new AbortController().signal, urgent: true });
    return { make: startLocalEmbedder, name: local.model };
  } catch (error) {
    const isMissing = error instanceof MegactorError && error.code === 'EMBEDDER_MISSING';
    if (embedder === 'local' || !isMissing) throw error;
    return { ...none, name: 'none (the packages of the local one are not installed)' };
  } finally {
    await local.close?.();
  }
};

interface Outcome {
  readonly rows: Row[];
  readonly about: Readonly<Record<string, unknown>>;
}

const quality = async (plan: Plan, progress: Progress): Promise<Outcome> => {
  const { make, name } = await embedderOf(plan);
  const series = new Series<Quality>();
  const kinds = new Set<string>();
  const queries: number[] = [];
  for (let round = 0; round < plan.runs; round += 1) {
    const { scopes, queries: each, seed } = plan;
    const lines = plan.set === null ? generateSet({ seed: seed + round, scopes, queries: each }) : readSet(plan.set);
    queries.push(lines.reduce((sum, line) => sum + line.queries.length, 0));
    const measured = await series.add(() => measureQuality(lines, make()));
    for (const kind of measured?.keys() ?? []) kinds.add(kind);
    const hit = measured?.get('all')?.get('fused') ?? measured?.get('all')?.get('words');
    progress(
      `quality, set ${round + 1} of ${plan.runs}: ${hit === undefined ? 'failed' : `hit@3 ${hit.hit3.toFixed(3)}`}`,
    );
  }
  if ('failed' in series.measured && plan.set !== null) throw new Error(series.measured.failed);
  const known = KINDS.filter((kind) => kinds.has(kind) || 'failed' in series.measured);
  const others = [...kinds].filter((kind) => kind !== 'all' && !known.includes(kind as (typeof KINDS)[number])).sort();
  return { rows: qualityRows(series.measured, [...known, ...others, 'all']), about: { embedder: name, queries } };
};

const agents = (plan: Plan, progress: Progress): Promise<Outcome> =>
  withDirectory(async (folder) => {
    const series = new Series<Awaited<ReturnType<typeof run>>>();
    const run = (round: number) => {
      const { agents: count, memories, recalls, seed } = plan;
      const settings: AgentsSettings = { directory: join(folder, `${round}`), seed, agents: count, memories, recalls };
      return runSubjectAt(entryUrl('./agents', import.meta.url), settings, agentsRunSchema);
    };
    for (let round = 1; round <= plan.runs; round += 1) {
      const found = await series.add(() => run(round));
      const words =
        found === null
          ? 'failed'
          : `${Math.round(found.addsPerSecond)} adds/s, recall p50 ${found.p50Ms.toFixed(3)} ms`;
      progress(`agents, run ${round} of ${plan.runs}: ${words}`);
    }
    return { rows: agentsRows(series.measured, plan), about: { underWay: UNDER_WAY } };
  });

const large = (plan: Plan, progress: Progress): Promise<Outcome> =>
  withDirectory(async (folder) => {
    const series = new Series<Awaited<ReturnType<typeof run>>>();
    const run = (round: number) => {
      const settings: LargeSettings = { directory: join(folder, `${round}`), seed: plan.seed, count: plan.large };
      return runSubjectAt(entryUrl('./large', import.meta.url), settings, largeRunSchema);
    };
    for (let round = 1; round <= plan.largeRuns; round += 1) {
      const found = await series.add(() => run(round));
      progress(
        `large, run ${round} of ${plan.largeRuns}: ${found === null ? 'failed' : `p50 ${found.fused.p50Ms.toFixed(2)} ms`}`,
      );
    }
    return { rows: plan.largeRuns === 0 ? [] : largeRows(series.measured, plan), about: { dimensions: DIMENSIONS } };
  });

const MEASURES = { quality, agents, large } as const;

export const measure = async (settings: Settings, progress: Progress): Promise<BenchResult> => {
  const plan = planOf(settings);
  const before = environment();
  const outcomes: Outcome[] = [];
  for (const part of plan.parts) outcomes.push(await MEASURES[part](plan, progress));
  const about = Object.assign({}, ...outcomes.map((outcome) => outcome.about)) as Record<string, unknown>;
  return {
    bench: 'memory',
    machine: machine(),
    runs: plan.runs,
    settings: {
      ...plan,
      // Nothing of it is embedded where only speed is measured.
      embedder: 'none',
      ...about,
      time: 'wall time',
      journal: 'flushed, served by the thread that is measured',
      ...before,
      loadAverageAtEnd: loadAverage(),
    },
    rows: outcomes.flatMap(({ rows }) => rows),
  };
};
