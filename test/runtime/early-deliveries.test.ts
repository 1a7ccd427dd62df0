/**
 * D1, A4: mail for an actor whose id was handed out before its spawn is in the journal, in any order of the ids, over
 * crashes, and when the actor never comes.
 */
import { describe, expect, test } from 'vitest';
import { defineActor, message, request, resolveSpawnOptions } from '../../src/actor/index.ts';
import type { Outgoing } from '../../src/journal/shard-log.ts';
import { ALLOCATORS_MAX, OUTSIDE_ALLOCATOR } from '../../src/protocol/ids.ts';
import { EARLY_DELIVERY_MS } from '../../src/runtime/early-deliveries.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

const list = defineActor(FIXTURES, 'list', {
  state: () => ({ got: [] as number[] }),
  messages: { add: message<number>(), got: request<void, number[]>() },
  receive: {
    add: (s, n) => {
      s.got.push(n);
    },
    got: (s) => s.got,
  },
});

const start = (journal: MemoryJournal, incarnation = 0): Promise<World> =>
  new World({ list }, { journal, incarnation, limits: { passivateAfterMs: 50 } }).start();

const idOf = (count: number): number => count * ALLOCATORS_MAX + OUTSIDE_ALLOCATOR;
const options = resolveSpawnOptions({ durable: true });
const spawn = (id: number): Outgoing => ({
  shard: 0,
  entry: {
    kind: 'spawn',
    actor: { id, name: `n${id}`, module: FIXTURES, export: 'list', init: null, parent: null, options },
  },
});
const add = (to: number, body: number): Outgoing => ({
  shard: 0,
  entry: { kind: 'mail', mail: { to, from: null, type: 'add', body } },
});
const got = (world: World, id: number): Promise<unknown> => world.ask({ shard: 0, id, name: `n${id}` }, 'got');

describe('mail that the journal delivers before the spawn of its actor', () => {
  test('D1 waits, in order, although an actor with a later id is there already', async () => {
    const journal = new MemoryJournal(1);
    const world = await start(journal);
    await journal.deliver([spawn(idOf(2))]);
    await world.clock.settle();
    await journal.deliver([add(idOf(1), 1), add(idOf(1), 2)]);
    await world.clock.advance(EARLY_DELIVERY_MS - 1_000);
    await journal.deliver([add(idOf(1), 3)]);
    await world.clock.settle();
    expect(world.shards[0]?.deadLetters()).toEqual([]);
    expect(journal.pending).toBe(3);
    await journal.deliver([spawn(idOf(1)), add(idOf(1), 4)]);
    await world.clock.settle();
    expect(await got(world, idOf(1))).toEqual([1, 2, 3, 4]);
    await world.clock.advance(2 * EARLY_DELIVERY_MS);
    expect(await got(world, idOf(1))).toEqual([1, 2, 3, 4]);
    expect(world.shards[0]?.deadLetters()).toEqual([]);
    expect(journal.pending).toBe(0);
  });

  test('D1 D2 is there once when a crash comes in between, also among passive actors', async () => {
    const journal = new MemoryJournal(1);
    const world = await start(journal);
    await journal.deliver([spawn(idOf(3))]);
    await world.clock.advance(1_000);
    await journal.deliver([add(idOf(1), 1)]);
    await world.clock.settle();
    journal.crash();
    const next = await start(journal, 1);
    await next.clock.advance(1_000);
    await journal.deliver([spawn(idOf(1))]);
    await next.clock.settle();
    expect(await got(next, idOf(1))).toEqual([1]);
    expect(next.shards[0]?.deadLetters()).toEqual([]);
  });

  test('A4 becomes a dead letter when its actor does not come in time', async () => {
    const journal = new MemoryJournal(1);
    const world = await start(journal);
    await journal.deliver([add(idOf(1), 1), add(idOf(1), 2)]);
    await world.clock.advance(EARLY_DELIVERY_MS + 1);
    expect(world.shards[0]?.deadLetters()).toMatchObject([
      { reason: 'not-found', to: { id: idOf(1) } },
      { reason: 'not-found', to: { id: idOf(1) } },
    ]);
    expect(journal.pending).toBe(0);
  });

  test('A4 becomes a dead letter once, also where the journal is asked for passive actors first', async () => {
    const journal = new MemoryJournal(1);
    const world = await start(journal);
    await journal.deliver([spawn(idOf(3))]);
    await world.clock.advance(1_000);
    await journal.deliver([add(idOf(1), 1)]);
    await world.clock.advance(2 * EARLY_DELIVERY_MS);
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'not-found', to: { id: idOf(1) } }]);
    expect(journal.pending).toBe(0);
  });

  test('that of an actor which has stopped is not waited for', async () => {
    const journal = new MemoryJournal(1);
    const world = await start(journal);
    await journal.deliver([spawn(idOf(1))]);
    await world.clock.settle();
    world.stop({ shard: 0, id: idOf(1), name: '' });
    await world.clock.settle();
    await journal.deliver([add(idOf(1), 1)]);
    await world.clock.settle();
    expect(world.shards[0]?.deadLetters()).toHaveLength(1);
    expect(journal.pending).toBe(0);
  });
});
