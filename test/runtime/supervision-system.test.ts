import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { SpawnOptions } from '../../src/actor/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import type { SystemRef } from '../../src/runtime/system-ref.ts';
import { group, member } from './fixtures/groups.ts';

type Member = SystemRef<(typeof member)['messages']>;

let directory = '';

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const start = async (): Promise<ActorSystem> => {
  directory = await mkdtemp(join(tmpdir(), 'groups-'));
  return ActorSystem.start({ threads: 2, shards: 2, journal: { directory, durability: 'committed' } });
};

test('A8 one_for_all over two threads: ephemeral and durable siblings start again, whichever of them fails', async () => {
  await using system = await start();
  const boss = await system.spawn(group, undefined, { shard: 0 });
  const options: SpawnOptions[] = [
    { shard: 0 },
    { shard: 1 },
    { shard: 1, durable: true },
    { shard: 0, durable: true, backoff: { minMs: 5, maxMs: 5 } },
  ];
  const refs: Member[] = [];
  for (const one of options) {
    refs.push(
      system.ref(await boss.ask('hire', { restart: 'permanent', intensity: { max: 9, withinMs: 60_000 }, ...one })),
    );
  }
  for (const [index, ref] of refs.entries()) {
    for (const each of refs) each.tell('add', 1);
    await Promise.all(refs.map((each) => each.ask('total')));
    await expect(ref.ask('fail')).rejects.toMatchObject({ code: 'ACTOR_FAILED' });
    const restarts = async (): Promise<(number | undefined)[]> => {
      const found = new Map((await system.actors()).map((actor) => [actor.id, actor]));
      return refs.map(({ id }) => (found.get(id)?.status === 'idle' ? found.get(id)?.restarts : undefined));
    };
    await expect.poll(restarts).toEqual(refs.map(() => index + 1));
  }
  expect(await Promise.all(refs.map((ref) => ref.ask('total')))).toEqual([0, 0, 4, 4]);
});

test('A6 A8 the thread of the siblings dies while they are to start again: the rest goes on without the ephemeral one', async () => {
  await using system = await start();
  const boss = await system.spawn(group, undefined, { shard: 0, durable: true });
  const hire = async (options: SpawnOptions): Promise<Member> =>
    system.ref(await boss.ask('hire', { restart: 'permanent', ...options }));
  const a = await hire({ shard: 0, backoff: { minMs: 200, maxMs: 200 } });
  const b = await hire({ shard: 1, durable: true });
  const c = await hire({ shard: 1 });
  b.tell('add', 3);
  expect([await a.ask('total'), await b.ask('total'), await c.ask('total')]).toEqual([0, 3, 0]);
  const killer = await system.spawn(member, undefined, { shard: 1 });
  await expect(a.ask('fail')).rejects.toMatchObject({ code: 'ACTOR_FAILED' });
  killer.tell('exit');
  const statuses = async (): Promise<(string | undefined)[]> => {
    const found = new Map((await system.actors()).map((actor) => [actor.id, actor.status]));
    return [a, b, c].map(({ id }) => found.get(id));
  };
  await expect.poll(() => system.stats().hostDeaths).toBe(1);
  await expect.poll(() => b.ask('total').catch(() => -1)).toBe(3);
  await expect.poll(statuses).toEqual(['idle', 'idle', undefined]);
});
