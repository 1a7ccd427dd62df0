/** That `bench journal` measures what its rows say: what was counted is looked for in the journal itself. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resultSchema, rowSchema, type Row } from '../../bench/harness/result.ts';
import { Series } from '../../bench/harness/series.ts';
import { measureActivation } from '../../bench/journal/activate.ts';
import { measureLatency } from '../../bench/journal/latency.ts';
import { measureSizes } from '../../bench/journal/measure.ts';
import { measureMemory } from '../../bench/journal/memory.ts';
import { makePopulation, readAddresses } from '../../bench/journal/population.ts';
import { measureRate, type RateSettings } from '../../bench/journal/rates.ts';
import { measureResume } from '../../bench/journal/resume.ts';
import { rowsOf, type Measurements, type PopulationRun } from '../../bench/journal/rows.ts';
import { sizesOf, type Sizes } from '../../bench/journal/settings.ts';
import { measureTell } from '../../bench/journal/tell.ts';
import { openLmdbReads } from '../../src/journal/open-reads.ts';
import { readJournal, type JournalCounts } from '../../src/journal/index.ts';
import { temporaryDirectory } from '../support/command.ts';

let directory: string;
let temporary: ReturnType<typeof temporaryDirectory>;

beforeEach(() => {
  temporary = temporaryDirectory();
  directory = temporary.path;
});
afterEach(() => temporary.cleanUp());

const counts = async (): Promise<JournalCounts> => {
  const reader = await readJournal(directory);
  const found = { ...reader.counts };
  await reader.close();
  return found;
};

describe('what a measurement counts is in the journal', () => {
  test('durable tells between actors: every item is journaled and consumed once', async () => {
    const settings = { directory, from: 'actors', pairs: 3, items: 50, burst: 8, shards: 4 } as const;
    const { count, seconds, steps } = await measureTell({ ...settings, durability: 'flushed' });
    expect(count).toBe(150);
    expect(seconds).toBeGreaterThan(0);
    const { mail, pending, spawns, steps: written } = await counts();
    // A source gets one order for every burst that is left.
    expect(mail).toBe(150 + 3 * Math.ceil(50 / 8));
    expect([pending, spawns]).toEqual([0, 6]);
    expect(steps).toBeGreaterThanOrEqual(3 * Math.ceil(50 / 8) + 3);
    expect(written).toBeGreaterThanOrEqual(steps);
  });

  test('tells from the main thread: the same', async () => {
    const settings = { directory, from: 'outside', pairs: 3, items: 20, burst: 8, shards: 4 } as const;
    expect((await measureTell({ ...settings, durability: 'committed' })).count).toBe(60);
    expect(await counts()).toMatchObject({ mail: 60, pending: 0, spawns: 3 });
  });

  test('a durable step: each is a commit of its own', async () => {
    const { stepMs, syncMs } = await measureLatency({ directory, rounds: 2, steps: 10 });
    expect([stepMs.length, syncMs.length]).toEqual([2, 2]);
    // A round before the first measured one warms up.
    expect(await counts()).toMatchObject({ mail: 30, steps: 30, pending: 0 });
  });

  test('a population: everybody has made a step, and mail waits for some, until a system resumes', async () => {
    const settings = { directory, shards: 4 };
    const { bytes } = await makePopulation({ ...settings, actors: 60, mail: 7, idle: 20 });
    expect(bytes).toBeGreaterThan(0);
    expect(await counts()).toMatchObject({ spawns: 60, steps: 60, pending: 7 });
    const idle = readAddresses(directory);
    expect(new Set(idle.map(({ id }) => id)).size).toBe(20);
    const resumed = await measureResume({ ...settings, mail: 7, startedAtMs: Date.now() });
    expect(resumed.steps).toBe(7);
    expect(resumed.servedSeconds).toBeGreaterThanOrEqual(resumed.firstStepSeconds);
    expect(await counts()).toMatchObject({ steps: 67, pending: 0 });
    expect((await measureActivation(settings)).actors).toBe(20);
    expect(await counts()).toMatchObject({ steps: 67 + 2 * 20, pending: 0 });
  });

  test('a population that is as good as killed has everything, and no more snapshots than it had', async () => {
    const settings = { directory, shards: 4 };
    await makePopulation({ ...settings, actors: 60, mail: 7, idle: 0, end: 'killed' });
    expect(await counts()).toMatchObject({ spawns: 60, steps: 60, pending: 7 });
    const reads = await openLmdbReads(directory);
    expect([0, 1, 2, 3].map((shard) => reads.actorCount(shard))).toEqual([0, 0, 0, 0]);
    await reads.close();
    expect((await measureResume({ ...settings, mail: 7, startedAtMs: Date.now() })).steps).toBe(7);
  });

  test('passive memory: all actors are made, few are in memory, every message is consumed', async () => {
    const sizes = { actors: 205, resident: 8, tells: 33 };
    const { made, told, activations } = await measureMemory({ directory, shards: 4, ...sizes });
    expect([made.length, told.length]).toEqual([10, 10]);
    expect(activations).toBeGreaterThan(0);
    expect(await counts()).toMatchObject({ spawns: 205, pending: 0, mail: 33 + 10 });
  });

  test.each<[RateSettings['method'], keyof JournalCounts]>([
    ['writers', 'mail'],
    ['deliver', 'mail'],
    ['appends', 'steps'],
  ])('%s: what was answered is there', async (method, counted) => {
    const { count, seconds } = await measureRate({ directory, method, size: 8, durationMs: 50 });
    expect(seconds).toBeGreaterThanOrEqual(0.05);
    expect(count).toBeGreaterThan(0);
    expect((await counts())[counted]).toBe(count);
  });
});

const TINY: Sizes = {
  runs: 1,
  shards: 4,
  loopMs: 30,
  tell: { pairs: 2, items: 20, burst: 8 },
  outside: { pairs: 2, items: 20, burst: 8 },
  latency: { rounds: 1, steps: 5 },
  populations: [30],
  mail: 5,
  idle: 10,
  team: 7,
  memory: { actors: 60, resident: 8, tells: 20 },
};

/** Some fifteen processes one after another, on a machine that may have much else to do. */
const WHOLE_LIMIT_MS = 300_000;

