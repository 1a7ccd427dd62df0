/** J6 by property: snapshots, marks, restarts and compaction at random moments change nothing of what is recovered. */
import * as fc from 'fast-check';
import { open } from 'lmdb';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compactJournal, readJournal, type RecoveredActor, type RecoveredShard } from '../../src/journal/index.ts';
import type { DurabilityLevel, JournalClient } from '../../src/journal/index.ts';
import { choices, type Choice, Owner, SHARD } from './fixtures/history.ts';
import { codeOf, mail, recordOf, spawn, startJournal, temporaryDirectory, to } from './fixtures/harness.ts';

const SHARDS = 2;

/** Of one actor, what does not depend on snapshots. Names of children are known or not. */
const plain = (actor: RecoveredActor): unknown => ({
  ...actor,
  historySaved: 0,
  children: actor.children.map(({ shard, id }) => [shard, id]),
});

const byId = (left: RecoveredActor, right: RecoveredActor): number => left.record.id - right.record.id;

interface Recovered {
  readonly found: RecoveredShard;
  readonly all: readonly unknown[];
  readonly rest: unknown;
}

const recover = async (client: JournalClient, pending: number, ids: readonly number[]): Promise<Recovered> => {
  const log = client.shard(SHARD);
  const found = await log.open(() => {});
  const known = new Set(found.actors.map(({ record }) => record.id));
  const passive = await log.load(ids.filter((id) => !known.has(id)));
  expect(passive).toHaveLength(found.passive);
  const timers = passive.flatMap(({ record, timers: set }) =>
    set.map(({ key, dueMs }) => ({ actor: record.id, key, dueMs })),
  );
  expect([...found.passiveTimers].sort((left, right) => left.actor - right.actor)).toEqual(
    timers.sort((left, right) => left.actor - right.actor),
  );
  for (const { record } of passive) expect(await log.find(record.name)).toBe(record.id);
  expect(await log.read(found.deliveries.map(({ seq }) => seq))).toEqual(found.deliveries);
  const all = [...found.actors, ...passive].sort(byId).map(plain);
  const { deliveries, idMax } = found;
  return { found, all, rest: { deliveries, idMax, pending, opened: await client.pending() } };
};

const IDS = Array.from({ length: 60 }, (_, index) => (index + 1) * 256 + SHARD);

const played = async (
  list: readonly Choice[],
  durability: DurabilityLevel,
  saves: boolean,
): Promise<{ recovered: Recovered; read: unknown; compacted: unknown }> => {
  const directory = temporaryDirectory();
  const options = { directory: directory.path, shards: SHARDS, durability };
  let journal = await startJournal(options);
  try {
    const restart = async (compacts = false): Promise<void> => {
      // What is in memory does not outlive its server; its shards are opened again all the same.
      if (durability === 'none') return;
      await journal.close();
      if (compacts) await compactJournal(directory.path);
      journal = await startJournal(options);
    };
    await new Owner({ client: () => journal.client(), restart }, saves).play(list);
    await restart();
    const pending = durability === 'none' ? await journal.client().pending() : journal.pending;
    const recovered = await recover(journal.client(), pending, IDS);
    await journal.close();
    if (durability === 'none') return { recovered, read: null, compacted: null };
    const read = await contentOf(directory.path);
    await compactJournal(directory.path);
    const compacted = await contentOf(directory.path);
    journal = await startJournal(options);
    const { all, rest } = await recover(journal.client(), journal.pending, IDS);
    expect({ all, rest }).toEqual({ all: recovered.all, rest: recovered.rest });
    return { recovered, read, compacted };
  } finally {
    await journal.close();
    directory.remove();
  }
};

/** Most histories end with everybody in memory; this one does not. */
const LEAVES_PASSIVE: readonly Choice[] = (['mail', 'mail', 'mail', 'save', 'mail'] as const).map((kind) => [
  kind,
  0,
  0,
  0,
]);

const contentOf = async (path: string): Promise<unknown> => {
  const reader = await readJournal(path);
  try {
    const shards = reader.shards.map(({ actors, deliveries, idMax }) => ({
      actors: [...actors].sort(byId).map(plain),
      deliveries,
      idMax,
    }));
    return { shards, counts: reader.counts, logHash: reader.logHash };
  } finally {
    await reader.close();
  }
};

