import { describe, expect, test } from 'vitest';
import { rowSchema, type Row } from '../../bench/harness/result.ts';
import { Series } from '../../bench/harness/series.ts';
import { measureSizes } from '../../bench/gate/measure.ts';
import { namesOf } from '../../bench/gate/population.ts';
import { admitted, fairShare, recovery } from '../../bench/gate/reading.ts';
import { ownModelRows, rowsOf, type Measurements } from '../../bench/gate/rows.ts';
import { limitsPerWindow, type Client, type CostRun, type LimitsRun, type Way } from '../../bench/gate/runs.ts';
import type { Sample } from '../../bench/gate/server.ts';
import { FULL, settingsSchema, sizesOf, type Sizes } from '../../bench/gate/settings.ts';
import { differences } from '../../bench/gate/team.ts';

const PERIOD_MS = 50;

/** What a server would have counted every 50 ms. */
const samplesOf = (untilMs: number, count: (ms: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: untilMs / PERIOD_MS }, (_, index) => {
    const ms = index * PERIOD_MS;
    return { atMs: 1_000 + ms, calls: 0, rejected: 0, out: 0, tokens: 0, byAgent: {}, ...count(ms) };
  });

const WINDOW = { windowMs: 6_000, requests: 300, tokens: 50_000, windows: 5 };

describe('what was admitted', () => {
  test('a server whose windows are all used up by requests, each beginning a little late', () => {
    const samples = samplesOf(45_000, (ms) => ({ calls: 300 * (1 + Math.floor(ms / 6_100)) }));
    expect(admitted(samples, WINDOW).goodput).toBe(1);
  });

  test('tokens count where they run out first, and half of either limit is half', () => {
    const tokens = samplesOf(45_000, (ms) => ({ calls: 1 + ms / 100, tokens: (ms / 6_000) * 50_000 }));
    expect(admitted(tokens, WINDOW).goodput).toBeCloseTo(1, 2);
    const half = samplesOf(45_000, (ms) => ({ calls: 1 + (ms / 6_000) * 150 }));
    expect(admitted(half, WINDOW).goodput).toBeCloseTo(0.5, 2);
  });

  test('what was rejected in the first window does not count, what came later does', () => {
    const early = samplesOf(45_000, (ms) => ({ calls: 1 + ms / 20, rejected: Math.min(1_000, ms) }));
    expect(admitted(early, WINDOW).rejected).toBe(0);
    const later = samplesOf(45_000, (ms) => ({ calls: 1 + ms / 20, rejected: ms < 7_000 ? 0 : 100 }));
    expect(admitted(later, WINDOW).rejected).toBeGreaterThan(0.05);
  });

  test('samples that end too early are no measurement, and neither is a server that nobody called', () => {
    const short = samplesOf(20_000, (ms) => ({ calls: 1 + ms }));
    expect(() => admitted(short, WINDOW)).toThrow(/before there was enough/u);
    expect(() =>
      admitted(
        samplesOf(45_000, () => ({})),
        WINDOW,
      ),
    ).toThrow(/no call/u);
  });
});

test('the others have their share when they get what all would get, whoever else gets more', () => {
  expect(fairShare({ 'Agent-1': 10, 'Agent-2': 10, 'Agent-3': 10, 'Agent-4': 10 }, 4, 1)).toBe(1);
  expect(fairShare({ 'Agent-1': 70, 'Agent-2': 10, 'Agent-3': 10, 'Agent-4': 10 }, 4, 1)).toBeCloseTo(0.4);
  expect(fairShare({ 'Agent-1': 10, 'Agent-2': 10, 'Agent-3': 10 }, 4, 1)).toBeCloseTo(20 / 22.5);
});

test('an outage: the rate before it, what came in the first second after it, and the rate from there on', () => {
  const outage = { afterMs: 5_000, lengthMs: 10_000 };
  const samples = samplesOf(30_000, (ms) => {
    if (ms <= 5_000) return { calls: 1 + ms };
    const out = Math.min(ms - 5_000, 10_000) / 1_000;
    if (ms <= 16_000) return { calls: 5_001 + out, out };
    return { calls: 5_001 + out + (ms - 16_000) / 2, out };
  });
  const found = recovery(samples, outage);
  expect(found.before).toBeGreaterThan(900);
  expect(found.during).toBe(10);
  expect(found.firstSecond).toBeLessThanOrEqual(50);
  expect(found.silentSeconds).toBeCloseTo(1, 0);
  expect(found.after).toBeCloseTo(500, -2);
  const nothing = samplesOf(30_000, (ms) => ({ calls: 1 + Math.min(ms, 5_000), out: 0 }));
  expect(() => recovery(nothing, outage)).toThrow(/nothing was answered/u);
});

describe('settings', () => {
  test('limits of a minute are scaled to the window', () => {
    expect(limitsPerWindow(FULL)).toEqual(WINDOW);
  });

  test('quick means fewer repetitions of the same sizes, and a file chooses parts', () => {
    const settings = settingsSchema.parse({ quick: true, json: true, parts: ['cost'], sizes: [10] });
    expect(sizesOf(settings)).toMatchObject({ runs: 1, parts: ['cost'], cost: { populations: [10] }, team: 589 });
    expect(settingsSchema.safeParse({ quick: true, json: true, parts: ['speed'] }).success).toBe(false);
  });

  test('a heavy agent is as many of one name as it asks more', () => {
    const names = namesOf({ agents: 4, heavy: { agents: 1, factor: 3 } });
    expect(names).toEqual(['Agent-1', 'Agent-1', 'Agent-1', 'Agent-2', 'Agent-3', 'Agent-4']);
  });
});

