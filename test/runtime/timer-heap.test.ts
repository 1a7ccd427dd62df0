import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JUMP_MS, ShardTime } from '../../src/runtime/shard-time.ts';
import { TimerHeap } from '../../src/runtime/timer-heap.ts';
import { ManualClock } from './manual-clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
}

describe('the heap of timers', () => {
  test('H1 gives what went in by time, and in order within a moment', () => {
    const operation = fc.oneof(fc.nat({ max: 20 }), fc.constant('pop' as const));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const heap = new TimerHeap<Timer>(() => true);
        const model: Timer[] = [];
        const next = (): Timer | undefined => model.toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
        for (const [order, value] of operations.entries()) {
          expect(heap.nextMs).toBe(next()?.dueMs ?? Infinity);
          if (value === 'pop') {
            const expected = next();
            expect(heap.pop()?.what).toBe(expected);
            if (expected !== undefined) model.splice(model.indexOf(expected), 1);
          } else {
            const timer = { dueMs: value, order };
            model.push(timer);
            heap.push(value, order, timer);
          }
          expect(heap.length).toBe(model.length);
        }
      }),
    );
  });

  test('H2 forgets what means nothing instead of growing', () => {
    const current = new Set<number>();
    const heap = new TimerHeap<number>((actor, what) => actor === 7 && current.has(what));
    // One timer that is replaced again and again, among a hundred that stay.
    for (let what = 0; what < 100; what += 1) {
      current.add(what);
      heap.push(1_000_000 + what, 7, what);
    }
    for (let what = 100; what < 100_000; what += 1) {
      if (what > 100) current.delete(what - 1);
      current.add(what);
      heap.push(what, 7, what);
    }
    expect(heap.length).toBeLessThanOrEqual(256);
    const left: number[] = [];
    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
      if (current.has(entry.what)) left.push(entry.what);
    }
    expect(left).toEqual([99_999, ...Array.from({ length: 100 }, (_, what) => what)]);
  });
});

describe('a heap that was large', () => {
  test('H1 H2 goes on as before once it was empty', () => {
    const heap = new TimerHeap<number>(() => true);
    for (const round of [1, 2]) {
      const count = 70_000 / round;
      for (let what = 0; what < count; what += 1) heap.push((what * 7_919) % count, round, what);
      let last = -1;
      for (let taken = 0; taken < count; taken += 1) {
        const { what = 0 } = heap.pop() ?? {};
        expect((what * 7_919) % count >= last).toBe(true);
        last = (what * 7_919) % count;
      }
      expect([heap.pop(), heap.length, heap.nextMs]).toEqual([undefined, 0, Infinity]);
    }
  });
});

describe('the time of a shard', () => {
  test('follows the wall clock forwards, and passes on when it is set back', async () => {
    const clock = new ManualClock(0);
    const time = new ShardTime(clock);
    clock.setWallClock(60_000);
    expect(time.read()).toBe(60_000);
    clock.setWallClock(-50_000);
    expect(time.read()).toBe(60_000);
    await clock.advance(10);
    expect(time.read()).toBe(60_010);
    // A moment that is an hour ahead of the clock as it is now is an hour away.
    expect(time.of(clock.now() + 3_600_000) - time.read()).toBe(3_600_000);
    clock.setWallClock(20_000);
    expect(time.read()).toBe(80_010);
  });

  test('takes a small correction for one', () => {
    const clock = new ManualClock(0);
    const time = new ShardTime(clock);
    clock.setWallClock(-JUMP_MS);
    expect(time.read()).toBe(-JUMP_MS);
  });
});