describe.each<{ durability: DurabilityLevel; runs: number }>([
  { durability: 'none', runs: 200 },
  { durability: 'committed', runs: 25 },
])('durability $durability', ({ durability, runs }) => {
  test('random histories recover the same with snapshots and marks as without (J6)', async () => {
    let passive = 0;
    await fc.assert(
      fc.asyncProperty(choices, async (list) => {
        const saved = await played(list, durability, true);
        const whole = await played(list, durability, false);
        expect(saved.recovered.all).toEqual(whole.recovered.all);
        expect(saved.recovered.rest).toEqual(whole.recovered.rest);
        expect(saved.read).toEqual(whole.read);
        expect(saved.compacted).toEqual(whole.read);
        expect(whole.compacted).toEqual(whole.read);
        passive += saved.recovered.found.passive;
      }),
      { numRuns: runs, examples: [[LEAVES_PASSIVE]] },
    );
    // Otherwise the histories would prove little.
    expect(passive).toBeGreaterThan(0);
  });
});

describe('on disk', () => {
  /** Three actors with snapshots, of which one has timers; an open mailbox behind the mark. */
  const fill = async (path: string, actors = 3, mails = 1): Promise<void> => {
    const journal = await startJournal({ directory: path, shards: SHARDS, durability: 'committed' });
    const client = journal.client();
    const log = client.shard(SHARD);
    await log.open(() => {});
    const ids = Array.from({ length: actors }, (_, index) => (index + 1) * 256 + SHARD);
    await client.deliver(ids.flatMap((id) => to(SHARD, spawn(id))));
    const timer = { key: 't', dueMs: 1, periodMs: null, type: 'x', body: null };
    await log.snapshot(
      ids.map((id, index) => ({
        record: recordOf(spawn(id)),
        step: 4,
        state: { id },
        open: false,
        timers: index === 0 ? [timer] : [],
        children: [],
        history: [1, 2],
        historyBefore: 0,
      })),
      { log: 0, inbox: actors },
    );
    await client.deliver(ids.slice(0, mails).flatMap((id) => to(SHARD, mail(id, 'm'))));
    await journal.close();
  };

  /** Changes the last byte of the first record of a table. */
  const damage = async (path: string, table: string): Promise<void> => {
    const environment = open({ path: join(path, 'journal'), encoding: 'binary', maxDbs: 16 });
    const keyEncoding = table === 'history' || table === 'names' ? 'binary' : 'ordered-binary';
    const database = environment.openDB<Buffer, number | Uint8Array>({ name: table, encoding: 'binary', keyEncoding });
    const found = [...database.getRange({ limit: 1 })][0];
    if (found === undefined) throw new Error(`table ${table} is empty`);
    const changed = Buffer.from(found.value);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    const written = database.put(found.key, changed);
    // Asked for in the same turn, it says that LMDB's writing thread is through.
    await Promise.all([written, environment.flushed]);
    await environment.close();
  };

  test.each(['actors', 'history', 'timers', 'names', 'marks', 'bases'])(
    'a changed record of the table %s is JOURNAL_DAMAGED where it is used',
    async (table) => {
      const directory = temporaryDirectory();
      await fill(directory.path);
      if (table === 'bases') await compactJournal(directory.path);
      await damage(directory.path, table);
      if (table === 'marks' || table === 'bases') {
        const use =
          table === 'marks'
            ? startJournal({ directory: directory.path, shards: SHARDS, durability: 'committed' })
            : readJournal(directory.path);
        expect(await codeOf(use)).toBe('JOURNAL_DAMAGED');
      } else {
        const journal = await startJournal({ directory: directory.path, shards: SHARDS, durability: 'committed' });
        const log = journal.client().shard(SHARD);
        // The actor with mail is loaded by the opening; its timers are read when it is passive.
        const opened = await codeOf(log.open(() => {}));
        expect(opened).toBe(table === 'actors' || table === 'history' ? 'JOURNAL_DAMAGED' : 'resolved');
        if (table === 'names') expect(await codeOf(log.find(`actor-${256 + SHARD}`))).toBe('JOURNAL_DAMAGED');
        await journal.close();
      }
      directory.remove();
    },
  );

  test('an opening of 100,000 actors loads those alone that have mail', async () => {
    const directory = temporaryDirectory();
    await fill(directory.path, 100_000, 1_000);
    const journal = await startJournal({ directory: directory.path, shards: SHARDS, durability: 'committed' });
    const before = performance.now();
    const found = await journal
      .client()
      .shard(SHARD)
      .open(() => {});
    if (process.env['JOURNAL_TIMES'] !== undefined)
      process.stderr.write(`opened in ${performance.now() - before} ms\n`);
    expect(found.actors).toHaveLength(1_000);
    expect(found.passive).toBe(99_000);
    expect(found.deliveries).toHaveLength(1_000);
    await journal.close();
    directory.remove();
  });
});
