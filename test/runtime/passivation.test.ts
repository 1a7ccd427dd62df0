import { beforeEach, describe, expect, test } from 'vitest';
import type { ActorRef, SpawnOptions } from '../../src/actor/index.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import { EARLY_MAIL_MS } from '../../src/runtime/early-mail.ts';
import { MemoryJournal } from './memory-journal.ts';
import { World } from './one-thread.ts';
import { mood, passiveActors, tally } from './passive-actors.ts';

const AFTER_MS = 1_000;
const NEVER: Partial<ShardLimits> = { passivateAfterMs: Infinity, residentMax: Infinity };

beforeEach(() => {
  mood.wait = null;
  mood.fail = false;
});

interface Given {
  readonly journal: MemoryJournal;
  readonly world: World;
}

const start = async (limits: Partial<ShardLimits> = { passivateAfterMs: AFTER_MS }, shards = 1): Promise<Given> => {
  const journal = new MemoryJournal(shards);
  return { journal, world: await new World(passiveActors, { journal, shards, limits }).start() };
};

const again = async ({ journal, world }: Given, limits: Partial<ShardLimits> = NEVER): Promise<Given> => {
  await world.clock.settle();
  journal.crash();
  const next = new World(passiveActors, { journal, shards: journal.books.length, limits, incarnation: 1 });
  await next.start();
  await next.clock.settle();
  return { journal, world: next };
};

const durable = (world: World, options: SpawnOptions = {}): Promise<ActorRef> =>
  world.spawn(tally, 0, { durable: true, ...options });

/** Long enough for the sweep after the idle time. */
const idle = (world: World): Promise<void> => world.clock.advance(AFTER_MS * 2);

const levels = ({ world }: Given): { resident: number; passive: number } => {
  const rows = world.counters.map((row) => row.read());
  const sum = (name: 'resident' | 'passive'): number => rows.reduce((total, row) => total + row[name], 0);
  return { resident: sum('resident'), passive: sum('passive') };
};

const statusOf = async (world: World, ref: ActorRef): Promise<string | undefined> =>
  (await world.shards[ref.shard]?.inspect([ref.id]))?.[0]?.status;

