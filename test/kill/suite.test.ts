/** The short form of `npm run kill`: a few seeds that between them pass most points. */
import { expect, test } from 'vitest';
import { runKillSuite } from './suite.ts';

test('D1–D4, W7: killed at random times and at armed points, a run ends as if it had not been', async () => {
  const log: string[] = [];
  const result = await runKillSuite({
    seeds: [3, 9, 15, 21],
    agents: 20,
    canaries: [],
    log: (line) => log.push(line),
  });
  expect(result.failures, log.join('\n')).toBe(0);
  expect(result.trials).toBe(4);
  const { missed = 0, uncounted: _uncounted, ...kills } = result.counters;
  expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(missed);
}, 120_000);
