import { describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef, type SpawnOptions } from '../../src/actor/index.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

/** What happened, in order, over all actors of a test. */
let log: string[] = [];
/** Names of actors whose `state` fails. */
let broken = new Set<string>();

const worker = defineActor(FIXTURES, 'worker', {
  state: (name: string) => {
    if (broken.has(name)) throw new Error('broken');
    log.push(`start ${name}`);
    return { name, total: 0 };
  },
  messages: {
    add: message<number>(),
    total: request<void, number>(),
    fail: message(),
    failAsk: request(),
    quit: message(),
    hang: message(),
    hire: request<{ name: string; options: SpawnOptions }, ActorRef>(),
  },
  receive: {
    add: (state, by) => {
      state.total += by;
    },
    total: (state) => state.total,
    fail: () => {
      throw new Error('oh');
    },
    failAsk: () => {
      throw new Error('oh');
    },
    quit: (_state, _body, ctx) => ctx.stop(),
    hang: () => new Promise<void>(() => undefined),
    hire: (_state, { name, options }, ctx): ActorRef => ctx.spawn(worker, name, options),
  },
  onStop: (state) => {
    log.push(`stop ${state.name}`);
  },
});

type Hire = { readonly name: string; readonly options: SpawnOptions };

const supervisor = {
  state: () => ({ failures: [] as string[] }),
  messages: { hire: request<Hire, ActorRef>(), failures: request<void, string[]>(), hang: message() },
  receive: {
    hire: (_state: unknown, { name, options }: Hire, ctx: { spawn: CallableFunction }) =>
      ctx.spawn(worker, name, options) as ActorRef,
    failures: (state: { failures: string[] }) => state.failures,
    hang: () => new Promise<void>(() => undefined),
  },
};

const all = defineActor(FIXTURES, 'all', { ...supervisor, strategy: 'one_for_all' });
const rest = defineActor(FIXTURES, 'rest', { ...supervisor, strategy: 'rest_for_one' });
const one = defineActor(FIXTURES, 'one', { ...supervisor });
const counting = defineActor(FIXTURES, 'counting', { ...supervisor, intensity: { max: 2, withinMs: 1_000 } });
const deciding = defineActor(FIXTURES, 'deciding', {
  ...supervisor,
  strategy: 'one_for_all',
  onChildFailed: (state, child, reason) => {
    state.failures.push(`${child.id} ${reason}`);
  },
});
/** Spawns its children when it starts, as a supervisor of OTP does. */
const starting = defineActor(FIXTURES, 'starting', {
  state: () => {
    log.push('start top');
    return {};
  },
  messages: { fail: message(), touch: message() },
  receive: {
    fail: () => {
      throw new Error('oh');
    },
    touch: () => undefined,
  },
  onStart: (_state, ctx) => {
    if (broken.has('onStart')) throw new Error('broken');
    for (const name of ['a', 'b']) ctx.spawn(worker, name, { name, restart: 'permanent', intensity: NEVER });
  },
});

const NEVER = { max: 0, withinMs: 1_000 };

const definitions: Record<string, unknown> = { worker, all, rest, one, counting, deciding, starting };

const begin = async (shards = 1): Promise<World> => {
  log = [];
  broken = new Set();
  return new World(definitions, { shards, journal: new MemoryJournal(shards) }).start();
};

const hire = async (world: World, boss: ActorRef, name: string, options: SpawnOptions = {}): Promise<ActorRef> =>
  (await world.ask(boss, 'hire', { name, options: { restart: 'transient', shard: 0, ...options } })) as ActorRef;

const logged = (): string[] => log.splice(0);

const statusOf = (world: World, ref: ActorRef): string | undefined =>
  world.shards[ref.shard]?.snapshots().find(({ id }) => id === ref.id)?.status;

