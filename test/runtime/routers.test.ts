import { describe, expect, test } from 'vitest';
import {
  consistentHash,
  defineActor,
  message,
  request,
  removeRoutee,
  roundRobin,
  type ActorRef,
  type SpawnOptions,
} from '../../src/actor/index.ts';
import { EARLY_MAIL_MS } from '../../src/runtime/early-mail.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

const worker = defineActor(FIXTURES, 'worker', {
  state: () => ({ got: [] as number[] }),
  messages: { work: message<number>(), got: request<void, number[]>(), order: request<{ customer: string }, string>() },
  receive: {
    work: (state, n) => {
      state.got.push(n);
    },
    got: (state) => state.got,
    order: (_state, _body, ctx) => ctx.self.name,
  },
});

const dispatcher = defineActor(FIXTURES, 'dispatcher', {
  state: (refs: ActorRef<(typeof worker)['messages']>[]) => ({
    pool: roundRobin(refs),
    orders: consistentHash(refs, { by: 'customer' }),
    gone: [] as number[],
  }),
  messages: {
    work: request<{ from: number; count: number }, boolean>(),
    order: request<string, string>(),
    join: request<ActorRef<(typeof worker)['messages']>, boolean>(),
    dismiss: message<ActorRef>(),
    routees: request<void, number[][]>(),
    find: request<string, ActorRef | null>(),
    hire: request<SpawnOptions, ActorRef>(),
  },
  receive: {
    work: ({ pool }, { from, count }, ctx) => {
      let taken = true;
      for (let n = from; n < from + count; n += 1) taken = ctx.tell(pool, 'work', n) && taken;
      return taken;
    },
    order: ({ orders }, customer, ctx) => ctx.ask(orders, 'order', { customer }),
    join: ({ pool }, ref, ctx) => ctx.addRoutee(pool, ref),
    dismiss: ({ pool }, ref) => {
      removeRoutee(pool, ref);
    },
    routees: ({ pool, orders, gone }) => [
      pool.routees.map(({ id }) => id),
      orders.routees.map(({ id }) => id),
      [...gone],
    ],
    find: (_state, name, ctx) => ctx.effect('find', () => ctx.lookup(name)),
    hire: (_state, options, ctx) => ctx.spawn(worker, undefined, options),
  },
  routers: ({ pool, orders }) => [pool, orders],
  onTerminated: (state, ref) => {
    state.gone.push(ref.id);
  },
});

const definitions: Record<string, unknown> = { worker, dispatcher };

describe.each([{ durable: false }, { durable: true }])('A11 routers of an actor, $durable', ({ durable }) => {
  const begin = async () => {
    const journal = new MemoryJournal(2);
    const world = await new World(definitions, { shards: 2, journal }).start();
    const refs: ActorRef[] = [];
    for (const shard of [0, 1, 0]) refs.push(await world.spawn(worker, undefined, { shard }));
    const boss = await world.spawn(dispatcher, refs, { shard: 0, durable });
    await world.clock.settle();
    return { journal, world, refs, boss };
  };

  test('each routee gets its part; who stops is taken out, who is new is watched', async () => {
    const { world, refs, boss } = await begin();
    expect(await world.ask(boss, 'work', { from: 0, count: 6 })).toBe(true);
    await world.clock.settle();
    expect(await Promise.all(refs.map((ref) => world.ask(ref, 'got')))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    const [a, b, c] = refs as [ActorRef, ActorRef, ActorRef];
    world.stop(b);
    await world.clock.settle();
    expect(await world.ask(boss, 'routees')).toEqual([[a.id, c.id], [a.id, c.id], [b.id]]);
    const next = await world.spawn(worker, undefined, { shard: 1 });
    expect([await world.ask(boss, 'join', next), await world.ask(boss, 'join', next)]).toEqual([true, false]);
    await world.ask(boss, 'work', { from: 6, count: 3 });
    await world.clock.settle();
    expect(await world.ask(next, 'got')).toHaveLength(1);
    for (const ref of [a, c, next]) world.stop(ref);
    await world.clock.settle();
    expect(((await world.ask(boss, 'routees')) as number[][]).slice(0, 2)).toEqual([[], []]);
    expect(await world.ask(boss, 'work', { from: 9, count: 1 })).toBe(false);
    expect(world.shards[0]?.deadLetters()).toMatchObject([{ reason: 'no-routee', type: 'work' }]);
    await expect(world.ask(boss, 'order', 'x')).rejects.toMatchObject({ code: 'ACTOR_FAILED' });
  });

  test('one key, one routee, and the reply comes back', async () => {
    const { world, boss } = await begin();
    const names = await Promise.all(['x', 'y', 'x', 'y', 'z'].map((customer) => world.ask(boss, 'order', customer)));
    expect([names[0], names[1]]).toEqual([names[2], names[3]]);
    expect(new Set(names).size).toBeGreaterThan(1);
  });

  test('actors are found by name, wherever they are, and placed where they are to be', async () => {
    const { world, boss } = await begin();
    const far = await world.spawn(worker, undefined, { name: 'far', shard: 1 });
    const near = await world.spawn(worker, undefined, { name: 'near', placement: { shard: 0 } });
    expect(await world.ask(boss, 'find', 'far')).toEqual(far);
    expect(await world.ask(boss, 'find', 'near')).toEqual(near);
    expect(await world.ask(boss, 'find', 'nobody')).toBeNull();
    const hire = async (options: SpawnOptions): Promise<number> =>
      ((await world.ask(boss, 'hire', options)) as ActorRef).shard;
    expect(await hire({ placement: 'same-shard' })).toBe(0);
    expect(await hire({ placement: 'same-shard', name: 'beside' })).toBe(0);
    expect(await hire({ placement: { shard: 1 } })).toBe(1);
    expect(new Set([await hire({ placement: 'round-robin' }), await hire({ placement: 'round-robin' })]).size).toBe(2);
    const keyed = await Promise.all(['k', 'k', 'l', 'm', 'n', 'o'].map((key) => hire({ placement: { key } })));
    expect(keyed[0]).toBe(keyed[1]);
    expect(new Set(keyed).size).toBe(2);
  });
});

test('A11 D5 a durable router goes on where it was, and watches again after a crash', async () => {
  const journal = new MemoryJournal(1);
  const world = await new World(definitions, { journal }).start();
  const refs: ActorRef[] = [];
  for (let n = 0; n < 3; n += 1) refs.push(await world.spawn(worker, undefined, { durable: true }));
  const boss = await world.spawn(dispatcher, refs, { durable: true });
  await world.ask(boss, 'work', { from: 0, count: 4 });
  await world.clock.settle();
  journal.crash();
  const next = await new World(definitions, { journal, incarnation: 1 }).start();
  await next.ask(boss, 'work', { from: 4, count: 2 });
  await next.clock.settle();
  expect(await Promise.all(refs.map((ref) => next.ask(ref, 'got')))).toEqual([
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
  next.stop(refs[1] as ActorRef);
  await next.clock.advance(EARLY_MAIL_MS + 1);
  expect(await next.ask(boss, 'routees')).toEqual([
    [refs[0]?.id, refs[2]?.id],
    [refs[0]?.id, refs[2]?.id],
    [refs[1]?.id],
  ]);
});

test('placements that cannot be are refused', async () => {
  const world = await new World(definitions).start();
  for (const options of [
    { placement: 'same-shard' },
    { placement: 'by-name' },
    { placement: { shard: 1 } },
    { placement: 'round-robin', shard: 0 },
    { placement: 'anywhere' },
  ]) {
    await expect(world.spawn(worker, undefined, options as SpawnOptions)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  }
});
