import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  actorRef,
  addRoutee,
  broadcast,
  consistentHash,
  firstReply,
  removeRoutee,
  roundRobin,
  routeeFor,
  routeesFor,
} from '../../src/actor/index.ts';

const refs = (ids: readonly number[]) => ids.map((id) => actorRef(0, id, `r${id}`));
const ids = fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1, maxLength: 20 });

test('A11 round-robin: any n messages in a row go to n different routees, over additions and removals', () => {
  fc.assert(
    fc.property(ids, fc.nat(50), (ids, before) => {
      const router = roundRobin(refs(ids));
      for (let n = 0; n < before; n += 1) routeesFor(router, null);
      const chosen = ids.map(() => routeesFor(router, null).map(({ id }) => id));
      expect(chosen.flat().toSorted((a, b) => a - b)).toEqual(ids.toSorted((a, b) => a - b));
    }),
  );
});

test('A11 consistent hash: when one goes only its keys move, and they come back with it', () => {
  fc.assert(
    fc.property(ids, fc.nat(19), fc.array(fc.string(), { maxLength: 50 }), (ids, which, keys) => {
      const router = consistentHash(refs(ids));
      const of = (): (number | undefined)[] => keys.map((key) => routeeFor(router, key)?.id);
      const before = of();
      const gone = ids[which % ids.length] as number;
      expect(removeRoutee(router, { id: gone })).toBe(true);
      const without = of();
      before.forEach((id, index) => {
        if (id !== gone) expect(without[index]).toBe(id);
        else expect(without[index]).not.toBe(gone);
      });
      // Also at another place in the list.
      expect(addRoutee(router, actorRef(0, gone, ''))).toBe(true);
      expect(of()).toEqual(before);
    }),
  );
});

test('A11 consistent hash: keys are spread evenly', () => {
  const router = consistentHash(refs([255, 511, 767, 1_023]));
  const counts = new Map<number, number>();
  for (let key = 0; key < 8_000; key += 1) {
    const id = routeeFor(router, `customer-${key}`)?.id ?? 0;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(200);
  expect(counts.size).toBe(4);
});

test('the key is the body, or a property of it; without one the message is refused', () => {
  const whole = consistentHash(refs([1, 2, 3]));
  expect(routeesFor(whole, 'a')).toEqual([routeeFor(whole, 'a')]);
  expect(() => routeesFor(whole, { a: 1 })).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  const by = consistentHash(refs([1, 2, 3]), { by: 'customer' });
  expect(routeesFor(by, { customer: 17, amount: 3 })).toEqual([routeeFor(by, 17)]);
  for (const body of [null, 'a', { customer: null }]) {
    expect(() => routeesFor(by, body)).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  }
});

test('broadcast goes to all; nobody is there twice; an empty router goes to nobody', () => {
  const router = broadcast(refs([1, 2, 1]));
  expect(routeesFor(router, null).map(({ id }) => id)).toEqual([1, 2]);
  expect(addRoutee(router, actorRef(0, 2, ''))).toBe(false);
  expect(removeRoutee(router, { id: 3 })).toBe(false);
  for (const empty of [roundRobin([]), broadcast([]), consistentHash([])]) expect(routeesFor(empty, 'a')).toEqual([]);
});

test('A5 the first reply counts, and the last failure when there is none', async () => {
  const later = new Promise<number>(() => undefined);
  expect(await firstReply([Promise.reject(new Error('one')), later, Promise.resolve(2)])).toBe(2);
  await expect(firstReply([Promise.reject(new Error('one')), Promise.reject(new Error('two'))])).rejects.toThrow('two');
  await expect(firstReply([])).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});