describe('an idle durable actor', () => {
  test('leaves the memory and comes back the same: state, step, history, name (D1)', async () => {
    const given = await start();
    const { world } = given;
    const ref = await durable(world, { name: 'a' });
    for (const n of [1, 2, 3]) world.tell(ref, 'add', n);
    await world.ask(ref, 'total');
    world.tell(ref, 'note', 'first');
    await world.clock.settle();
    const step = await world.ask(ref, 'step');
    await idle(world);
    expect(levels(given)).toEqual({ resident: 0, passive: 1 });
    expect(world.shards[0]?.snapshots()).toEqual([]);
    expect(await world.shards[0]?.lookup('a')).toMatchObject({ ref, durable: true });
    expect(levels(given).resident).toBe(0);

    expect(await world.ask(ref, 'seen')).toEqual([1, 2, 3]);
    expect(await world.ask(ref, 'notes')).toEqual(['first']);
    expect(await world.ask(ref, 'step')).toBe(step);
    expect(levels(given)).toEqual({ resident: 1, passive: 0 });
    world.tell(ref, 'note', 'second');
    await idle(world);
    expect(await world.ask(ref, 'notes')).toEqual(['first', 'second']);
    const { world: next } = await again(given);
    expect(await next.ask(ref, 'notes')).toEqual(['first', 'second']);
  });

  test('nothing is written for one that has not changed since its snapshot', async () => {
    const given = await start();
    const ref = await durable(given.world);
    given.world.tell(ref, 'add', 1);
    await idle(given.world);
    const written = given.journal.snapshots.length;
    expect(await given.world.ask(ref, 'total')).toBe(1);
    await idle(given.world);
    expect(levels(given)).toEqual({ resident: 0, passive: 1 });
    expect(given.journal.snapshots).toHaveLength(written);
  });

  test('many leave with one call to the journal, and come back with one', async () => {
    const given = await start();
    const refs: ActorRef[] = [];
    for (let index = 0; index < 40; index += 1) refs.push(await durable(given.world));
    await idle(given.world);
    expect(levels(given)).toEqual({ resident: 0, passive: 40 });
    expect(given.journal.snapshots).toHaveLength(1);
    const totals = refs.map((ref) => given.world.askSoon(ref, 'total'));
    await given.world.clock.settle();
    expect(await Promise.all(totals)).toEqual(refs.map(() => 0));
    expect(given.journal.loaded).toHaveLength(1);
  });

  test('0 and Infinity keep it; its own option goes before that of the system', async () => {
    const given = await start();
    const kept = [
      await durable(given.world, { passivateAfterMs: 0 }),
      await durable(given.world, { passivateAfterMs: Infinity }),
    ];
    const late = await durable(given.world, { passivateAfterMs: AFTER_MS * 10 });
    await idle(given.world);
    expect(levels(given)).toEqual({ resident: 3, passive: 0 });
    await given.world.clock.advance(AFTER_MS * 20);
    expect(await statusOf(given.world, late)).toBe('passive');
    for (const ref of kept) expect(await statusOf(given.world, ref)).toBe('idle');

    const off = await start({ ...NEVER });
    const soon = await durable(off.world, { passivateAfterMs: 50 });
    const stays = await durable(off.world);
    await off.world.clock.advance(500);
    expect([await statusOf(off.world, soon), await statusOf(off.world, stays)]).toEqual(['passive', 'idle']);
  });

  test.each([
    ['a watcher', async (world: World, ref: ActorRef) => world.watch(ref)],
    [
      'somebody it watches',
      async (world: World, ref: ActorRef) => {
        world.tell(ref, 'watch', await world.spawn(tally, 0));
      },
    ],
    ['a stashed message', async (world: World, ref: ActorRef) => void world.tell(ref, 'keep')],
    [
      'an ephemeral child',
      async (world: World, ref: ActorRef) => void (await world.ask(ref, 'hire', { durable: false })),
    ],
  ])('stays for %s', async (_what, attach) => {
    const given = await start();
    const ref = await durable(given.world);
    await attach(given.world, ref);
    await idle(given.world);
    expect(await statusOf(given.world, ref)).toBe('idle');
  });

  test('stays while its restarts of late count', async () => {
    const given = await start();
    const ref = await durable(given.world, {
      restart: 'transient',
      intensity: { max: 2, withinMs: AFTER_MS * 10 },
      backoff: { minMs: 10, maxMs: 10 },
    });
    mood.fail = true;
    given.world.tell(ref, 'fail');
    await given.world.clock.settle();
    mood.fail = false;
    await idle(given.world);
    expect(await statusOf(given.world, ref)).toBe('idle');
    await given.world.clock.advance(AFTER_MS * 12);
    expect(await statusOf(given.world, ref)).toBe('passive');
  });
});

