/** The storage of a mailbox: any order of operations, compared with an array. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lane } from '../../src/actor/lane.ts';

type Operation = { readonly kind: 'push' | 'unshift' | 'shift' | 'peek' | 'drain'; readonly item: number };

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('push', 'push', 'push', 'unshift', 'shift', 'shift', 'peek', 'drain'),
  item: fc.integer(),
});

const onArray = (array: number[], { kind, item }: Operation): unknown => {
  if (kind === 'push') return void array.push(item);
  if (kind === 'unshift') return void array.unshift(item);
  if (kind === 'shift') return array.shift();
  return kind === 'peek' ? array[0] : array.splice(0);
};

test('M1 items come out in the order they went in, whatever was put in front meanwhile', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const lane = new Lane<number>();
      const array: number[] = [];
      for (const one of operations) {
        const expected = onArray(array, one);
        const { kind, item } = one;
        expect(kind === 'push' || kind === 'unshift' ? lane[kind](item) : lane[kind]()).toEqual(expected);
        expect([...lane.items()]).toEqual(array);
        expect(lane.length).toBe(array.length);
      }
      expect(lane.drain()).toEqual(array);
    }),
  );
});
