/** When a run loop looks at the clock, and stops. */
import { expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/platform/index.ts';
import { Slice } from '../../src/runtime/slice.ts';

const clockOf = (): { clock: Clock; at: (ms: number) => void; readings: () => number } => {
  let nowMs = 0;
  let readings = 0;
  const monotonic = (): number => {
    readings += 1;
    return nowMs;
  };
  return { clock: { ...systemClock, monotonic }, at: (ms) => (nowMs = ms), readings: () => readings };
};

test('long turns: the clock is read after each, and the slice ends with the one that takes its time', () => {
  const { clock, at, readings } = clockOf();
  const slice = new Slice(clock, 10);
  const over = [1, 2, 5, 9, 10].map((ms) => {
    at(ms);
    return slice.turnEnded();
  });
  expect(over).toEqual([false, false, false, false, true]);
  expect(readings()).toBe(6);
  expect(slice.nowMs).toBe(10);
});

test('short turns: few readings, and never more than 16 turns behind', () => {
  const { clock, at, readings } = clockOf();
  const slice = new Slice(clock, 10);
  for (let turn = 0; turn < 1_600; turn += 1) expect(slice.turnEnded()).toBe(false);
  expect(readings()).toBeLessThan(110);
  at(10);
  let turns = 1;
  while (!slice.turnEnded()) turns += 1;
  expect(turns).toBeLessThanOrEqual(16);
});

test('a long turn after short ones: the clock is read after every turn again', () => {
  const { clock, at } = clockOf();
  const slice = new Slice(clock, 10);
  for (let turn = 0; turn < 63; turn += 1) slice.turnEnded();
  at(5);
  for (let turn = 0; turn < 16; turn += 1) slice.turnEnded();
  expect(slice.nowMs).toBe(5);
  at(6);
  slice.turnEnded();
  expect(slice.nowMs).toBe(6);
});
