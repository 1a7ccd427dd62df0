/** Ids of actors over many lives of a shard: never twice, and within what the keys of a journal hold. */
import { expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { POSITIONS_MAX } from '../../src/journal/lmdb-tables.ts';
import { ALLOCATORS_MAX, IdAllocator, MAIN_ALLOCATOR, OUTSIDE_ALLOCATOR, SHARDS_MAX } from '../../src/protocol/ids.ts';
import { CounterRow, createCounterMemory } from '../../src/telemetry/index.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

/** Hires, and says whom it has hired. */
const head = defineActor(FIXTURES, 'head', {
  state: () => ({ hired: [] as number[] }),
  messages: { hire: message<boolean>(), hired: request<void, number[]>() },
  receive: {
    hire: (state, durable, ctx) => {
      const child: ActorRef = ctx.spawn(head, undefined, { durable, shard: 0 });
      state.hired.push(child.id);
    },
    hired: (state) => state.hired,
  },
});

test('N1 with the most shards that there may be, no two allocators hand out the same ids', () => {
  const shards = Array.from({ length: SHARDS_MAX }, (_, shard) => shard);
  const ids = [...shards, MAIN_ALLOCATOR, OUTSIDE_ALLOCATOR].map((allocator) => new IdAllocator(allocator).next());
  expect(new Set(ids).size).toBe(SHARDS_MAX + 2);
});

const LIVES = 20;

test('N1 no id comes twice, however often the thread of a shard ends, and all fit into the keys of the journal', async () => {
  const world = await new World({ head }, { journal: new MemoryJournal(1) }).start();
  const boss = await world.spawn(head, undefined, { durable: true, restart: 'permanent' });
  for (let life = 0; life < LIVES; life += 1) {
    world.tell(boss, 'hire', true);
    world.tell(boss, 'hire', false);
    await world.clock.settle();
    await world.restart(0);
    await world.clock.settle();
  }
  const hired = (await world.ask(boss, 'hired')) as number[];
  expect(hired.length).toBe(2 * LIVES);
  expect(new Set(hired).size).toBe(hired.length);
  expect(hired.toSorted((a, b) => a - b)).toEqual(hired);
  expect(hired.at(-1)).toBeLessThan(POSITIONS_MAX / 2 ** 18);
});

test('N1 ids that were reserved and not handed out are not handed out by the next life', () => {
  const counters = new CounterRow(createCounterMemory(2), 1);
  const next = (count = 0): IdAllocator =>
    new IdAllocator(7, Math.max(count, counters.idsReserved), (upTo) => counters.reserveIds(upTo));
  const first = next();
  const used = Array.from({ length: 10_000 }, () => first.next());
  const later = next().next();
  expect(later).toBeGreaterThan(used.at(-1) ?? 0);
  expect(later % ALLOCATORS_MAX).toBe(7);
  // What the journal knows may be further.
  expect(next(1_000_000).next()).toBe(1_000_001 * ALLOCATORS_MAX + 7);
  // It is no counter of the others.
  expect(Object.values(counters.read()).every((value) => value === 0)).toBe(true);
});
