/** The short form of `npm run sim`, and the seeds that have found something. */
import { expect, test } from 'vitest';
import { SIM_CANARIES } from '../../src/platform/index.ts';
import { FAULTS } from './draw.ts';
import { CANARY_SEEDS_MAX, catchCanary, readCorpus, runSimSuite } from './suite.ts';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

test('A1–A6, A9, A13, D1–D3, D6, D7, J5: drawn programs under drawn faults settle, and each seed repeats', async () => {
  const log: string[] = [];
  const result = await runSimSuite({ seeds: SEEDS, log: (line) => log.push(line) });
  expect(result.failures, log.join('\n')).toBe(0);
  expect(result.trials).toBe(SEEDS.length);
  // All kinds occur in the long form, whatever has become of these seeds.
  expect(FAULTS.filter((fault) => (result.counters[fault] ?? 0) > 0).length).toBeGreaterThan(3);
  expect(result.counters['puts']).toBeGreaterThan(10);
});

test('seeds that have found something pass', async () => {
  const log: string[] = [];
  const seeds = readCorpus().map(({ seed }) => seed);
  const result = await runSimSuite({ seeds, log: (line) => log.push(line) });
  expect(result.failures, log.join('\n')).toBe(0);
  expect(readCorpus().every(({ found }) => found.length > 0)).toBe(true);
});

test.each(SIM_CANARIES)('a planted defect is caught: %s', (canary) => {
  const seeds = catchCanary(canary);
  expect(seeds).not.toBeNull();
  expect(seeds).toBeLessThanOrEqual(CANARY_SEEDS_MAX);
});
