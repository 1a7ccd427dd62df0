import { expect, test } from 'vitest';
import { drawFaults, runChaosTrial } from './trial.ts';

/** One that once waited for ever. `npm run chaos` draws others. */
const SEED = 1019;
/** `npm run chaos` takes all of them, many times. */
const FAULTS_PER_TRIAL = 2;
/** Below that of the test, so that the trial says itself what it waits for. */
const LIMIT_MS = 240_000;

test('A5 A6 A7 threads end while others ask, watch, stop and pay: nobody waits for ever, sums are kept', async () => {
  const seed = SEED;
  const faults = drawFaults(seed, FAULTS_PER_TRIAL);
  process.stderr.write(`chaos: seed ${seed}: ${faults.join(' ')}\n`);
  const trial = { seed, faults, blockedAfterMs: 2_500, restMs: 150_000, limitMs: LIMIT_MS };
  const { wrong, counters } = await runChaosTrial(trial);
  expect({ seed, faults, wrong }).toEqual({ seed, faults, wrong: [] });
  expect(counters['transfers']).toBeGreaterThan(0);
}, 400_000);