test('outcomes differ where one has what the other has not, or other content', () => {
  const one = new Map(Object.entries({ a: '1', b: '2', c: '3' }));
  expect(differences(one, new Map(one))).toBe(0);
  expect(differences(one, new Map(Object.entries({ a: '1', b: 'x', d: '4' })))).toBe(3);
});

const COST: CostRun = { calls: 10_000, seconds: 5, clientCpuMs: 5_000, startMb: 100, peakMb: 300 };

const seriesOf = async <Run>(...runs: readonly Run[]): Promise<Series<Run>> => {
  const series = new Series<Run>();
  for (const run of runs) await series.add(() => Promise.resolve(run));
  return series;
};

const measurementsOf = async (ours: CostRun): Promise<Measurements> => ({
  limits: new Map<Way, Series<LimitsRun>>([
    ['configured', await seriesOf({ goodput: 0.97, rejected: 0.02, byAgent: {}, fairShare: 1 })],
    ['sdk', await seriesOf({ goodput: 0.2, rejected: 0.9, byAgent: {}, fairShare: 1 })],
  ]),
  cost: new Map([
    [
      2_000,
      new Map<Client, Series<CostRun>>([
        ['plain', await seriesOf(COST)],
        ['megactor', await seriesOf(ours)],
      ]),
    ],
  ]),
  outage: await seriesOf(),
  budget: await seriesOf(),
  bytes: await seriesOf({ files: 10, bytesIn: 250_000, uncachedInput: 5_000 }),
  bytesPrograms: await seriesOf({ files: 10, bytesIn: 260_000, uncachedInput: 8_000 }),
  bytesReviewed: await seriesOf({ files: 10, bytesIn: 500_000, uncachedInput: 9_000 }),
});

const ending = (rows: readonly Row[], end: string): Row => {
  const found = rows.filter((row) => row.name.endsWith(end));
  expect(found).toHaveLength(1);
  return found[0] as Row;
};

describe('rows', () => {
  const sizes: Sizes = { ...FULL, parts: ['limits', 'cost', 'bytes'] };

  test('costs are compared with the plain loop of the same run', async () => {
    const rows = rowsOf(await measurementsOf({ ...COST, clientCpuMs: 6_000, seconds: 4 }), sizes);
    expect(ending(rows, 'durable agents through the gate: CPU per call')).toMatchObject({
      value: 0.6,
      ratio: 1.2,
      target: 1,
      met: false,
    });
    expect(ending(rows, 'durable agents through the gate: rate')).toMatchObject({ ratio: 1.25, target: 1, met: true });
    expect(ending(rows, 'durable agents through the gate: memory per agent')).toMatchObject({
      value: 102.4,
      met: true,
    });
    expect(ending(rows, 'LangGraph.js: rate').skipped).toMatch(/left out/u);
    for (const row of rows) expect(() => rowSchema.parse(row)).not.toThrow();
  });

  test('the limits and the bytes have targets, the SDK by itself and reviews have none', async () => {
    const rows = rowsOf(await measurementsOf(COST), sizes);
    expect(ending(rows, 'limits configured: goodput')).toMatchObject({ value: 0.97, target: 0.95, met: true });
    expect(ending(rows, 'limits configured: rejected')).toMatchObject({ target: 0.01, met: false });
    expect(ending(rows, 'per agent: goodput').target).toBeNull();
    expect(ending(rows, 'no reviews: request bytes per file')).toMatchObject({ value: 25_000, met: false });
    expect(ending(rows, 'programs offered: request bytes per file')).toMatchObject({ value: 26_000, target: null });
    expect(ending(rows, 'reviews on: request bytes per file').target).toBeNull();
  });

  test('a server of the user is judged by nobody', () => {
    const run = { ...COST, latenciesMs: [1, 2, 3], repetitions: 4, stopped: null };
    const rows = ownModelRows({ runs: [run] }, { runs: [{ ...COST, failed: 1 }] });
    expect(rows.every((row) => row.target === null && row.value !== null)).toBe(true);
    const without = ownModelRows({ failed: 'no connection' }, { failed: 'no connection' });
    expect(without.every((row) => row.skipped === 'no connection')).toBe(true);
  });
});

test('a small population and the plain loop make the same calls of a real server', async () => {
  const sizes: Sizes = {
    ...FULL,
    runs: 1,
    peerRuns: 0,
    parts: ['cost'],
    shards: 2,
    latencyMs: 1,
    cost: { populations: [5], calls: 3 },
  };
  const { rows } = await measureSizes(sizes, () => {});
  const skipped = rows.filter((row) => row.skipped !== null).map((row) => row.name);
  expect(skipped.filter((name) => !/agents|LangGraph/u.test(name.replace(/^5 agents/u, '')))).toEqual([]);
  expect(ending(rows, 'durable agents through the gate: rate').value).toBeGreaterThan(0);
  expect(ending(rows, 'plain loop with the openai SDK: rate').value).toBeGreaterThan(0);
});
