/** What settings of a benchmark may say, and how often things are repeated when they say nothing. */
import { expect, test } from 'vitest';
import { runsOf, settingsWithRuns } from '../../bench/harness/settings.ts';
import { settingsSchema as savina } from '../../bench/savina/settings.ts';

const FLAGS = { quick: true, json: false };

test.each([
  [{}, true],
  [{ runs: 1 }, true],
  [{ runs: 0 }, false],
  [{ runs: 2.5 }, false],
  [{ rus: 3 }, false],
  [{ quick: 'yes' }, false],
])('settings with %j: %s', (more, fits) => {
  expect(settingsWithRuns.safeParse({ ...FLAGS, ...more }).success).toBe(fits);
  expect(savina.safeParse({ ...FLAGS, ...more, peerRuns: 0 }).success).toBe(fits);
});

test('a quick one repeats less, and a file says how often', () => {
  expect(runsOf({ quick: true })).toBeLessThan(runsOf({ quick: false }));
  expect(runsOf({ quick: true, runs: 20 })).toBe(20);
});
