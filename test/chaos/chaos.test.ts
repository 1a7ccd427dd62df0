import { expect, test } from 'vitest';
import { freshSeed } from '../../src/platform/index.ts';
import { drawFaults, runChaosTrial } from './trial.ts';

/** `npm run chaos` takes all of them, many times. */
const FAULTS_PER_TRIAL = 3;

test('A5 A6 A7 threads end while others ask, watch, stop and pay: nobody waits for ever, sums are kept', async () => {
  const seed = freshSeed();
  const faults = drawFaults(seed, FAULTS_PER_TRIAL);
  const { wrong, counters } = await runChaosTrial({ seed, faults, blockedAfterMs: 2_500, restMs: 150_000 });
  expect({ seed, faults, wrong }).toEqual({ seed, faults, wrong: [] });
  expect(counters['transfers']).toBeGreaterThan(0);
}, 300_000);
