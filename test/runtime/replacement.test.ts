import { expect, test } from 'vitest';
import { plainRef } from '../../src/actor/index.ts';
import { ActorSystem, type HostDeath } from '../../src/runtime/index.ts';
import { counter, relay } from './fixtures/actors.ts';
import { settled } from './fixtures/settled.ts';

const start = (entry: string, deaths: HostDeath[]): Promise<ActorSystem> =>
  ActorSystem.start({
    threads: 2,
    shards: 2,
    seed: 1,
    journal: { directory: null, durability: 'committed' },
    hostEntry: new URL(`./fixtures/${entry}`, import.meta.url),
    onHostDeath: (death) => deaths.push(death),
  });

test('A6 H2 a replacement that does not answer is ended and replaced in turn, whatever its thread does', async () => {
  const deaths: HostDeath[] = [];
  await using system = await start('silent-entry.ts', deaths);
  const ref = await system.spawn(counter, 5, { durable: true, shard: 0 });
  (await system.spawn(counter, 0, { shard: 0 })).tell('exit');
  await system.deliver([{ shard: 0, entry: { kind: 'mail', mail: { to: ref.id, from: null, type: 'add', body: 1 } } }]);
  await expect.poll(() => deaths.length).toBe(3);
  for (const death of deaths) expect(death).toMatchObject({ host: 0, replaced: true });
  expect(await settled(() => ref.ask('total', undefined, { deadlineMs: 60_000 }))).toBe(6);
});

test('A6 who waits for shards that cannot be recovered is told, on the main thread and on other hosts', async () => {
  const deaths: HostDeath[] = [];
  await using system = await start('damaged-entry.ts', deaths);
  const ref = await system.spawn(counter, 5, { durable: true, shard: 0 });
  const watcher = await system.spawn(relay, undefined, { shard: 1 });
  watcher.tell('watch', plainRef(ref));
  expect(await watcher.ask('log')).toEqual([]);
  const watched = system.watch(ref);
  (await system.spawn(counter, 0, { shard: 0 })).tell('exit');
  expect(await watched).toBe('HOST_DIED');
  await expect.poll(() => watcher.ask('log')).toEqual([`terminated ${ref.id} HOST_DIED`]);
  await expect.poll(() => deaths).toMatchObject([{ host: 0, replaced: false, error: { code: 'JOURNAL_DAMAGED' } }]);
});
