import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { VIRTUAL_EPOCH_MS, VirtualClock } from '../../src/platform/index.ts';

test('V1 V2 timers fire in the order of their times, at whole milliseconds, each at its own moment', () => {
  const delays = fc.array(fc.double({ min: 0, max: 1_000, noNaN: true }), { maxLength: 40 });
  fc.assert(
    fc.property(delays, fc.nat(1_000), (all, ms) => {
      const clock = new VirtualClock();
      const fired: { delay: number; index: number; at: number }[] = [];
      for (const [index, delay] of all.entries()) {
        clock.after(delay, () => fired.push({ delay, index, at: clock.monotonic() }));
      }
      clock.advance(ms);
      const due = all
        .map((delay, index) => ({ delay, index, at: Math.ceil(delay) }))
        .filter(({ at }) => at <= ms)
        .sort((left, right) => left.at - right.at || left.index - right.index);
      expect(fired).toEqual(due);
      expect(clock.now()).toBe(VIRTUAL_EPOCH_MS + ms);
    }),
  );
});

test('V3 a jump goes to the next timer that is not periodic; periodic ones fire on the way', () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  const period = clock.every(40, () => fired.push(`period ${clock.monotonic()}`));
  expect(clock.jump()).toBe(false);
  clock.after(100, () => fired.push(`once ${clock.monotonic()}`));
  const gone = clock.after(10, () => fired.push('cancelled'));
  gone.cancel();
  expect(clock.jump()).toBe(true);
  period.cancel();
  clock.advance(500);
  expect(fired).toEqual(['period 40', 'period 80', 'once 100']);
});

test('a self-driven clock sleeps for no real time, in order, and is woken by a signal', async () => {
  const clock = new VirtualClock({ selfDriven: true });
  const order: number[] = [];
  const sleeps = [3_600_000, 5, 70_000].map(async (ms) => {
    await clock.sleep(ms);
    order.push(ms);
  });
  await Promise.all(sleeps);
  expect(order).toEqual([5, 70_000, 3_600_000]);
  const stop = new AbortController();
  const sleeping = clock.sleep(10, stop.signal);
  stop.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
});

test('a clock that follows the real one lets what waits come due', async () => {
  const clock = new VirtualClock();
  const before = clock.now();
  const waited = new Promise<void>((resolve) => void clock.after(20, resolve));
  clock.follow();
  await waited;
  expect(clock.now()).toBeGreaterThanOrEqual(before + 20);
});
