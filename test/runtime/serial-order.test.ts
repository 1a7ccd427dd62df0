/** A deterministic system on a real thread: one order of turns, a virtual clock, and no deadlock between its actors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readJournal, type Outgoing } from '../../src/journal/index.ts';
import { seededRandom } from '../../src/platform/index.ts';
import { ActorSystem, type SystemRef } from '../../src/runtime/index.ts';
import { temporaryDirectory } from '../support/command.ts';
import { asker, player, stumbler } from './fixtures/serial-actors.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const PLAYERS = 5;
const BALLS = 4;

/** Plays a game whose first balls are in the journal in one commit. @returns the hash of the log */
const play = async (name: string, seed: number): Promise<string> => {
  const path = join(directory.path, name);
  const system = await ActorSystem.start({ deterministic: true, shards: 3, seed, journal: path });
  const ring: SystemRef<(typeof player)['messages']>[] = [];
  for (let place = 0; place < PLAYERS; place += 1) {
    ring.push(await system.spawn(player, place, { name: `player-${place}`, durable: true }));
  }
  const plain = ring.map(({ shard, id, name: called }) => ({ shard, id, name: called }));
  const balls = ring.slice(0, BALLS).map(({ shard, id }): Outgoing => ({
    shard,
    entry: { kind: 'mail', mail: { to: id, from: null, type: 'ball', body: { ring: plain, left: 12 } } },
  }));
  await system.deliver(balls);
  await expect.poll(() => system.journal?.pending()).toBe(0);
  await system.stop();
  const journal = await readJournal(path);
  expect(journal.counts.mail).toBe(BALLS * 13);
  await journal.close();
  return journal.logHash;
};

describe('D5 a deterministic system', () => {
  test('O1 O2 the same seed gives the same log, however long outside calls take; another seed another', async () => {
    const first = await play('first', 1);
    expect([await play('second', 1), await play('third', 1)]).toEqual([first, first]);
    expect(await play('other', 2)).not.toBe(first);
  });

  test('O1 O3 asks between its actors are answered, and an hour passes when nothing else can', async () => {
    const system = await ActorSystem.start({ deterministic: true, shards: 3, seed: 1 });
    const other = await system.spawn(player, 0, { shard: 2 });
    const patient = await system.spawn(asker, undefined, { shard: 0 });
    expect(await patient.ask('hear', other)).toBe(0);
    patient.tell('later', 3_600_000);
    await expect.poll(() => patient.ask('rings')).toBe(1);
    await system.stop();
  });

  test('O3 a restart waits in virtual time', async () => {
    const file = join(directory.path, 'steps');
    const journal = { directory: null, durability: 'none' } as const;
    const system = await ActorSystem.start({ deterministic: true, seed: 1, journal });
    const backoff = { minMs: 3_600_000, maxMs: 3_600_000 };
    const ref = await system.spawn(stumbler, file, { durable: true, restart: 'transient', backoff });
    ref.tell('walk');
    await expect.poll(() => ref.ask('done')).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('x');
    await system.stop();
  });

  test('O2 the order is that of the inbox, also when mailboxes hold one mail and the rest is read back', async () => {
    const path = join(directory.path, 'small');
    const system = await ActorSystem.start({ deterministic: true, shards: 1, seed: 1, journal: path });
    const mailbox = { capacity: 1 };
    const players = await Promise.all(
      [0, 1, 2].map((place) => system.spawn(player, place, { name: `p${place}`, durable: true, mailbox })),
    );
    // Each ball ends where it comes to; who gets it is drawn.
    const random = seededRandom(3);
    const balls = Array.from({ length: 60 }, (): Outgoing => {
      const to = players[Math.floor(random() * 3)]?.id ?? 0;
      const body = { ring: [], left: 0 };
      return { shard: 0, entry: { kind: 'mail', mail: { to, from: null, type: 'ball', body } } };
    });
    await system.deliver(balls);
    await expect.poll(() => system.journal?.pending()).toBe(0);
    expect(system.stats().total).toMatchObject({ mailboxDepth: 0, spilled: 0 });
    await system.stop();
    const journal = await readJournal(path);
    const entries = [...journal.appends(0)].flatMap((append) => append.entries);
    const taken = entries.flatMap((entry) => (entry.kind === 'step' ? [entry.taken] : []));
    expect(taken.flat()).toEqual(taken.flat().sort((left, right) => left - right));
    expect(taken.map((seqs) => seqs.length)).toEqual(balls.map(() => 1));
    await journal.close();
  });

  test('it has one thread', async () => {
    await expect(ActorSystem.start({ deterministic: true, threads: 2 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