describe('the whole', () => {
  test(
    'every subject in a process of its own, every row with a value',
    async () => {
      const before = process.cwd();
      mkdirSync(join(directory, 'there'));
      process.chdir(join(directory, 'there'));
      try {
        const said: string[] = [];
        const result = await measureSizes(TINY, (line) => said.push(line));
        expect(resultSchema.parse(result)).toEqual(result);
        const skipped = result.rows.filter((row) => row.skipped !== null && !row.skipped.includes('/proc'));
        expect(skipped).toEqual([]);
        expect(said.length).toBeGreaterThan(10);
        const target = result.rows.filter((row) => row.target !== null).map(({ name }) => name);
        expect(target).toContain('durable tell → durable consume, between actors');
        expect(target).toContain('durable step at low load');
      } finally {
        process.chdir(before);
      }
    },
    WHOLE_LIMIT_MS,
  );
});

const seriesOf = async <Run>(...runs: readonly Run[]): Promise<Series<Run>> => {
  const series = new Series<Run>();
  for (const run of runs) await series.add(async () => run);
  return series;
};

describe('rows', () => {
  const sizes = sizesOf({ quick: true, json: true });
  const population = (actors: number, servedSeconds: number): PopulationRun => ({
    actors,
    made: { seconds: 10, bytes: actors * 300 },
    resumed: { firstStepSeconds: 1.5, servedSeconds, steps: 1_000, peakMemoryMb: null },
    killed: actors === 100_000 ? { firstStepSeconds: 2.5, servedSeconds: 3, steps: 1_000, peakMemoryMb: null } : null,
    activated: actors === 100_000 ? { actors: 20_000, firstSeconds: 4, againSeconds: 2 } : null,
  });
  const rate = (count: number): Promise<Series<{ count: number; seconds: number }>> => seriesOf({ count, seconds: 2 });
  const measurements = async (): Promise<Measurements> => ({
    rawBatches: await seriesOf({ count: 1_000_000, seconds: 2 }, { count: 600_000, seconds: 2 }),
    tells: await rate(160_000),
    outside: await rate(80_000),
    latency: await seriesOf({ stepMs: [2, 3], syncMs: [0.4, 0.6] }, { stepMs: [2.5], syncMs: [0.5] }),
    rawWriters: await rate(400_000),
    writers: await rate(100_000),
    deliver: await rate(1),
    appends: await rate(1),
    snapshots: await rate(1),
    load: await rate(1),
    populations: new Map([
      [10_000, await seriesOf(population(10_000, 2))],
      [100_000, await seriesOf(population(100_000, 6))],
    ]),
    memory: await seriesOf({
      start: 100,
      made: [200, 300, 350, 380, 400, 410, 420, 430, 440, 460],
      told: [460, 465, 470, 470, 470, 480, 480, 480, 480, 500],
      madeSeconds: 20,
      toldSeconds: 5,
      activations: 9_000,
    }),
    teamWithout: await seriesOf({ wallSeconds: 4, processorMs: 4_000 }),
    teamWith: await seriesOf({ wallSeconds: 5, processorMs: 6_000 }),
  });
  const find = (rows: readonly Row[], words: string): Row => {
    const found = rows.filter((row) => row.name.includes(words));
    expect(found.map((row) => row.name)).toHaveLength(1);
    return found[0] as Row;
  };

  test('targets are ratios to rows of the same run, and times of the size that has them', async () => {
    const rows = rowsOf(await measurements(), sizes);
    expect(rows.map((row) => rowSchema.parse(row))).toEqual(rows);
    expect(find(rows, 'between actors')).toMatchObject({ value: 80_000, ratio: 0.2, target: 0.2, met: true });
    expect(find(rows, 'durable step')).toMatchObject({ value: 2.5, min: 2, max: 3, ratio: 5, target: 5, met: true });
    expect(find(rows, 'of 100000 durable actors, mail for 1000: to the first')).toMatchObject({ target: 2, met: true });
    expect(find(rows, 'of 100000 durable actors, mail for 1000: until')).toMatchObject({ target: 5, met: false });
    expect(find(rows, 'after a kill: to the first')).toMatchObject({ value: 2.5, target: 2, met: false });
    expect(find(rows, 'after a kill: until')).toMatchObject({ value: 3, target: 5, met: true });
    expect(find(rows, 'of 10000 durable actors, mail for 1000: until')).toMatchObject({ target: null });
    expect(find(rows, 'of 10000 durable actors, mail for 1000: the same')).toMatchObject({ value: 20 });
    expect(find(rows, 'the first since the resume')).toMatchObject({ value: 5_000, ratio: 0.5, target: null });
    expect(find(rows, 'flushed: wall time')).toMatchObject({ ratio: 1.25, target: 1.3, met: true });
    expect(find(rows, 'flushed: CPU time')).toMatchObject({ ratio: 1.5, met: false });
  });

  test('memory is compared with that of half as many actors, and has a target at a million', async () => {
    const small = rowsOf(await measurements(), sizes);
    expect(find(small, 'half of them')).toMatchObject({ value: 400, ratio: null });
    expect(find(small, 'all are made')).toMatchObject({ value: 460, ratio: 1.15, target: null });
    expect(find(small, 'in memory: made')).toMatchObject({ value: 5_000 });
    const rows = rowsOf(await measurements(), sizesOf({ quick: false, json: true }));
    expect(find(rows, 'all are made')).toMatchObject({ ratio: 1.15, target: 1.2, met: true });
    expect(find(rows, 'after 100000 messages')).toMatchObject({ ratio: 1.25, target: 1.2, met: false });
  });

  test('without a baseline there is a value and no ratio', async () => {
    const rawBatches = new Series<{ count: number; seconds: number }>();
    await rawBatches.add(() => Promise.reject(new Error('no disk')));
    const rows = rowsOf({ ...(await measurements()), rawBatches }, sizes);
    expect(find(rows, 'raw lmdb-js: flushed').skipped).toBe('no disk');
    expect(find(rows, 'between actors')).toMatchObject({ value: 80_000, ratio: null, met: null });
  });

  test('quick measures the same sizes less often, without the largest population', () => {
    const full = sizesOf({ quick: false, json: true });
    expect(sizes).toEqual({ ...full, runs: 1, populations: full.populations.slice(0, 2), memory: sizes.memory });
    expect(sizes.memory).toMatchObject({ actors: full.memory.actors / 10, resident: full.memory.resident });
  });
});
