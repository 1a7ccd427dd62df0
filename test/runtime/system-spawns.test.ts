import { expect, test } from 'vitest';
import { defineActor, type ActorRef } from '../../src/actor/index.ts';
import { SystemSpawns, type PlacedRecord } from '../../src/runtime/system-spawns.ts';

const nobody = defineActor('test:nobody', 'nobody', { state: () => null, messages: {}, receive: {} });

/** A line of actors, each the parent of the next. @returns the ancestors of the last */
const line = (spawns: SystemSpawns, length: number): readonly { readonly id: number }[] => {
  let parent: ActorRef | null = null;
  let ancestors: readonly { readonly id: number }[] = [];
  for (let depth = 0; depth < length; depth += 1) {
    const placed: PlacedRecord = spawns.place(nobody, undefined, { durable: true }, parent);
    ({ ancestors = [] } = placed.record.options as { ancestors?: readonly { readonly id: number }[] });
    parent = placed.ref;
  }
  return ancestors;
};

test('a tree that is made from outside knows who is above, as far as a failure is told', () => {
  expect(line(new SystemSpawns(4), 1)).toEqual([]);
  expect(line(new SystemSpawns(4), 2)).toEqual([]);
  // The parent itself stands in the record.
  expect(line(new SystemSpawns(4), 5)).toHaveLength(3);
  expect(line(new SystemSpawns(4), 100)).toHaveLength(16);
});

test('A4 of who was placed first nothing is remembered when there are too many', () => {
  const spawns = new SystemSpawns(4, 3);
  const boss = spawns.place(nobody, undefined, { durable: true }, null).ref;
  const admin = spawns.place(nobody, undefined, { durable: true }, boss).ref;
  const under = (): number => {
    const { record } = spawns.place(nobody, undefined, { durable: true }, admin);
    return (record.options as { ancestors: readonly unknown[] }).ancestors.length;
  };
  // The admin, and these.
  expect([under(), under(), under(), under()]).toEqual([1, 1, 1, 0]);
});
