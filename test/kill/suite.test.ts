/** The short form of `npm run kill`: a few seeds that between them pass most points. */
import { expect, test } from 'vitest';
import { kindOf, type PlannedTrial, runKillSuite } from './suite.ts';

const planned = (kind: PlannedTrial['kind'], seeds: readonly number[]): PlannedTrial[] =>
  seeds.map((seed) => ({ kind, seed }));

test('J1–J4, A2, D1–D4: killed at random times and at armed points, lists and runs lose nothing and do nothing twice', async () => {
  const log: string[] = [];
  const { result } = await runKillSuite({
    trials: [...planned('runs', [9]), ...planned('lists', [1, 2, 5, 12])],
    agents: 20,
    jobs: 2,
    canaries: [],
    log: (line) => log.push(line),
  });
  expect(result.failures, log.join('\n')).toBe(0);
  expect(result.trials).toBe(5);
  expect(result.counters['kills']).toBeGreaterThan(5);
  expect(result.counters['acknowledged']).toBeGreaterThan(100);
}, 120_000);

test('the drawn seeds have trials of both kinds', () => {
  const kinds = new Set(Array.from({ length: 40 }, (_, index) => kindOf(index + 1)));
  expect([...kinds].sort()).toEqual(['lists', 'runs']);
});
