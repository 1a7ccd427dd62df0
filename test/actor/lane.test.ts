/** The storage of a mailbox: any order of operations, compared with an array. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hand, Lane, type Sender } from '../../src/actor/lane.ts';

/** Items of this test are strings; a tell in parts is told from them by its sender. */
class TestLane extends Lane<string> {
  protected override wholeOf(type: string, body: unknown, from: Sender): string {
    return nameOf(type, body, from);
  }
}

const nameOf = (type: string, body: unknown, from: Sender): string =>
  `${type} ${String(body)} ${from?.id ?? 'outside'}`;

interface Operation {
  readonly kind: 'force' | 'forceTell' | 'putBack' | 'takeUser' | 'takeInto' | 'peekUser' | 'drainUser';
  readonly item: string;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(
    ...(['force', 'force', 'forceTell', 'forceTell', 'forceTell', 'putBack'] as const),
    ...(['takeUser', 'takeInto', 'takeInto', 'peekUser', 'drainUser'] as const),
  ),
  item: fc.string(),
});

const senderOf = (item: string): Sender => (item.length % 2 === 0 ? null : { shard: 0, id: item.length, name: item });

const onArray = (array: string[], { kind, item }: Operation): unknown => {
  if (kind === 'force') return void array.push(item);
  if (kind === 'forceTell') return void array.push(nameOf('tell', item, senderOf(item)));
  if (kind === 'putBack') return void array.unshift(item, `${item} again`);
  if (kind === 'takeUser' || kind === 'takeInto') return array.shift();
  return kind === 'peekUser' ? array[0] : array.splice(0);
};

const onLane = (lane: TestLane, { kind, item }: Operation): unknown => {
  if (kind === 'force') return lane.force(item);
  if (kind === 'forceTell') return lane.forceTell('tell', item, senderOf(item));
  if (kind === 'putBack') return lane.putBack([item, `${item} again`]);
  if (kind !== 'takeInto') return lane[kind]();
  const hand = new Hand();
  if (!lane.takeInto(hand)) return undefined;
  return hand.from === undefined ? hand.head : nameOf(hand.head as string, hand.body, hand.from);
};

test('M1 M4 entries come out in the order they went in, whatever was put in front meanwhile', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const lane = new TestLane();
      const array: string[] = [];
      for (const one of operations) {
        const expected = onArray(array, one);
        expect(onLane(lane, one)).toEqual(expected);
        expect([...lane.held()]).toEqual(array);
        expect(lane.userLength).toBe(array.length);
      }
      expect(lane.drainUser()).toEqual(array);
    }),
  );
});

test('a lane that was long keeps its order and starts small again', () => {
  const lane = new TestLane();
  const items = Array.from({ length: 5_000 }, (_, index) => `item ${index}`);
  for (const item of items) lane.force(item);
  expect(lane.drainUser()).toEqual(items);
  lane.forceTell('tell', 1, null);
  lane.force('next');
  expect(lane.drainUser()).toEqual(['tell 1 outside', 'next']);
});
