import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActorRef } from '../../src/actor/index.ts';
import { ActorSystem, type HostDeath, type SystemOptions } from '../../src/runtime/index.ts';
import { counter, relay } from './fixtures/actors.ts';
import { account, caller, reader } from './fixtures/durable-actors.ts';

let directory: string;
const deaths: HostDeath[] = [];

const start = (options: Partial<SystemOptions> = {}): Promise<ActorSystem> =>
  ActorSystem.start({
    threads: 2,
    shards: 4,
    seed: 1,
    journal: { directory, durability: 'committed' },
    onHostDeath: (death) => deaths.push(death),
    ...options,
  });

const quiet = (system: ActorSystem): Promise<void> => expect.poll(() => system.journal?.pending()).toBe(0);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'megactor-runtime-'));
  deaths.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('durable actors on threads', () => {
  test('D1 survive the end of a system, with another number of threads', async () => {
    const first = await start();
    const a = await first.spawn(account, 10, { name: 'a', durable: true });
    const b = await first.spawn(account, 0, { name: 'b', durable: true });
    a.tell('add', 5);
    a.tell('forward', { to: b, by: 3 });
    expect(await a.ask('total')).toBe(12);
    await quiet(first);
    await first.stop();

    const second = await start({ threads: 1 });
    expect((await second.inspect([a, b])).map(({ name, state }) => [name, state])).toEqual(
      expect.arrayContaining([
        ['a', { total: 12 }],
        ['b', { total: 3 }],
      ]),
    );
    const again = await second.lookup<(typeof account)['messages']>('a');
    expect(await again?.ask('total')).toBe(12);
    const fresh = await second.spawn(account, 1, { durable: true });
    expect([a.id, b.id]).not.toContain(fresh.id);
    const states = async (...names: string[]) =>
      (await second.inspect([a, b], { state: names })).map(({ state }) => state);
    expect(await states('total', 'other')).toEqual(expect.arrayContaining([{ total: 12 }, { total: 3 }]));
    expect(await states()).toEqual([{}, {}]);
    await second.stop();
  });

  test('J6 a stop without a checkpoint writes no snapshots, and the log alone says what there was', async () => {
    for (const checkpoint of [true, false]) {
      const first = await start();
      const a = await first.spawn(account, 10, { name: `a${checkpoint}`, durable: true });
      expect(await a.ask('total')).toBe(10);
      await quiet(first);
      const before = first.stats().total.snapshots;
      await first.stop({ checkpoint });
      expect(first.stats().total.snapshots > before).toBe(checkpoint);
      await using second = await start();
      expect((await second.inspect([a])).map(({ state }) => state)).toEqual([{ total: 10 }]);
    }
  });

  test('spawns and mail can be put into the journal in one commit', async () => {
    await using system = await start();
    const x = system.actorRecord(account, 1, { name: 'x', durable: true });
    const y = system.actorRecord(account, 2, { name: 'y', durable: true }, x.ref);
    const mail = { to: x.record.id, from: null, type: 'forward', body: { to: y.ref, by: 1 } };
    await system.deliver([
      { shard: x.shard, entry: { kind: 'spawn', actor: x.record } },
      { shard: y.shard, entry: { kind: 'spawn', actor: y.record } },
      { shard: x.shard, entry: { kind: 'mail', mail } },
    ]);
    await quiet(system);
    expect(await system.ref(y.ref as ActorRef<(typeof account)['messages']>).ask('total')).toBe(3);
    const [snapshot] = (await system.actors()).filter((actor) => actor.name === 'y');
    expect(snapshot).toMatchObject({ parent: { id: x.record.id }, durable: true, step: 1 });
  });

  test('A6 a host dies: asks are settled, durable actors recover on a new one, ephemeral ones are reported', async () => {
    await using system = await start();
    const survivor = await system.spawn(account, 100, { durable: true, shard: 0 });
    const other = await system.spawn(relay, undefined, { shard: 1 });
    const lost = await system.spawn(counter, 1, { shard: 0 });
    other.tell('watch', lost);
    expect(await other.ask('askTotal', lost)).toBe(1);
    survivor.tell('add', 11);
    expect(await survivor.ask('total')).toBe(111);
    const watched = system.watch(lost);
    await lost.ask('total');
    const hanging = expect(lost.ask('hang')).rejects.toMatchObject({ code: 'HOST_DIED' });
    (await system.spawn(counter, 0, { shard: 0 })).tell('exit');
    await hanging;
    expect(await watched).toBe('not-found');
    expect(await survivor.ask('total')).toBe(111);
    survivor.tell('add', 1);
    expect(await survivor.ask('total')).toBe(112);
    await expect.poll(() => other.ask('log')).toEqual([`terminated ${lost.id} not-found`]);
    await expect(lost.ask('total')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    // The living host reaches the new one as well.
    expect(await other.ask('askTotal', survivor as never)).toBe(112);
    await expect.poll(() => deaths).toMatchObject([{ host: 0, shards: [0, 2], replaced: true }]);
    expect(system.stats().hostDeaths).toBe(1);
  });

  test('D3 a crash between an effect and its step uses the recorded effect', async () => {
    await using system = await start();
    const file = join(directory, 'calls');
    const ref = await system.spawn(caller, file, { name: 'caller', durable: true, restart: 'transient' });
    ref.tell('work', { dieOnce: true });
    await expect.poll(() => deaths).toHaveLength(1);
    await quiet(system);
    expect(await ref.ask('answers')).toEqual([42]);
    expect(readFileSync(file, 'utf8')).toBe('caller/0/call\n');
  });

  test('D1 D2 transfers between accounts lose and double nothing while hosts die', async () => {
    await using system = await start({ journal: { directory, durability: 'committed' } });
    const accounts = await Promise.all(
      Array.from({ length: 8 }, (_, n) => system.spawn(account, 1_000, { name: `n${n}`, durable: true, shard: n % 4 })),
    );
    const transfers = 400;
    for (let n = 0; n < transfers; n += 1) {
      const [from, to] = [accounts[n % 8], accounts[(n * 3 + 1) % 8]];
      if (from === undefined || to === undefined) throw new Error('no such account');
      const body = { to, by: 1 + (n % 7) };
      await system.deliver([
        { shard: from.shard, entry: { kind: 'mail', mail: { to: from.id, from: null, type: 'forward', body } } },
      ]);
      if (n === 100 || n === 250) {
        const killer = await system.spawn(counter, 0, { shard: n === 100 ? 0 : 1 });
        killer.tell('exit');
      }
    }
    await expect.poll(() => deaths).toHaveLength(2);
    await quiet(system);
    const totals = await Promise.all(accounts.map((ref) => ref.ask('total')));
    expect(totals.reduce((sum, total) => sum + total, 0)).toBe(8_000);
    const expected = Array.from({ length: 8 }, () => 1_000);
    for (let n = 0; n < transfers; n += 1) {
      expected[n % 8] = (expected[n % 8] ?? 0) - (1 + (n % 7));
      expected[(n * 3 + 1) % 8] = (expected[(n * 3 + 1) % 8] ?? 0) + (1 + (n % 7));
    }
    expect(totals).toEqual(expected);
  });

  test('A2 A4 D1 D2 a reader that is slower than its sender keeps little in memory and gets all, once, over two deaths', async () => {
    await using system = await start();
    const capacity = 128;
    const ref = await system.spawn(reader, undefined, { durable: true, shard: 0, mailbox: { capacity } });
    const count = 6_000;
    const text = 'x'.repeat(100);
    for (let n = 0; n < count; n += 1) ref.tell('read', { n, text });
    let most = 0;
    const look = async (): Promise<number> => {
      const [snapshot] = await system.inspect([ref]);
      most = Math.max(most, snapshot === undefined ? 0 : snapshot.mailbox - snapshot.spilled);
      return (snapshot?.state as { next: number } | undefined)?.next ?? 0;
    };
    for (const [index, at] of [count / 4, count / 2].entries()) {
      await expect.poll(look).toBeGreaterThan(at);
      (await system.spawn(counter, 0, { shard: 0 })).tell('exit');
      await expect.poll(() => deaths).toHaveLength(index + 1);
    }
    await expect.poll(look).toBe(count);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(capacity + 64);
    expect(await ref.ask('progress')).toEqual({ next: count, wrong: 0 });
    await quiet(system);
    expect(system.stats().total).toMatchObject({ mailboxDepth: 0, spilled: 0 });
  });

  test('the main thread hears what a durable actor had committed that failed for good, and of no other', async () => {
    await using system = await start({ threads: 1 });
    const [failing, stopping] = [
      await system.spawn(account, 7, { durable: true }),
      await system.spawn(account, 7, { durable: true }),
    ];
    failing.tell('add', 5);
    // Now that is in a step of its own.
    expect(await failing.ask('total')).toBe(12);
    const ended = [system.watchEnd(failing), system.watchEnd(stopping)] as const;
    const told = system.watch(failing);
    // It takes the amount off first, in a step that is never committed.
    failing.tell('forward', { to: JSON.parse('null') as ActorRef, by: 3 });
    system.stopActor(stopping);
    expect(await ended[0]).toMatchObject({ last: { total: 12 } });
    expect(await told).toBe((await ended[0]).reason);
    expect(await ended[1]).not.toHaveProperty('last');
  });

  test('a host that keeps dying is given up, and its asks fail at once', async () => {
    await using system = await start({ hostRestartsMax: 1 });
    const ref = await system.spawn(account, 1, { durable: true, shard: 0, restart: 'transient' });
    // Its mail is in the journal, so every new host dies of it again.
    const watcher = await system.spawn(relay, undefined, { shard: 1 });
    watcher.tell('watch', ref);
    await watcher.ask('seen');
    const watched = system.watch(ref);
    ref.tell('exit');
    await expect.poll(() => deaths).toMatchObject([{ replaced: true }, { replaced: false }]);
    expect(await watched).toBe('HOST_DIED');
    await expect.poll(() => watcher.ask('log')).toEqual([`terminated ${ref.id} HOST_DIED`]);
    await expect(ref.ask('total')).rejects.toMatchObject({ code: 'HOST_DIED' });
    expect(ref.tell('add', 1)).toBe(false);
    const other = await system.spawn(account, 1, { durable: true, shard: 1 });
    expect(await other.ask('total')).toBe(1);
  });
});
