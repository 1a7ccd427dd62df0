/**
 * D1, A4: mail for an actor whose id was handed out before its spawn is in the journal, in any order of the ids, over
 * crashes, and when the actor never comes.
 */
import { describe, expect, test } from 'vitest';
import { ALLOCATORS_MAX, OUTSIDE_ALLOCATOR } from '../../src/protocol/ids.ts';
import { EARLY_DELIVERY_MS } from '../../src/runtime/early-deliveries.ts';
import { list, mailTo, spawnOfList } from '../support/durable-list.ts';
import { Worlds } from './crashes.ts';
import { MemoryJournal } from './memory-journal.ts';
import type { World } from './one-thread.ts';

const fresh = async (): Promise<{ worlds: Worlds; journal: MemoryJournal; world: World }> => {
  const worlds = new Worlds({ list }, new MemoryJournal(1), { passivateAfterMs: 50 });
  return { worlds, journal: worlds.journal, world: await worlds.start() };
};

const idOf = (count: number): number => count * ALLOCATORS_MAX + OUTSIDE_ALLOCATOR;
const got = (world: World, id: number): Promise<unknown> => world.ask({ shard: 0, id, name: `n${id}` }, 'got');

describe('mail that the journal delivers before the spawn of its actor', () => {
  test('D1 waits, in order, although an actor with a later id is there already', async () => {
    const { journal, world } = await fresh();
    await journal.deliver([spawnOfList(idOf(2))]);
    await world.clock.settle();
    await journal.deliver([mailTo(idOf(1), 'add', 1), mailTo(idOf(1), 'add', 2)]);
    await world.clock.advance(EARLY_DELIVERY_MS - 1_000);
    await journal.deliver([mailTo(idOf(1), 'add', 3)]);
    await world.clock.settle();
    expect(world.shards[0]?.deadLetters()).toEqual([]);
    expect(journal.pending).toBe(3);
    await journal.deliver([spawnOfList(idOf(1)), mailTo(idOf(1), 'add', 4)]);
    await world.clock.settle();
    expect(await got(world, idOf(1))).toEqual([1, 2, 3, 4]);
    await world.clock.advance(2 * EARLY_DELIVERY_MS);
    expect(await got(world, idOf(1))).toEqual([1, 2, 3, 4]);
    expect(world.shards[0]?.deadLetters()).toEqual([]);
    expect(journal.pending).toBe(0);
  });

  test('D1 D2 is there once when a crash comes in between, also among passive actors', async () => {
    const { worlds, journal, world } = await fresh();
    await journal.deliver([spawnOfList(idOf(3))]);
    await world.clock.advance(1_000);
    await journal.deliver([mailTo(idOf(1), 'add', 1)]);
    const next = await worlds.restart(world);
    await next.clock.advance(1_000);
    await journal.deliver([spawnOfList(idOf(1))]);
    await next.clock.settle();
    expect(await got(next, idOf(1))).toEqual([1]);
    expect(next.shards[0]?.deadLetters()).toEqual([]);
  });

  test('A4 becomes a dead letter when its actor does not come in time', async () => {
    const { journal, world } = await fresh();
    await journal.deliver([mailTo(idOf(1), 'add', 1), mailTo(idOf(1), 'add', 2)]);
    await world.clock.advance(EARLY_DELIVERY_MS + 1);
    expect(world.shards[0]?.deadLetters()).toMatchObject([
      { reason: 'not-found', to: { id: idOf(1) } },
      { reason: 'not-found', to: { id: idOf(1) } },
    ]);
    expect(journal.pending).toBe(0);
  });

  test('A4 becomes a dead letter once, also where the journal is asked for passive actors first', async () => {
    const { journal, world } = await fresh();
    await journal.deliver([spawnOfList(idOf(3))]);
    await world.clock.advance(1_000);
    await journal.deliver([mailTo(idOf(1), 'add', 1)]);
    await world.clock.advance(2 * EARLY_DELIVERY_MS);
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'not-found', to: { id: idOf(1) } }]);
    expect(journal.pending).toBe(0);
  });

  test('that of an actor which has stopped is not waited for', async () => {
    const { journal, world } = await fresh();
    await journal.deliver([spawnOfList(idOf(1))]);
    await world.clock.settle();
    world.stop({ shard: 0, id: idOf(1), name: '' });
    await world.clock.settle();
    await journal.deliver([mailTo(idOf(1), 'add', 1)]);
    await world.clock.settle();
    expect(world.shards[0]?.deadLetters()).toHaveLength(1);
    expect(journal.pending).toBe(0);
  });
});
