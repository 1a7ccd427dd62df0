/** The short form of `npm run kill`: a few seeds that between them have every point and every fault. */
import { expect, test } from 'vitest';
import { KILL_POINTS } from '../../src/platform/index.ts';
import { drawListTrial, plannedIn } from './list/draw.ts';
import { FAULTS, kindOf, type PlannedTrial, runKillSuite } from './suite.ts';

const EVERYTHING: readonly string[] = ['random', ...KILL_POINTS, ...FAULTS];
const LISTS = [12, 27, 29, 75] as const;

const planned = (kind: PlannedTrial['kind'], seeds: readonly number[]): PlannedTrial[] =>
  seeds.map((seed) => ({ kind, seed }));

const missingIn = (seeds: readonly number[]): string[] => {
  const plans = seeds.map((seed) => plannedIn(drawListTrial(seed)));
  return EVERYTHING.filter((what) => !plans.some((plan) => plan.has(what)));
};

test('J1–J4, J6, A2, D1–D4, D7: killed at random times and at all points, lists and runs lose nothing and do nothing twice', async () => {
  const log: string[] = [];
  const { result } = await runKillSuite({
    trials: [...planned('runs', [9]), ...planned('lists', LISTS)],
    agents: 20,
    jobs: 2,
    canaries: [],
    log: (line) => log.push(line),
  });
  expect(result.failures, log.join('\n')).toBe(0);
  expect(result.trials).toBe(1 + LISTS.length);
  expect(
    EVERYTHING.filter((what) => result.counters[what] === 0),
    log.join('\n'),
  ).toEqual([]);
  expect(result.counters['acknowledged']).toBeGreaterThan(100);
}, 300_000);

test('the first seeds have every point and every fault, those of the short form as well', () => {
  const first = Array.from({ length: 10 }, (_, index) => index + 1).filter((seed) => kindOf(seed) === 'lists');
  expect(missingIn(first)).toEqual([]);
  expect(missingIn(LISTS)).toEqual([]);
  expect(missingIn([1])).not.toEqual([]);
});

test('the drawn seeds have trials of both kinds', () => {
  const kinds = new Set(Array.from({ length: 40 }, (_, index) => kindOf(index + 1)));
  expect([...kinds].sort()).toEqual(['lists', 'runs']);
});