describe('strategies', () => {
  test('A8 one_for_all: all stop, the last one first, and start in order, on whatever shard they are', async () => {
    const world = await begin(2);
    const boss = await world.spawn(all, undefined);
    const a = await hire(world, boss, 'a');
    const b = await hire(world, boss, 'b', { shard: 1 });
    const c = await hire(world, boss, 'c');
    logged();
    world.tell(a, 'add', 1);
    world.tell(b, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['stop c', 'stop a', 'start a', 'start b', 'start c']);
    expect(await Promise.all([a, b, c].map((ref) => world.ask(ref, 'total')))).toEqual([0, 0, 0]);
    expect(world.counters.map((row) => row.read().restarts)).toEqual([2, 1]);
  });

  test('A8 rest_for_one: only those started after it', async () => {
    const world = await begin(2);
    const boss = await world.spawn(rest, undefined);
    const a = await hire(world, boss, 'a');
    const b = await hire(world, boss, 'b', { shard: 1 });
    await hire(world, boss, 'c');
    await hire(world, boss, 'd', { shard: 1 });
    world.tell(a, 'add', 1);
    logged();
    world.tell(b, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['stop d', 'stop c', 'start b', 'start c', 'start d']);
    expect(await world.ask(a, 'total')).toBe(1);
  });

  test('A8 a temporary sibling stops and does not start again; one that ends without need of a restart concerns nobody', async () => {
    const world = await begin();
    const boss = await world.spawn(all, undefined);
    const a = await hire(world, boss, 'a');
    const b = await hire(world, boss, 'b', { restart: 'temporary' });
    const c = await hire(world, boss, 'c', { restart: 'temporary' });
    logged();
    world.tell(b, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual([]);
    world.tell(a, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['stop c', 'start a']);
    expect(statusOf(world, c)).toBeUndefined();
  });

  test('A8 a sibling keeps its mail, and a durable one its committed state', async () => {
    const world = await begin();
    const boss = await world.spawn(all, undefined);
    const a = await hire(world, boss, 'a', { backoff: { minMs: 100, maxMs: 100 } });
    const b = await hire(world, boss, 'b');
    const c = await hire(world, boss, 'c', { durable: true });
    for (const ref of [b, c]) world.tell(ref, 'add', 5);
    await world.clock.settle();
    world.tell(a, 'fail');
    await world.clock.settle();
    for (const ref of [b, c]) world.tell(ref, 'add', 1);
    await world.clock.settle();
    expect(world.shards[0]?.snapshots().map(({ name, hold }) => [name, hold])).toEqual([
      [boss.name, null],
      ...[a, b, c].map(({ name }) => [name, 'supervisor']),
    ]);
    await world.clock.advance(51);
    expect(await Promise.all([b, c].map((ref) => world.ask(ref, 'total')))).toEqual([1, 6]);
  });

  test('a sibling whose turn does not end is given up after its stop timeout, and its mail goes on', async () => {
    const world = await begin();
    const boss = await world.spawn(all, undefined);
    const a = await hire(world, boss, 'a');
    const b = await hire(world, boss, 'b', { stopTimeoutMs: 70 });
    const c = await hire(world, boss, 'c', { stopTimeoutMs: 30, durable: true });
    for (const ref of [b, c]) {
      world.tell(ref, 'add', 2);
      await world.clock.settle();
      world.tell(ref, 'hang');
      world.tell(ref, 'add', 3);
    }
    await world.clock.settle();
    world.tell(a, 'fail');
    await world.clock.advance(99);
    expect([statusOf(world, a), statusOf(world, b)]).toEqual(['restarting', 'running']);
    await world.clock.advance(2);
    expect([statusOf(world, a), statusOf(world, b)]).toEqual(['idle', 'idle']);
    expect(await world.ask(b, 'total')).toBe(3);
    // The mail that a durable actor had taken is tried again, as after a failure.
    expect(statusOf(world, c)).toBe('running');
    expect(world.shards[0]?.snapshots().find(({ id }) => id === c.id)?.state).toMatchObject({ total: 2 });
  });

  test('a child that fails while it starts again is counted and the round begins anew', async () => {
    const world = await begin();
    const boss = await world.spawn(all, undefined);
    const a = await hire(world, boss, 'a', { intensity: { max: 3, withinMs: 60_000 } });
    await hire(world, boss, 'b', { intensity: { max: 3, withinMs: 60_000 } });
    logged();
    broken.add('b');
    world.tell(a, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['stop b', 'start a', 'stop a']);
    broken.clear();
    await world.clock.advance(10);
    expect(logged()).toEqual(['start a', 'start b']);
  });
});

describe('intensity and escalation', () => {
  test('A9 one_for_one: each child has its own count, unless the supervisor states one', async () => {
    for (const [definition, left] of [
      [one, 3],
      [counting, 0],
    ] as const) {
      const world = await begin();
      const boss = await world.spawn(definition, undefined);
      const options = { intensity: { max: 2, withinMs: 1_000 } };
      const children = [await hire(world, boss, 'a', options), await hire(world, boss, 'b', options)];
      for (const ref of [...children, children[0] as ActorRef]) {
        world.tell(ref, 'fail');
        await world.clock.settle();
      }
      expect(world.shards[0]?.snapshots()).toHaveLength(left);
    }
  });

  test('A9 past the intensity the supervisor fails: its children stop, the last one first', async () => {
    const world = await begin(2);
    const boss = await world.spawn(all, undefined);
    world.watch(boss);
    const options = { intensity: { max: 1, withinMs: 1_000 } };
    await hire(world, boss, 'a', options);
    const b = await hire(world, boss, 'b', { ...options, shard: 1 });
    await hire(world, boss, 'c', options);
    for (let round = 0; round < 2; round += 1) {
      logged();
      world.tell(b, 'fail');
      await world.clock.settle();
    }
    expect(logged()).toEqual(['stop c', 'stop a']);
    expect(world.mainSignals).toMatchObject([
      { signal: { reason: `child '${b.name}' used up its restarts: ACTOR_FAILED: oh` } },
    ]);
    expect(world.shards.flatMap((shard) => shard.snapshots())).toEqual([]);
  });

  test('A9 who handles failures decides: the child stops, its siblings and its supervisor go on', async () => {
    const world = await begin();
    const boss = await world.spawn(deciding, undefined);
    const a = await hire(world, boss, 'a');
    const b = await hire(world, boss, 'b', { intensity: NEVER });
    world.tell(a, 'add', 1);
    world.tell(b, 'fail');
    await world.clock.settle();
    expect(await world.ask(boss, 'failures')).toEqual([`${b.id} ACTOR_FAILED: oh`]);
    expect(await world.ask(a, 'total')).toBe(1);
  });

  test('A10 a supervisor that starts again spawns its children again', async () => {
    const world = await begin();
    const boss = await world.spawn(starting, undefined, { restart: 'permanent' });
    await world.clock.settle();
    expect(logged()).toEqual(['start top', 'start a', 'start b']);
    const [, a] = world.shards[0]?.snapshots() ?? [];
    world.tell({ shard: 0, id: a?.id ?? 0, name: 'a' }, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['stop b', 'start top', 'start a', 'start b']);
    world.tell(boss, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['stop b', 'stop a', 'start top', 'start a', 'start b']);
  });

  test('a supervisor in a turn that does not end is given up before it fails', async () => {
    const world = await begin();
    const boss = await world.spawn(one, undefined, { restart: 'transient', stopTimeoutMs: 50 });
    const a = await hire(world, boss, 'a', { intensity: NEVER });
    world.tell(boss, 'hang');
    await world.clock.settle();
    world.tell(a, 'fail');
    await world.clock.advance(49);
    expect(statusOf(world, boss)).toBe('running');
    await world.clock.advance(2);
    expect(statusOf(world, boss)).toBe('idle');
    expect(world.counters[0]?.read().restarts).toBe(1);
  });
});

describe('durable supervisors', () => {
  test('A10 onStart is part of the first step: once, also over a crash, and again when it failed', async () => {
    log = [];
    broken = new Set(['onStart']);
    const journal = new MemoryJournal(1);
    const world = await new World(definitions, { journal }).start();
    const boss = await world.spawn(starting, undefined, {
      durable: true,
      restart: 'transient',
      backoff: { minMs: 100, maxMs: 100 },
    });
    await world.clock.settle();
    expect([logged(), statusOf(world, boss)]).toEqual([['start top'], 'restarting']);
    broken.clear();
    await world.clock.advance(51);
    expect(logged()).toEqual(['start top', 'start a', 'start b']);
    journal.crash();
    const next = await new World(definitions, { journal, incarnation: 1 }).start();
    next.tell(boss, 'touch');
    await next.clock.settle();
    expect([logged(), statusOf(next, boss)]).toEqual([[], 'idle']);
  });

  test('A9 one that failed for good: children that concern each other stop with it, others go on', async () => {
    for (const [definition, left] of [
      [all, 0],
      [one, 1],
    ] as const) {
      const world = await begin(2);
      const boss = await world.spawn(definition, undefined, { durable: true });
      await hire(world, boss, 'a', { durable: true, shard: 1 });
      const b = await hire(world, boss, 'b', { durable: true, intensity: NEVER });
      world.tell(b, 'fail');
      await world.clock.settle();
      expect(world.shards.flatMap((shard) => shard.snapshots())).toHaveLength(left);
    }
  });

  test('A8 passive ones are brought back to decide, and to start again', async () => {
    const world = await begin();
    const options = { durable: true, passivateAfterMs: 100 };
    const boss = await world.spawn(all, undefined, options);
    const a = await hire(world, boss, 'a', { ...options, passivateAfterMs: 0 });
    const b = await hire(world, boss, 'b', options);
    for (const ref of [a, b]) world.tell(ref, 'add', 2);
    await world.clock.advance(1_000);
    expect([boss, a, b].map((ref) => statusOf(world, ref))).toEqual([undefined, 'idle', undefined]);
    logged();
    void world.askSoon(a, 'failAsk');
    await world.clock.settle();
    expect(await Promise.all([a, b].map((ref) => world.ask(ref, 'total')))).toEqual([2, 2]);
    expect(world.shards[0]?.snapshots().map(({ id, restarts }) => [id, restarts])).toEqual(
      expect.arrayContaining([
        [a.id, 1],
        [b.id, 1],
      ]),
    );
  });
});

describe('A6 supervisors and children on threads that die', () => {
  test('an order that was lost is said again, and so is a report', async () => {
    for (let lost = 0; lost < 8; lost += 1) {
      log = [];
      broken = new Set();
      const world = await new World(definitions, { shards: 2, slowLinks: true }).start();
      const settle = async (): Promise<void> => {
        while (world.inFlight > 0) await world.flush();
      };
      const boss = await world.spawn(all, undefined, { shard: 0 });
      const a = await hire(world, boss, 'a', { shard: 1 });
      await settle();
      await hire(world, boss, 'b', { shard: 1 });
      await settle();
      logged();
      world.tell(a, 'fail');
      await world.clock.settle();
      for (let round = 0; round < lost; round += 1) await world.flush();
      world.lose();
      world.shards[0]?.peersBack(new Set([1]));
      world.shards[1]?.peersBack(new Set([0]));
      await settle();
      expect([lost, ...logged().toSorted()]).toEqual([lost, 'start a', 'start b', 'stop b']);
      expect(world.shards[1]?.snapshots().map(({ status }) => status)).toEqual(['idle', 'idle']);
    }
  });

  test('a child whose supervisor is gone goes by its own policy', async () => {
    const world = await begin(2);
    const boss = await world.spawn(all, undefined, { shard: 0 });
    const a = await hire(world, boss, 'a', { shard: 1, intensity: { max: 1, withinMs: 60_000 } });
    await world.restart(0);
    logged();
    world.tell(a, 'fail');
    await world.clock.settle();
    expect(logged()).toEqual(['start a']);
  });

  test('a child that recovered is halted with the others', async () => {
    log = [];
    const journal = new MemoryJournal(2);
    const world = await new World(definitions, { shards: 2, journal }).start();
    const boss = await world.spawn(all, undefined, { shard: 0, durable: true });
    const a = await hire(world, boss, 'a', { backoff: { minMs: 100, maxMs: 100 } });
    const b = await hire(world, boss, 'b', { durable: true, shard: 1 });
    world.tell(b, 'add', 3);
    await world.clock.settle();
    world.tell(a, 'fail');
    await world.clock.settle();
    expect(statusOf(world, b)).toBe('restarting');
    await world.restart(1);
    await world.clock.settle();
    await world.clock.advance(51);
    expect([statusOf(world, a), await world.ask(b, 'total')]).toEqual(['idle', 3]);
  });
});

describe('order of stops', () => {
  test('A10 children stop one after the other, the last one first, each within its own time', async () => {
    const world = await begin(2);
    const boss = await world.spawn(one, undefined);
    world.watch(boss);
    await hire(world, boss, 'a');
    const b = await hire(world, boss, 'b', { shard: 1, stopTimeoutMs: 40 });
    await hire(world, boss, 'c');
    world.tell(b, 'hang');
    await world.clock.settle();
    logged();
    world.stop(boss);
    await world.clock.advance(39);
    expect(logged()).toEqual(['stop c']);
    await world.clock.advance(2);
    expect(logged()).toEqual(['stop b', 'stop a']);
    expect(world.mainSignals).toHaveLength(1);
  });

  test('a stop during a round ends it, and nobody starts again', async () => {
    const world = await begin();
    const boss = await world.spawn(all, undefined);
    const a = await hire(world, boss, 'a', { backoff: { minMs: 100, maxMs: 100 } });
    await hire(world, boss, 'b');
    world.tell(a, 'fail');
    await world.clock.settle();
    logged();
    world.stop(boss);
    await world.clock.advance(1_000);
    expect(logged()).toEqual([]);
    expect(world.shards[0]?.snapshots()).toEqual([]);
  });

  test('twenty thousand children stop without a deep stack', async () => {
    const world = await begin();
    const boss = await world.spawn(worker, 'boss');
    const many = defineActor(FIXTURES, 'many', {
      state: () => ({}),
      messages: { hire: message<number>() },
      receive: {
        hire: (_state, count, ctx) => {
          for (let n = 0; n < count; n += 1) ctx.spawn(worker, 'x', { shard: 0 });
        },
      },
    });
    definitions['many'] = many;
    const parent = await world.spawn(many, undefined);
    world.tell(parent, 'hire', 20_000);
    await world.clock.settle();
    world.stop(parent);
    await world.clock.settle();
    expect(world.shards[0]?.snapshots().map(({ id }) => id)).toEqual([boss.id]);
  });
});
