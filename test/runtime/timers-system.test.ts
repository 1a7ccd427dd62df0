/** Durable timers with real threads and the real journal, over restarts and deaths of threads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ActorSystem, type HostDeath, type SystemRef } from '../../src/runtime/index.ts';
import { alarm } from './fixtures/durable-actors.ts';

let directory: string;
const deaths: HostDeath[] = [];

const start = (): Promise<ActorSystem> =>
  ActorSystem.start({
    threads: 2,
    shards: 2,
    seed: 1,
    journal: { directory, durability: 'committed' },
    onHostDeath: (death) => deaths.push(death),
  });

type Alarm = SystemRef<(typeof alarm)['messages']>;

const found = async (system: ActorSystem): Promise<Alarm> => {
  const ref = await system.lookup<(typeof alarm)['messages']>('bell');
  if (ref === null) throw new Error('the actor is gone');
  return ref;
};

const rings = (ref: Alarm): Promise<Record<string, number>> => ref.ask('rings', undefined, { deadlineMs: 30_000 });
const rang = (ref: Alarm, expected: Record<string, number>): Promise<void> =>
  expect.poll(() => rings(ref)).toEqual(expected);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'megactor-timers-'));
  deaths.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('D1 D2 timers survive a stop: what was due meanwhile fires once, the rest goes on', async () => {
  {
    await using system = await start();
    const ref = await system.spawn(alarm, undefined, { name: 'bell', durable: true });
    ref.tell('once', { key: 'soon', ms: 1 });
    await rang(ref, { soon: 1 });
    ref.tell('once', { key: 'never', ms: 3_600_000 });
    ref.tell('once', { key: 'meanwhile', ms: 500 });
    ref.tell('every', { key: 'often', ms: 2_000 });
    await expect.poll(() => system.journal?.pending()).toBe(0);
  }
  {
    await using system = await start();
    await rang(await found(system), { soon: 1, meanwhile: 1, often: 3 });
  }
  {
    await using system = await start();
    const ref = await found(system);
    ref.tell('once', { key: 'last', ms: 1 });
    await rang(ref, { soon: 1, meanwhile: 1, often: 3, last: 1 });
  }
});

test('D1 D2 timers survive the death of their thread', async () => {
  await using system = await start();
  const ref = await system.spawn(alarm, undefined, { name: 'bell', durable: true });
  ref.tell('once', { key: 'a', ms: 300 });
  ref.tell('every', { key: 'b', ms: 200 });
  // An ephemeral actor, whose mail does not come back with it.
  const killer = await system.spawn(alarm, undefined, { shard: ref.shard });
  killer.tell('exit');
  await expect.poll(() => deaths).toHaveLength(1);
  await rang(ref, { a: 1, b: 3 });
});
