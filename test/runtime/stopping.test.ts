import { beforeEach, describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import type { InboxEntry } from '../../src/journal/shard-log.ts';
import { Worlds } from './crashes.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, type World } from './one-thread.ts';

/** What the end of an actor waits for. */
let stopping: Promise<void> = Promise.resolve();

const keeper = defineActor(FIXTURES, 'keeper', {
  state: (start: number) => ({ total: start, heard: [] as string[] }),
  messages: {
    add: message<number>(),
    total: request<void, number>(),
    heard: request<void, string[]>(),
    hire: request<{ name: string; durable: boolean }, ActorRef>(),
  },
  receive: {
    add: (s, n) => {
      s.total += n;
    },
    total: (s) => s.total,
    heard: (s) => s.heard,
    hire: (_s, { name, durable }, ctx): ActorRef => ctx.spawn(keeper, 0, { name, durable }),
  },
  onStop: () => stopping,
  onChildFailed: (s, child, reason) => {
    s.heard.push(`${child.id} ${reason}`);
  },
});

let journal: MemoryJournal;
let worlds: Worlds;
let world: World;

const deliver = async (entry: InboxEntry): Promise<void> => {
  await journal.deliver([{ shard: 0, entry }]);
  await world.clock.settle();
};
const add = (to: ActorRef, body: number): Promise<void> =>
  deliver({ kind: 'mail', mail: { to: to.id, from: null, type: 'add', body } });
const drops = (): readonly unknown[] => journal.entries.filter(({ kind }) => kind === 'drop');

beforeEach(async () => {
  stopping = Promise.resolve();
  journal = new MemoryJournal();
  worlds = new Worlds({ keeper }, journal);
  world = await worlds.start();
});

describe('mail for a durable actor that is about to stop', () => {
  /** Stops, but for what its `onStop` waits for. */
  const begin = async (): Promise<{ ref: ActorRef; stop: () => Promise<void> }> => {
    const ref = await world.spawn(keeper, 1, { name: 'k', durable: true });
    const gate = Promise.withResolvers<void>();
    stopping = gate.promise;
    world.stop(ref);
    await world.clock.settle();
    const stop = async (): Promise<void> => {
      gate.resolve();
      await world.clock.settle();
    };
    return { ref, stop };
  };

  test('D1 is consumed with the stop, not before: a crash in between loses none', async () => {
    const { ref } = await begin();
    await add(ref, 5);
    expect(drops()).toEqual([]);
    world = await worlds.restart(world);
    expect(await world.ask(ref, 'total')).toBe(6);
    expect(journal.pending).toBe(0);
  });

  test('D1 is a dead letter when the stop is recorded, in one commit with it', async () => {
    const { ref, stop } = await begin();
    await add(ref, 5);
    await add(ref, 6);
    await stop();
    expect(drops()).toMatchObject([{ actor: ref.id, stopped: true, taken: [1, 2] }]);
    expect(world.shards[0]?.deadLetters()).toMatchObject([
      { reason: 'stopped', body: 5 },
      { reason: 'stopped', body: 6 },
    ]);
    expect(journal.pending).toBe(0);
    await add(ref, 7);
    expect(journal.pending).toBe(0);
  });

  test('D1 a journaled wish that it stops is not lost to an earlier one that was not', async () => {
    const { ref } = await begin();
    await deliver({ kind: 'signal', to: ref.id, from: ref, signal: { kind: 'stop', reason: 'again' } });
    stopping = Promise.resolve();
    world = await worlds.restart(world);
    expect(await world.shards[0]?.lookup('k')).toBeNull();
    expect(journal.pending).toBe(0);
  });

  test('D1 a failure that it cannot hear of goes on to the next one above with the stop, once', async () => {
    const above = await world.spawn(keeper, 0, { name: 'above', durable: true });
    const { ref, stop } = await begin();
    const signal = { kind: 'child-failed', reason: 'broke', up: [{ shard: 0, id: above.id }] };
    await deliver({ kind: 'signal', to: ref.id, from: { shard: 0, id: 9_999 }, signal });
    expect(await world.ask(above, 'heard')).toEqual([]);
    await stop();
    expect(await world.ask(above, 'heard')).toEqual(['9999 broke']);
    expect(journal.pending).toBe(0);
  });
});

describe('a spawn that the journal holds twice', () => {
  const spawned = (): InboxEntry => journal.books[0]?.inbox.find(({ kind }) => kind === 'spawn') as InboxEntry;

  test('N1 does not start again who has stopped', async () => {
    const ref = await world.spawn(keeper, 1, { name: 'k', durable: true });
    world.stop(ref);
    await world.clock.settle();
    await deliver(spawned());
    expect(await world.shards[0]?.lookup('k')).toBeNull();
    world = await worlds.restart(world);
    expect(await world.shards[0]?.lookup('k')).toBeNull();
  });

  test('N1 nor who has stopped before the shard was opened', async () => {
    const ref = await world.spawn(keeper, 1, { name: 'k', durable: true });
    world.stop(ref);
    world = await worlds.restart(world);
    await deliver(spawned());
    expect(await world.shards[0]?.lookup('k')).toBeNull();
  });

  test('N1 nor anew who is there', async () => {
    const ref = await world.spawn(keeper, 1, { name: 'k', durable: true });
    await add(ref, 5);
    await deliver(spawned());
    expect(await world.ask(ref, 'total')).toBe(6);
  });
});
