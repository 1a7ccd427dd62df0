/** That a sender waits for a receiver on another thread that takes nothing, seen from outside, and goes on afterwards. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { plainRef } from '../../src/actor/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { BATCH_MAX } from '../../src/runtime/shard-core.ts';
import { temporaryDirectory } from '../support/command.ts';
import { basin, BURST, pump } from './fixtures/flow.ts';

const ITEMS = 3_000;
const LIMIT = 200;
const pumped = z.object({ sent: z.int() });
const DEADLINE = { deadlineMs: 60_000 };

test('A4 a sender whose receiver takes nothing starts no turn, is shown as held by credit, and loses nothing', async () => {
  const directory = temporaryDirectory();
  const held = join(directory.path, 'held');
  const free = join(directory.path, 'free');
  // Nobody ends the thread that is held.
  const system = await ActorSystem.start({
    threads: 2,
    shards: 2,
    seed: 1,
    blockedAfterMs: 0,
    limits: { creditLimit: LIMIT },
  });
  try {
    const to = await system.spawn(basin, undefined, { shard: 1 });
    const source = await system.spawn(pump, { to: plainRef(to), items: ITEMS }, { shard: 0 });
    to.tell('hold', { held, free });
    await expect.poll(() => existsSync(held)).toBe(true);
    source.tell('go');
    const look = async () => (await system.inspect([plainRef(source)]))[0];
    await expect.poll(look).toMatchObject({ hold: 'credit', mailbox: 1 });
    const { sent } = pumped.parse((await look())?.state);
    expect(sent).toBeGreaterThan(LIMIT);
    // A turn that has begun goes on to its own bound.
    expect(sent).toBeLessThanOrEqual(LIMIT + BATCH_MAX * BURST);
    // What its thread does besides goes on; more turns of it do not.
    for (let count = 0; count < 20; count += 1) expect(await look()).toMatchObject({ hold: 'credit', state: { sent } });
    writeFileSync(free, '');
    await expect.poll(() => source.ask('sent', undefined, DEADLINE)).toBe(ITEMS);
    await expect.poll(() => to.ask('seen', undefined, DEADLINE)).toEqual({ count: ITEMS, inOrder: true });
    await expect.poll(look).toMatchObject({ hold: null, mailbox: 0 });
    expect(await system.deadLetters()).toEqual([]);
  } finally {
    writeFileSync(free, '');
    await system.stop();
    directory.cleanUp();
  }
});
