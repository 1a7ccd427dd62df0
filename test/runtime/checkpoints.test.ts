import { beforeEach, describe, expect, test } from 'vitest';
import type { ActorRef } from '../../src/actor/index.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import { MemoryJournal } from './memory-journal.ts';
import { World } from './one-thread.ts';
import { mood, passiveActors, tally } from './passive-actors.ts';

const STAY: Partial<ShardLimits> = { passivateAfterMs: Infinity, residentMax: Infinity };
const EVERY: Partial<ShardLimits> = { ...STAY, checkpointEntries: 20 };
const DEADLINE_MS = 1_000;

beforeEach(() => {
  mood.wait = null;
  mood.fail = false;
});

interface Given {
  readonly journal: MemoryJournal;
  readonly world: World;
}

const start = async (limits = EVERY, journal = new MemoryJournal(1), incarnation = 0): Promise<Given> => ({
  journal,
  world: await new World(passiveActors, { journal, shards: journal.books.length, limits, incarnation }).start(),
});

const afterCrash = async ({ journal, world }: Given, limits = EVERY): Promise<Given> => {
  await world.clock.settle();
  journal.crash();
  const next = await start(limits, journal, 1);
  await next.world.clock.settle();
  return next;
};

const cleanStop = async ({ world, journal }: Given, deadlineMs = DEADLINE_MS): Promise<void> => {
  for (const shard of world.shards) {
    await shard.drain(deadlineMs);
    const closed = shard.close();
    await world.clock.settle();
    await world.clock.advance(deadlineMs);
    await closed;
  }
  journal.crash();
};

const several = async (world: World, count: number): Promise<ActorRef[]> => {
  const refs: ActorRef[] = [];
  for (let index = 0; index < count; index += 1) refs.push(await world.spawn(tally, 0, { durable: true }));
  return refs;
};

/** Tells everybody, one commit each. */
const round = async (world: World, refs: readonly ActorRef[], amount: number): Promise<void> => {
  for (const ref of refs) world.tell(ref, 'add', amount);
  await world.clock.settle();
};

const totals = async (world: World, refs: readonly ActorRef[]): Promise<unknown[]> => {
  const answers = refs.map((ref) => world.askSoon(ref, 'total'));
  await world.clock.settle();
  return Promise.all(answers);
};