describe('whatever is sent to a passive actor brings it back', () => {
  const passive = async (shards = 1): Promise<Given & { ref: ActorRef }> => {
    const given = await start(undefined, shards);
    const ref = await durable(given.world, { name: 'p', shard: 0 });
    given.world.tell(ref, 'add', 5);
    await idle(given.world);
    expect(await statusOf(given.world, ref)).toBe('passive');
    return { ...given, ref };
  };

  test('tells and asks, in the order they were sent (A2)', async () => {
    const { world, ref, journal } = await passive();
    for (const n of [1, 2, 3]) world.tell(ref, 'add', n);
    const seen = world.askSoon(ref, 'seen');
    world.tell(ref, 'add', 4);
    await world.clock.settle();
    expect(await seen).toEqual([5, 1, 2, 3]);
    expect(await world.ask(ref, 'seen')).toEqual([5, 1, 2, 3, 4]);
    expect(journal.pending).toBe(0);
  });

  test('mail of another durable actor, through the journal', async () => {
    const { world, ref, journal } = await passive(2);
    const from = await durable(world, { shard: 1 });
    world.tell(from, 'pass', { to: ref, by: 7 });
    await world.clock.settle();
    expect(await world.ask(ref, 'total')).toBe(12);
    expect(journal.pending).toBe(0);
  });

  test('a watch: told at once when it stops', async () => {
    const { world, ref } = await passive();
    world.watch(ref);
    await world.clock.settle();
    expect(world.mainSignals).toEqual([]);
    world.tell(ref, 'quit');
    await world.clock.settle();
    expect(world.mainSignals).toMatchObject([{ from: { id: ref.id }, signal: { kind: 'terminated' } }]);
  });

  test('a stop, from outside and through the journal', async () => {
    const given = await passive();
    given.world.stop(given.ref);
    await given.world.clock.settle();
    expect(levels(given)).toEqual({ resident: 0, passive: 0 });
    expect(await given.world.shards[0]?.lookup('p')).toBeNull();

    const boss = await durable(given.world);
    const child = (await given.world.ask(boss, 'hire', { durable: true })) as ActorRef;
    await given.world.clock.advance(AFTER_MS / 2);
    await idle(given.world);
    given.world.tell(boss, 'fire', child);
    await given.world.clock.settle();
    expect(await given.world.shards[0]?.inspect([child.id])).toEqual([]);
    await idle(given.world);
    expect(given.journal.pending).toBe(0);
    expect((await given.world.shards[0]?.inspect([boss.id]))?.[0]).toMatchObject({ status: 'passive', children: 0 });
  });

  test('inspection does not: it sees a passive actor as it is', async () => {
    const { world, ref } = await passive();
    expect(await world.shards[0]?.inspect([ref.id, 77])).toMatchObject([
      { name: 'p', status: 'passive', state: { total: 5 }, durable: true, hold: null },
    ]);
    expect(await statusOf(world, ref)).toBe('passive');
  });

  test('a name stays taken, and a second spawn of the same id is ignored (N1, N2)', async () => {
    const { world, ref } = await passive();
    await expect(durable(world, { name: 'p', shard: 0 })).rejects.toMatchObject({ code: 'ACTOR_NAME_TAKEN' });
    await expect(world.spawn(tally, 0, { name: 'p', shard: 0 })).rejects.toMatchObject({ code: 'ACTOR_NAME_TAKEN' });
    expect(await durable(world, { name: 'p', shard: 0, id: ref.id })).toMatchObject({ id: ref.id });
    expect(await world.ask(ref, 'total')).toBe(5);
    world.stop(ref);
    await world.clock.settle();
    expect(await durable(world, { name: 'p', shard: 0 })).toMatchObject({ name: 'p' });
  });

  test('two spawns of one name at once: one of them is refused, and mail reaches the other in order', async () => {
    const { world } = await passive();
    const [first, second] = [durable(world, { name: 'q' }), durable(world, { name: 'q' })];
    const settled = await Promise.allSettled([first, second]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await world.ask(await first, 'total')).toBe(0);
  });

  test('an id that nobody has is a dead letter, after the journal was asked', async () => {
    const { world, ref } = await passive();
    const nobody = { shard: 0, id: ref.id - 256, name: 'nobody' };
    world.tell(nobody, 'add', 1);
    const asked = world.askSoon(nobody, 'total');
    await world.clock.advance(EARLY_MAIL_MS * 3);
    await expect(asked).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    expect(world.shards[0]?.deadLetters().map(({ reason }) => reason)).toEqual(['not-found', 'not-found']);
  });

  test('mail that overtakes a spawn reaches the new actor while others are passive (A3)', async () => {
    const { world, ref } = await passive();
    const soon = { shard: 0, id: ref.id + 256, name: 'soon' };
    world.tell(soon, 'add', 9);
    await world.clock.settle();
    expect(await durable(world)).toMatchObject({ id: soon.id });
    expect(await world.ask(soon, 'total')).toBe(9);
  });

  test('the hook for whoever needs an actor by its id', async () => {
    const given = await passive();
    expect(await given.world.shards[0]?.activate(given.ref.id + 1)).toBe(false);
    expect(levels(given)).toEqual({ resident: 0, passive: 1 });
    const found = given.world.shards[0]?.activate(given.ref.id);
    await given.world.clock.settle();
    expect(await found).toBe(true);
    expect(levels(given)).toEqual({ resident: 1, passive: 0 });
  });
});

