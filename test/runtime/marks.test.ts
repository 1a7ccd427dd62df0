/** What a mark must not pass, in the moments in which it might (S2). */
import { beforeEach, describe, expect, test } from 'vitest';
import { defineActor, message, request, resolveSpawnOptions, type ActorRef } from '../../src/actor/index.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

/** What handlers wait for, and what they did outside. */
let gates: PromiseWithResolvers<void>[] = [];
let calls = 0;

const gate = (number: number): Promise<void> => gates[number]?.promise ?? Promise.resolve();

const worker = defineActor(FIXTURES, 'worker', {
  state: () => ({ total: 0 }),
  messages: { add: message<number>(), nothing: request(), wait: message(), total: request<void, number>() },
  receive: {
    add: (s, n) => {
      s.total += n;
    },
    /** Changes nothing, so that its turn writes nothing. */
    nothing: () => gate(0),
    wait: async (s) => {
      await gate(0);
      s.total += 1;
    },
    total: (s) => s.total,
  },
});

/** Ends a step and acts outside at once, without waiting for the one before the other. */
const hasty = defineActor(FIXTURES, 'hasty', {
  state: () => ({ steps: 0 }),
  messages: { hurry: message() },
  receiveBatch: async (s, _batch, ctx) => {
    await gate(0);
    s.steps += 1;
    const first = s.steps === 1 ? ctx.endStep() : undefined;
    const second = ctx.effect('call', () => {
      calls += 1;
      return calls;
    });
    await first;
    await second;
    await gate(1);
  },
});

const AFTER_MS = 50;
const OPTIONS = { durable: true, shard: 0 };

const start = async (journal: MemoryJournal, limits: Partial<ShardLimits>, incarnation = 0): Promise<World> =>
  new World({ worker, hasty }, { journal, incarnation, limits }).start();

/** Tells each of `refs`, one commit each, until checkpoints have followed. */
const busy = async (world: World, refs: readonly ActorRef[], rounds: number): Promise<void> => {
  for (let round = 0; round < rounds; round += 1) {
    for (const ref of refs) world.tell(ref, 'add', 1);
    await world.clock.settle();
  }
};

beforeEach(() => {
  gates = [];
  calls = 0;
});

describe('the mark of a shard does not pass', () => {
  test('D1 a spawn that waits for the journal to say whether its actor is passive', async () => {
    const journal = new MemoryJournal();
    const limits = { passivateAfterMs: AFTER_MS, checkpointEntries: 4 };
    const world = await start(journal, limits);
    const idle = await world.spawn(worker, undefined, OPTIONS);
    await world.clock.advance(10 * AFTER_MS);
    expect(world.counters[0]?.read()).toMatchObject({ resident: 0, passive: 1 });
    const other = await world.spawn(worker, undefined, OPTIONS);
    const answer = Promise.withResolvers<void>();
    journal.loadGate = answer.promise;
    // Ids of several allocators: an id below one that was seen may be new.
    const id = idle.id - 256;
    const options = resolveSpawnOptions(OPTIONS);
    const record = { id, name: String(id), module: FIXTURES, export: 'worker', init: null, parent: null, options };
    await journal.deliver([{ shard: 0, entry: { kind: 'spawn', actor: record } }]);
    await busy(world, [other], 12);
    expect(journal.marks.length).toBeGreaterThan(0);
    answer.resolve();
    await world.clock.settle();
    // It is there; nothing has saved it yet.
    expect(world.shards[0]?.snapshots().map((actor) => actor.id)).toContain(id);
    expect(journal.books[0]?.snapshots.has(id)).toBe(false);
    journal.crash();
    const next = await start(journal, limits, 1);
    await next.clock.settle();
    expect(await next.shards[0]?.inspect([id])).toMatchObject([{ id, step: 0 }]);
  });

  test('and goes on once the spawn turns out to be that of an actor that is there already', async () => {
    const journal = new MemoryJournal();
    const limits = { passivateAfterMs: AFTER_MS, checkpointEntries: 4 };
    const world = await start(journal, limits);
    const idle = await world.spawn(worker, undefined, OPTIONS);
    await world.clock.advance(10 * AFTER_MS);
    const other = await world.spawn(worker, undefined, OPTIONS);
    const again = journal.books[0]?.inbox.find((entry) => entry.kind === 'spawn' && entry.actor.id === idle.id);
    await journal.deliver(again === undefined ? [] : [{ shard: 0, entry: again }]);
    const before = journal.books[0]?.inbox.length ?? 0;
    await world.clock.settle();
    await busy(world, [other], 12);
    expect(journal.books[0]?.mark.inbox).toBeGreaterThan(before);
    expect(await world.ask(idle, 'total')).toBe(0);
  });

  test('D3 an effect of the next step that is written before the commit of this one is answered', async () => {
    gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const journal = new MemoryJournal();
    const limits = { passivateAfterMs: Infinity, checkpointEntries: 4 };
    const world = await start(journal, limits);
    const ref = await world.spawn(hasty, undefined, OPTIONS);
    const other = await world.spawn(worker, undefined, OPTIONS);
    world.tell(ref, 'hurry');
    // Its commit is flushed, and answered, when what comes behind it is committed long since.
    const flushed = Promise.withResolvers<void>();
    journal.answer = ({ entries }) =>
      entries.some((entry) => entry.kind === 'step' && entry.actor === ref.id) ? flushed.promise : Promise.resolve();
    // A checkpoint finds it in its turn, and asks for a snapshot with its next commit.
    await busy(world, [other], 6);
    gates[0]?.resolve();
    await world.clock.settle();
    expect(calls).toBe(1);
    flushed.resolve();
    await world.clock.settle();
    await busy(world, [other], 6);
    journal.crash();
    const next = await start(journal, limits, 1);
    gates[1]?.resolve();
    await next.clock.settle();
    expect(calls).toBe(1);
  });
});

describe('a checkpoint that finds an actor in a turn', () => {
  test('does not wait for it for ever when the turn writes nothing', async () => {
    const journal = new MemoryJournal();
    const limits = { passivateAfterMs: Infinity, checkpointEntries: 10 };
    const world = await start(journal, limits);
    const [lazy, slow, other] = (await Promise.all([0, 1, 2].map(() => world.spawn(worker, undefined, OPTIONS)))) as [
      ActorRef,
      ActorRef,
      ActorRef,
    ];
    gates = [Promise.withResolvers<void>()];
    await busy(world, [lazy, slow], 1);
    void world.askSoon(lazy, 'nothing', undefined, 1_000_000);
    await busy(world, [other], 12);
    gates[0]?.resolve();
    await world.clock.settle();
    // At rest now, and saved by the next checkpoint.
    await busy(world, [other], 12);
    expect(journal.books[0]?.snapshots.has(lazy.id)).toBe(true);
    gates = [Promise.withResolvers<void>()];
    const saved = (): number | undefined => journal.books[0]?.snapshots.get(slow.id)?.step;
    const done = (): number | undefined => world.shards[0]?.snapshots().find(({ id }) => id === slow.id)?.step;
    // So that the next checkpoint has something to save of it.
    for (let step = 0; step < 3 && saved() === done(); step += 1) await busy(world, [slow], 1);
    expect(saved()).toBeLessThan(done() ?? 0);
    world.tell(slow, 'wait');
    await busy(world, [other], 12);
    const before = journal.marks.length;
    gates[0]?.resolve();
    await world.clock.settle();
    // The last that was waited for: the mark moves with its commit.
    expect(journal.marks.length).toBeGreaterThan(before);
  });
});