describe('a checkpoint', () => {
  test('after so many entries, moves the mark, so that an opening reads only what came after (J6)', async () => {
    const given = await start();
    const refs = await several(given.world, 4);
    for (const amount of [1, 2, 3, 4]) await round(given.world, refs, amount);
    const [book] = given.journal.books;
    expect(book?.mark).toEqual({ log: 16, inbox: 20 });
    expect(book?.snapshots.size).toBe(4);
    const [first, second] = refs as [ActorRef, ActorRef];
    // What nobody touches after the last mark is not read at the next opening.
    for (let more = 0; more < 2; more += 1) await round(given.world, [first, second], 10);
    const next = await afterCrash(given, STAY);
    expect(next.world.counters[0]?.read()).toMatchObject({ resident: 2, passive: 2 });
    expect(await totals(next.world, refs)).toEqual([30, 30, 10, 10]);
    expect(next.journal.pending).toBe(0);
  });

  test('moves the mark on its way, so that a crash loses a part of it only (S2, J6)', async () => {
    // A slice of no time holds one actor.
    const given = await start({ ...STAY, checkpointEntries: 40, sliceMs: 0 });
    const refs = await several(given.world, 20);
    await round(given.world, refs, 1);
    for (let turn = 0; turn < 100 && (given.journal.books[0]?.mark.log ?? 0) < 20; turn += 1) {
      await given.world.clock.settle();
    }
    expect(given.journal.marks.map(({ log }) => log)).toEqual([8, 16, 20]);
    expect(given.journal.marks.map(({ inbox }) => inbox)).toEqual([8, 16, 40]);
    const next = await afterCrash(given, STAY);
    expect(next.world.counters[0]?.read()).toMatchObject({ resident: 0, passive: 20 });
    expect(await totals(next.world, refs)).toEqual(refs.map(() => 1));
  });

  test('has those that have not made a step, so that their spawns do not hold the mark back (S2)', async () => {
    const given = await start();
    const [busy, ...still] = await several(given.world, 4);
    for (let more = 0; more < 20; more += 1) await round(given.world, [busy as ActorRef], 1);
    const [book] = given.journal.books;
    for (const { id } of still) expect(book?.snapshots.has(id)).toBe(true);
    expect(book?.mark.inbox).toBeGreaterThan(4);
    const next = await afterCrash(given, STAY);
    expect(next.world.counters[0]?.read()).toMatchObject({ resident: 1, passive: 3 });
    expect(await totals(next.world, [busy as ActorRef, ...still])).toEqual([20, 0, 0, 0]);
  });

  test('by bytes of states as well', async () => {
    const given = await start({ ...STAY, checkpointEntries: 1_000_000, checkpointBytes: 100 });
    const refs = await several(given.world, 3);
    for (const amount of [1, 2, 3]) await round(given.world, refs, amount);
    expect(given.journal.marks.length).toBeGreaterThan(0);
  });

  test('one in a turn is saved with its next commit, and holds the mark back until then (S2)', async () => {
    const given = await start();
    const [busy, ...others] = await several(given.world, 4);
    const gate = Promise.withResolvers<void>();
    mood.wait = gate.promise;
    given.world.tell(busy as ActorRef, 'slow', 1);
    await given.world.clock.settle();
    const began = given.journal.entries.findIndex((entry) => entry.kind === 'begin');
    for (let more = 0; more < 12; more += 1) await round(given.world, others, 1);
    const [book] = given.journal.books;
    expect(given.journal.marks.length).toBeGreaterThan(0);
    expect(book?.mark.log).toBeLessThanOrEqual(began);
    expect(book?.snapshots.has((busy as ActorRef).id)).toBe(false);
    gate.resolve();
    await given.world.clock.settle();
    expect(book?.snapshots.has((busy as ActorRef).id)).toBe(true);
    expect(book?.mark.log).toBeGreaterThan(began);
    const next = await afterCrash(given, STAY);
    expect(await totals(next.world, [busy as ActorRef, ...others])).toEqual([1, 12, 12, 12]);
  });

  test('a crash in the middle of a step after a mark finds the step and its mail (D1, D3)', async () => {
    const given = await start();
    const refs = await several(given.world, 4);
    for (let more = 0; more < 8; more += 1) await round(given.world, refs, 1);
    expect(given.journal.marks.length).toBeGreaterThan(0);
    mood.wait = new Promise(() => undefined);
    given.world.tell(refs[0] as ActorRef, 'slow', 100);
    given.world.tell(refs[1] as ActorRef, 'add', 1);
    await given.world.clock.settle();
    mood.wait = null;
    const next = await afterCrash(given);
    expect(await totals(next.world, refs)).toEqual([108, 9, 8, 8]);
    expect(next.journal.pending).toBe(0);
  });

  test('what an opening found beyond a snapshot is saved before the mark passes it (S2)', async () => {
    let given = await start();
    const refs = await several(given.world, 2);
    const [still, busy] = refs as [ActorRef, ActorRef];
    await round(given.world, [still, busy], 1);
    given = await afterCrash(given);
    for (let more = 0; more < 22; more += 1) await round(given.world, [busy], 1);
    expect(given.journal.books[0]?.mark.log).toBeGreaterThan(2);
    given = await afterCrash(given, STAY);
    expect(given.world.counters[0]?.read()).toMatchObject({ passive: 1 });
    expect(await totals(given.world, refs)).toEqual([1, 23]);
  });

  test('J6 an actor of a long history comes back with it, from the log and from a snapshot', async () => {
    const count = 200_000;
    let given = await start(STAY);
    const [ref] = (await several(given.world, 1)) as [ActorRef];
    given.world.tell(ref, 'chronicle', count);
    given = await afterCrash(given, STAY);
    expect(given.world.failures).toEqual([]);
    expect(await given.world.ask(ref, 'notes')).toHaveLength(count);
    await cleanStop(given);
    given = await start(STAY, given.journal, 2);
    expect(given.world.counters[0]?.read()).toMatchObject({ passive: 1 });
    expect(await given.world.ask(ref, 'notes')).toHaveLength(count);
  });

  test.each(['lost', 'unanswered'] as const)('a crash that makes it %s costs nothing (J6)', async (fate) => {
    const given = await start();
    given.journal.snapshotFate = () => fate;
    const refs = await several(given.world, 6);
    for (const amount of [1, 2, 3, 4]) await round(given.world, refs, amount);
    const next = await afterCrash(given);
    expect(await totals(next.world, refs)).toEqual(refs.map(() => 10));
    for (const amount of [5, 6, 7, 8]) await round(next.world, refs, amount);
    const last = await afterCrash(next);
    expect(await totals(last.world, refs)).toEqual(refs.map(() => 36));
  });

  test('a journal that refuses it stops the shard, as it does with an append', async () => {
    const given = await start();
    given.journal.snapshotFate = () => 'fails';
    const refs = await several(given.world, 6);
    for (const amount of [1, 2, 3, 4]) await round(given.world, refs, amount);
    expect(given.world.failures).toMatchObject([{ code: 'DISK' }]);
  });
});

describe('a clean stop', () => {
  test('saves everybody, so that the next opening reads nobody', async () => {
    const given = await start(STAY);
    const refs = await several(given.world, 5);
    await round(given.world, refs, 3);
    await cleanStop(given);
    const next = await start(STAY, given.journal, 1);
    expect(next.world.counters[0]?.read()).toMatchObject({ resident: 0, passive: 5 });
    expect(await totals(next.world, refs)).toEqual([3, 3, 3, 3, 3]);
  });

  test('gives up at its deadline', async () => {
    const given = await start(STAY);
    const refs = await several(given.world, 2);
    await round(given.world, refs, 3);
    given.journal.gate = new Promise(() => undefined);
    await cleanStop(given);
    given.journal.gate = Promise.resolve();
    expect(await totals((await start(STAY, given.journal, 1)).world, refs)).toEqual([3, 3]);
  });
});
