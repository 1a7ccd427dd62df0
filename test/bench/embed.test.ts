/** That `bench embed` counts what was handled, and looks at the delays that its rows name. */
import { expect, test } from 'vitest';
import { Lateness, percentile99 } from '../../bench/embed/lateness.ts';
import { makeRuns, rowsOf } from '../../bench/embed/measure.ts';
import { measureService } from '../../bench/embed/service.ts';
import { planOf } from '../../bench/embed/settings.ts';
import { rowSchema } from '../../bench/harness/result.ts';

test.each([
  ['tells', 4, 4_000],
  ['asks', 4, 500],
  ['blocked', 2, 60],
  ['stats', 20, 100],
] as const)('%s: everything was handled once', async (method, actors, count) => {
  const run = await measureService({ method, actors, count });
  expect(run.seconds).toBeGreaterThan(0);
  if (method === 'tells' || method === 'asks') expect(run.count).toBe(count);
});

test('the 99th percentile is a value that 99 of 100 do not exceed', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(percentile99(values)).toBe(198);
  expect(percentile99([5])).toBe(5);
  expect(() => percentile99([])).toThrow(RangeError);
});

test('what a callback does counts as lateness', async () => {
  const slow = new Lateness(1, () => {
    const until = performance.now() + 5;
    while (performance.now() < until);
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  const { lateMs, workMs } = slow.stop();
  expect(lateMs).toBeGreaterThanOrEqual(5);
  // A thread has no more processor time than time.
  if (workMs !== null) expect(workMs).toBeGreaterThan(0);
});

test('rows: rates without targets, delays with one', async () => {
  const runs = makeRuns();
  await runs.tells.add(() => Promise.resolve({ count: 1_000, seconds: 0.5, lateMs: 3, workMs: 1 }));
  await runs.asks.add(() => Promise.resolve({ count: 100, seconds: 0.5, lateMs: 20, workMs: 2 }));
  await runs.blocked.add(() => Promise.resolve({ count: 2, seconds: 3, lateMs: 20.5, workMs: null }));
  await runs.stats.add(() => Promise.reject(new Error('10 of 11 tools have run')));
  const rows = rowsOf(runs, planOf({ quick: true, json: true })).map((row) => rowSchema.parse(row));
  expect(rows.map(({ value, met }) => [value, met])).toEqual([
    [2_000, null],
    [3, true],
    [1, null],
    [200, null],
    [20, true],
    [2, null],
    [20.5, false],
    [null, null],
    [null, null],
    [null, null],
  ]);
  expect(rows.at(7)?.skipped).toMatch('Node before');
  expect(rows.at(-1)?.skipped).toBe('10 of 11 tools have run');
});
