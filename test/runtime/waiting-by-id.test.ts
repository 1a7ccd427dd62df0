/** A4 what waits for an id is bounded in number and time; and whatever was held is given back once, in order. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WaitingById } from '../../src/runtime/waiting-by-id.ts';
import { ManualClock } from './manual-clock.ts';

const WAIT_MS = 100;

const waitingOf = (itemsMax: number) => {
  const clock = new ManualClock();
  const expired: [id: number, items: readonly number[]][] = [];
  const limits = { itemsMax, waitMs: WAIT_MS };
  const waiting = new WaitingById<number>(clock, limits, (id, items) => void expired.push([id, items]));
  return { clock, expired, waiting };
};

describe('what waits for an id', () => {
  test('is taken in order, once, and expires no more', async () => {
    const { clock, expired, waiting } = waitingOf(10);
    for (const [id, item] of [
      [7, 1],
      [8, 2],
      [7, 3],
    ] as const) {
      expect(waiting.hold(id, item)).toBe(true);
    }
    expect(waiting.take(7)).toEqual([1, 3]);
    expect(waiting.take(7)).toEqual([]);
    await clock.advance(WAIT_MS);
    expect(expired).toEqual([[8, [2]]]);
    expect(waiting.take(8)).toEqual([]);
  });

  test('A4 waits as long as the first of it does, and not a moment longer', async () => {
    const { clock, expired, waiting } = waitingOf(10);
    waiting.hold(7, 1);
    await clock.advance(WAIT_MS - 1);
    waiting.hold(7, 2);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual([[7, [1, 2]]]);
  });

  test('has its own time when something that waited for the same id was taken', async () => {
    const { clock, expired, waiting } = waitingOf(10);
    waiting.hold(7, 1);
    await clock.advance(WAIT_MS / 2);
    waiting.take(7);
    waiting.hold(7, 2);
    await clock.advance(WAIT_MS / 2);
    expect(expired).toEqual([]);
    await clock.advance(WAIT_MS / 2);
    expect(expired).toEqual([[7, [2]]]);
  });

  test('A4 is no more than its limit, and there is room again when some of it has gone', async () => {
    const { clock, waiting } = waitingOf(2);
    expect([1, 2, 3].map((id) => waiting.hold(id, id))).toEqual([true, true, false]);
    waiting.take(1);
    expect([4, 5].map((id) => waiting.hold(id, id))).toEqual([true, false]);
    await clock.advance(WAIT_MS);
    expect([6, 7, 8].map((id) => waiting.hold(id, id))).toEqual([true, true, false]);
  });

  test('A4 is given back once and in order, whatever happens', async () => {
    const move = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('hold' as const), id: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), id: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), id: fc.nat(WAIT_MS) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), async (moves, itemsMax) => {
        const { clock, expired, waiting } = waitingOf(itemsMax);
        const held: (readonly [id: number, item: number])[] = [];
        const given: (readonly [id: number, item: number])[] = [];
        const give = (id: number, items: readonly number[]): void =>
          void given.push(...items.map((n) => [id, n] as const));
        for (const [index, { do: what, id }] of moves.entries()) {
          if (what === 'wait') await clock.advance(id);
          for (const [late, items] of expired.splice(0)) give(late, items);
          if (what === 'take') give(id, waiting.take(id));
          if (what !== 'hold') continue;
          const hasRoom = held.length - given.length < itemsMax;
          expect(waiting.hold(id, index)).toBe(hasRoom);
          if (hasRoom) held.push([id, index]);
        }
        await clock.advance(WAIT_MS);
        for (const [late, items] of expired.splice(0)) give(late, items);
        const of = (all: typeof held, id: number): number[] =>
          all.flatMap(([each, item]) => (each === id ? [item] : []));
        for (let id = 0; id <= 3; id += 1) expect(of(given, id)).toEqual(of(held, id));
      }),
    );
  });
});