describe('hand-over without a gap', () => {
  test('mail that comes while the snapshot is being written keeps the actor (A2, D1, D2)', async () => {
    const given = await start();
    const { world, journal } = given;
    const ref = await durable(world);
    world.tell(ref, 'add', 1);
    await world.clock.settle();
    const gate = Promise.withResolvers<void>();
    journal.gate = gate.promise;
    await idle(world);
    expect(journal.snapshots).toHaveLength(1);
    expect(levels(given)).toEqual({ resident: 1, passive: 0 });
    for (const n of [2, 3]) world.tell(ref, 'add', n);
    const seen = world.askSoon(ref, 'seen');
    await world.clock.settle();
    expect(await seen).toEqual([1, 2, 3]);
    gate.resolve();
    journal.gate = Promise.resolve();
    await world.clock.settle();
    // What its snapshot lacks is written before it leaves.
    expect(levels(given)).toEqual({ resident: 1, passive: 0 });
    await idle(world);
    expect(levels(given)).toEqual({ resident: 0, passive: 1 });
    expect(await world.ask(ref, 'seen')).toEqual([1, 2, 3]);
    expect(journal.pending).toBe(0);
  });

  test('mail that comes while the actor is being loaded waits in line, with what the journal delivers', async () => {
    const given = await start(undefined, 2);
    const { world, journal } = given;
    const ref = await durable(world, { shard: 0 });
    const from = await durable(world, { shard: 1, passivateAfterMs: 0 });
    await idle(world);
    const gate = Promise.withResolvers<void>();
    journal.gate = gate.promise;
    for (const n of [1, 2]) world.tell(ref, 'add', n);
    await world.clock.settle();
    world.tell(from, 'pass', { to: ref, by: 3 });
    await world.clock.settle();
    world.tell(ref, 'add', 4);
    const seen = world.askSoon(ref, 'seen');
    await world.clock.settle();
    gate.resolve();
    journal.gate = Promise.resolve();
    await world.clock.settle();
    await seen;
    const order = (await world.ask(ref, 'seen')) as number[];
    expect(order.filter((n) => n !== 3)).toEqual([1, 2, 4]);
    expect([...order].sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect(journal.loaded.flat().filter((id) => id === ref.id)).toHaveLength(1);
    expect(journal.pending).toBe(0);
  });

  test('A4 of much journaled mail for a passive actor only the positions wait; it is read again, in order', async () => {
    const given = await start(undefined, 2);
    const { world, journal } = given;
    const ref = await durable(world, { shard: 0 });
    await idle(world);
    const gate = Promise.withResolvers<void>();
    journal.gate = gate.promise;
    const count = 18_000;
    const mail = Array.from({ length: count }, (_, body) => ({
      shard: 0,
      entry: { kind: 'mail', mail: { to: ref.id, from: null, type: 'add', body } } as const,
    }));
    await journal.deliver(mail);
    await world.clock.settle();
    expect(journal.reads).toBe(0);
    gate.resolve();
    journal.gate = Promise.resolve();
    await world.clock.settle();
    const seen = world.askSoon(ref, 'seen');
    for (let round = 0; round < 50 && journal.pending > 0; round += 1) await world.clock.settle();
    await world.clock.settle();
    expect(journal.reads).toBeGreaterThan(0);
    expect(await seen).toEqual(mail.map(({ entry }) => entry.mail.body));
    expect(journal.pending).toBe(0);
  });
});

describe('the resident cap', () => {
  test('those that have rested longest leave; busy and attached ones stay', async () => {
    const given = await start({ ...NEVER, residentMax: 3 });
    const refs: ActorRef[] = [];
    for (let index = 0; index < 3; index += 1) refs.push(await durable(given.world));
    const [first, second, third] = refs as [ActorRef, ActorRef, ActorRef];
    given.world.watch(first);
    await given.world.ask(third, 'total');
    await given.world.ask(second, 'total');
    expect(levels(given).passive).toBe(0);
    const fourth = await durable(given.world);
    await given.world.clock.settle();
    const states = await Promise.all([first, second, third, fourth].map((ref) => statusOf(given.world, ref)));
    expect(states).toEqual(['idle', 'idle', 'passive', 'idle']);
  });

  test('a million would not fit either: thousands pass through few places, and all are there in the end', async () => {
    const given = await start({ ...NEVER, residentMax: 10 });
    const refs: ActorRef[] = [];
    for (let index = 0; index < 300; index += 1) refs.push(await durable(given.world));
    for (const [index, ref] of refs.entries()) given.world.tell(ref, 'add', index);
    await given.world.clock.settle();
    const totals = refs.map((ref) => given.world.askSoon(ref, 'total'));
    await given.world.clock.settle();
    expect(await Promise.all(totals)).toEqual(refs.map((_ref, index) => index));
    await given.world.clock.settle();
    expect(levels(given)).toEqual({ resident: 10, passive: 290 });
    expect(given.journal.pending).toBe(0);
  });

  test('D7 a timer that is due fires although there is no place for its actor', async () => {
    const given = await start({ ...NEVER, residentMax: 1 });
    const attached = await durable(given.world);
    given.world.watch(attached);
    const late = await durable(given.world);
    given.world.tell(late, 'later', 1_000);
    await given.world.clock.settle();
    expect(await statusOf(given.world, late)).toBe('passive');
    await given.world.clock.advance(1_100);
    expect(await given.world.ask(late, 'total')).toBe(100);
  });

  test('actors that wait for each other get there although there is one place (A5)', async () => {
    const given = await start({ ...NEVER, residentMax: 1 }, 1);
    const refs = [await durable(given.world), await durable(given.world), await durable(given.world)];
    const [a, b, c] = refs as [ActorRef, ActorRef, ActorRef];
    const gate = Promise.withResolvers<void>();
    mood.wait = gate.promise;
    given.world.tell(a, 'slow', 1);
    await given.world.clock.settle();
    given.world.tell(b, 'pass', { to: c, by: 2 });
    await given.world.clock.settle();
    expect(await given.world.ask(c, 'total')).toBe(2);
    gate.resolve();
    expect(await given.world.ask(a, 'total')).toBe(1);
  });
});

describe('parents and children', () => {
  test('stopping a durable parent stops its passive children, and its own passivity does not matter', async () => {
    const given = await start();
    const boss = await durable(given.world, { name: 'boss' });
    const kids = [
      (await given.world.ask(boss, 'hire', { durable: true })) as ActorRef,
      (await given.world.ask(boss, 'hire', { durable: true, name: 'kid' })) as ActorRef,
    ];
    await idle(given.world);
    expect(levels(given)).toEqual({ resident: 0, passive: 3 });
    given.world.stop(boss);
    await given.world.clock.settle();
    expect(levels(given)).toEqual({ resident: 0, passive: 0 });
    expect(await given.world.shards[0]?.inspect([boss.id, ...kids.map(({ id }) => id)])).toEqual([]);
    const { world: next } = await again(given);
    expect(next.shards[0]?.snapshots()).toEqual([]);
  });

  test('the same after a crash, from snapshots alone', async () => {
    let given = await start();
    const boss = await durable(given.world, { name: 'boss' });
    await given.world.ask(boss, 'hire', { durable: true });
    await idle(given.world);
    given = await again(given, { passivateAfterMs: AFTER_MS });
    // No checkpoint has moved the mark, so all of them are read and leave again.
    await idle(given.world);
    expect(levels(given)).toEqual({ resident: 0, passive: 2 });
    given.world.stop(boss);
    await given.world.clock.settle();
    expect(levels(given)).toEqual({ resident: 0, passive: 0 });
    expect(given.journal.pending).toBe(0);
  });

  test('a child that is not there any more does not hold a stop up', async () => {
    const given = await start();
    const boss = await durable(given.world);
    const kid = (await given.world.ask(boss, 'hire', { durable: true })) as ActorRef;
    const book = given.journal.books[0];
    await idle(given.world);
    const saved = structuredClone(book?.snapshots.get(boss.id));
    given.world.stop(kid);
    await idle(given.world);
    // The parent as it was before it heard of it: a crash may lose that news.
    const next = await again(given, { passivateAfterMs: AFTER_MS });
    await idle(next.world);
    if (saved !== undefined) book?.snapshots.set(boss.id, saved);
    next.world.watch(boss);
    next.world.stop(boss);
    await next.world.clock.advance(EARLY_MAIL_MS * 3);
    expect(next.world.mainSignals).toMatchObject([{ signal: { kind: 'terminated' } }]);
    expect(levels(next)).toEqual({ resident: 0, passive: 0 });
  });
});
