import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadLetterBox, pack, Sampler, sizeUpTo, type DeadMail } from '../../src/actor/index.ts';

const letter = (time: number, body: unknown = null): DeadMail => {
  const to = { shard: 0, id: time };
  return { time, reason: 'not-found', to, toName: '', from: null, type: 't', ask: false, body };
};

describe('A13 the box', () => {
  test('keeps the last ones and counts all', () => {
    const box = new DeadLetterBox({ letters: 10 });
    for (let time = 0; time < 95; time += 1) box.add(letter(time));
    expect(box.count).toBe(95);
    expect(box.list().map(({ time }) => time)).toEqual([85, 86, 87, 88, 89, 90, 91, 92, 93, 94]);
  });

  test('keeps bodies up to a bound each and in all; the oldest make room, and what is no data is not kept', () => {
    const box = new DeadLetterBox({ letters: 10, bodyBytes: 100, bodiesBytes: 200 });
    const bodies = ['a'.repeat(30), { fn: () => 1 }, 'b'.repeat(100), 'c'.repeat(30), null, 'd'.repeat(40)];
    bodies.forEach((body, index) => box.add(letter(index, body)));
    expect(box.list().map(({ kept, body }) => [kept, body])).toEqual([
      [false, undefined],
      [false, undefined],
      [false, undefined],
      [true, 'c'.repeat(30)],
      [true, null],
      [true, 'd'.repeat(40)],
    ]);
  });

  test('holds its bounds whatever comes', () => {
    const limits = { letters: 5, bodyBytes: 64, bodiesBytes: 150 };
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 60 }), { maxLength: 60 }), (bodies) => {
        const box = new DeadLetterBox(limits);
        bodies.forEach((body, index) => box.add(letter(index, body)));
        const list = box.list();
        expect(list.map(({ time }) => time)).toEqual(bodies.map((_, index) => index).slice(-limits.letters));
        const kept = list.filter((one) => one.kept);
        const bytes = kept.map(({ body }) => sizeUpTo(body, Infinity) ?? 0);
        expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(limits.bodiesBytes);
        for (const { time, body } of kept) expect(body).toBe(bodies[time]);
        // The last one fits alone if it fits at all.
        const last = bodies.at(-1);
        if (last !== undefined) expect(list.at(-1)?.kept).toBe(8 + 2 * last.length <= limits.bodyBytes);
      }),
    );
  });
});

describe('A13 the size of a body', () => {
  test('is found for everything that can be packed, and not for what cannot', () => {
    const plain = fc.object({ withDate: true, withMap: true, withSet: true, withTypedArray: true, withBigInt: true });
    fc.assert(
      fc.property(plain, (body) => {
        expect(sizeUpTo(body, Infinity)).toBeGreaterThan(0);
        expect(pack(body).length).toBeLessThanOrEqual((sizeUpTo(body, Infinity) ?? 0) * 2);
      }),
    );
    class Thing {
      readonly own = 1;
    }
    const Half = (Reflect.get(globalThis, 'Float16Array') as (new () => object) | undefined) ?? Thing;
    for (const body of [() => 1, Symbol('a'), new Thing(), new Half(), { deep: [new Map([['a', () => 1]])] }]) {
      expect(sizeUpTo(body, 10_000)).toBeNull();
    }
  });

  test('is looked for no further than the limit', () => {
    let looked = 0;
    const endless = new Proxy([], {
      get: (_target, key) => {
        looked += 1;
        if (key === 'length') return 2 ** 32 - 1;
        return key === Symbol.iterator ? [][Symbol.iterator] : 1;
      },
    });
    expect(sizeUpTo(endless, 800)).toBeNull();
    expect(looked).toBeLessThan(1_000);
    const ring: { own?: unknown } = {};
    ring.own = ring;
    expect(sizeUpTo(ring, 800)).toBeNull();
  });
});

test('A13 events: a burst, then a bounded rate, and nothing that was held back is forgotten', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { minLength: 1, maxLength: 300 }), (gaps) => {
      const sampler = new Sampler();
      let nowMs = 0;
      let said = 0;
      let through = 0;
      let waiting = 0;
      for (const gap of gaps) {
        nowMs += gap;
        const heldBack = sampler.take(nowMs);
        if (heldBack === null) {
          waiting += 1;
          continue;
        }
        expect(heldBack).toBe(waiting);
        waiting = 0;
        through += 1;
        said += heldBack + 1;
      }
      expect(said + waiting).toBe(gaps.length);
      expect(through).toBeLessThanOrEqual(20 + nowMs / 100 + 1);
      expect(through).toBeGreaterThanOrEqual(Math.min(gaps.length, 20));
    }),
  );
});
