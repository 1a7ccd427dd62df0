import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { ActorRef } from '../../src/actor/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import { ActorSystem, type SystemRef } from '../../src/runtime/index.ts';
import { counter, relay } from './fixtures/actors.ts';

describe('a system on two threads', () => {
  let system: ActorSystem;
  const events: EventRecord[] = [];
  beforeAll(async () => {
    system = await ActorSystem.start({ threads: 2, shards: 4, seed: 1, onEvent: (event) => events.push(event) });
  });
  // One of its actors hangs.
  afterAll(() => system.stop({ deadlineMs: 50 }));

  test('tells and asks, with their types', async () => {
    const ref = await system.spawn(counter, 3, { name: 'c' });
    expectTypeOf(ref).toEqualTypeOf<SystemRef<(typeof counter)['messages']>>();
    // @ts-expect-error a body of the wrong type
    expect(() => ref.tell('add', 'five')).not.toThrow();
    expect(ref.tell('add', 5)).toBe(true);
    expect(await ref.ask('where')).toBe(ref.shard);
    const total = await ref.ask('total', undefined, { deadlineMs: 30_000 });
    expectTypeOf(total).toEqualTypeOf<number>();
    expect(String(total)).toContain('5');
  });

  test('a ref clones to plain data and can be found by name', async () => {
    const ref = await system.spawn(counter, 0, { name: 'found' });
    expect(structuredClone(ref)).toEqual({ shard: ref.shard, id: ref.id, name: 'found' });
    const found = await system.lookup<(typeof counter)['messages']>('found');
    expect(await found?.ask('total')).toBe(0);
    expect(await system.lookup('nobody')).toBeNull();
    await expect(system.spawn(counter, 0, { name: 'found' })).rejects.toMatchObject({ code: 'ACTOR_NAME_TAKEN' });
  });

  test('A2 messages between threads arrive in the order of sending, all of them', async () => {
    const sender = await system.spawn(relay, undefined, { shard: 0 });
    const receiver = await system.spawn(relay, undefined, { shard: 1 });
    const count = 3_000;
    for (let part = 0; part < 3; part += 1) {
      sender.tell('forward', { to: receiver, from: part * 1_000, count: count / 3 });
      await sender.ask('seen');
    }
    await expect.poll(() => receiver.ask('seen')).toHaveLength(count);
    expect(await receiver.ask('seen')).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  test('actors ask each other across threads, and spawn there', async () => {
    const boss = await system.spawn(relay, undefined, { shard: 0 });
    const child = (await boss.ask('hire', { shard: 1 })) as ActorRef<(typeof counter)['messages']>;
    system.ref(child).tell('add', 4);
    // Order holds per pair: only what this sender sees next is sure to come after its own message.
    expect(await system.ref(child).ask('total')).toBe(4);
    expect(await boss.ask('askTotal', child)).toBe(4);
  });

  test('watchers and parents on other threads hear of a failure, the main thread too', async () => {
    const boss = await system.spawn(relay, undefined, { shard: 0 });
    const child = (await boss.ask('hire', { shard: 1 })) as ActorRef<(typeof counter)['messages']>;
    boss.tell('watch', child);
    await boss.ask('seen');
    const watched = system.watch(child);
    await system.ref(child).ask('total');
    system.ref(child).tell('fail', 'broken');
    expect(await watched).toBe('ACTOR_FAILED: broken');
    await expect.poll(() => boss.ask('log')).toHaveLength(2);
    await expect(system.ref(child).ask('total')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    expect(await system.watch(child)).toBe('not-found');
    await expect.poll(() => events.filter((event) => event.type === 'restart')).not.toHaveLength(0);
  });

  test('a name that is taken on another thread fails the child, not its parent', async () => {
    await system.spawn(counter, 0, { name: 'taken', shard: 1 });
    const boss = await system.spawn(relay, undefined, { shard: 0 });
    const child = await boss.ask('hire', { shard: 1, name: 'taken' });
    await expect.poll(() => boss.ask('log')).toHaveLength(1);
    expect((await boss.ask('log'))[0]).toMatch(new RegExp(`failed ${child.id} ACTOR_NAME_TAKEN`));
  });

  test('A5 a hanging actor costs its asker the deadline, and can be stopped', async () => {
    const ref = await system.spawn(counter, 0);
    await expect(ref.ask('hang', undefined, { deadlineMs: 50 })).rejects.toMatchObject({ code: 'ASK_TIMEOUT' });
    await system.spawn(counter, 0);
    const [snapshot] = (await system.actors()).filter((actor) => actor.id === ref.id);
    expect(snapshot).toMatchObject({ status: 'running', definition: 'megactor:test/runtime/fixtures/actors#counter' });
  });

  test('what cannot be sent becomes a dead letter with its reason', async () => {
    const sender = await system.spawn(relay, undefined, { shard: 0 });
    const receiver = await system.spawn(relay, undefined, { shard: 1 });
    sender.tell('tellFunction', receiver);
    await sender.ask('seen');
    const reasons = async (): Promise<string[]> => (await system.deadLetters()).map((letter) => letter.reason);
    await expect.poll(reasons).toContain('not-cloneable');
    const unsendable = (() => 1) as unknown as number;
    await expect(receiver.ask('service', { name: 'x', method: 'y', args: unsendable })).rejects.toMatchObject({
      code: 'MESSAGE_NOT_CLONEABLE',
    });
    await expect(receiver.ask('service', { name: 'x', method: 'y' })).rejects.toMatchObject({ code: 'ACTOR_FAILED' });
  });

  test('counters are read without asking anybody', async () => {
    const { total, shards } = system.stats();
    expect(shards).toHaveLength(4);
    expect(total.messages).toBeGreaterThan(3_000);
    expect(total.spawned).toBeGreaterThan(8);
  });
});

describe('starting and stopping', () => {
  test('a durable actor without a journal is refused at its spawn', async () => {
    await using system = await ActorSystem.start({ threads: 1, shards: 1 });
    await expect(system.spawn(counter, 0, { durable: true })).rejects.toMatchObject({
      code: 'DURABLE_WITHOUT_JOURNAL',
    });
    await expect(system.spawn({ ...counter, export: 'nothing' }, 0)).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
    });
  });

  test('a worker that fails to import is HOST_START_FAILED and does not hang', async () => {
    const hostEntry = new URL('./fixtures/broken-entry.ts', import.meta.url);
    await expect(ActorSystem.start({ threads: 2, shards: 2, hostEntry })).rejects.toMatchObject({
      code: 'HOST_START_FAILED',
      message: expect.stringContaining('this module cannot be loaded') as string,
    });
  });

  test('after a stop everything is refused, and pending asks are settled', async () => {
    const system = await ActorSystem.start({ threads: 2, shards: 2 });
    const ref = await system.spawn(counter, 0);
    const hanging = expect(ref.ask('hang')).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
    const watched = system.watch(ref);
    await system.stop({ deadlineMs: 50 });
    await hanging;
    expect(await watched).toBe('the system was stopped');
    expect(ref.tell('add', 1)).toBe(false);
    await expect(ref.ask('total')).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
    await expect(system.spawn(counter, 0)).rejects.toMatchObject({ code: 'SYSTEM_STOPPED' });
  });
});
