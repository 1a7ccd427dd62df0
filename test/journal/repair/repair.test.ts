/** Repairing damaged journals (H1 to H3): random ones, damaged at random; a whole, or a clear refusal. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJournal } from '../../../src/journal/index.ts';
import { repairJournal } from '../../../src/journal/repair/repair.ts';
import type { RepairReport } from '../../../src/journal/repair/report.ts';
import { collector, startJournal, step, temporaryDirectory, to, mail } from '../fixtures/harness.ts';
import {
  actorOf,
  damage,
  DAMAGES,
  dataFile,
  type JournalKind,
  KINDS,
  type Memory,
  nameOf,
  type Note,
  SHARDS,
  writeJournal,
} from './fixtures.ts';

const STEPS = 60;
/** Of each kind of damage. */
const SEEDS = 12;

let directory: ReturnType<typeof temporaryDirectory>;
const original = (kind: JournalKind): string => join(directory.path, `original-${kind}`);
const seedOf = (kind: JournalKind): number => 7 + KINDS.indexOf(kind);

beforeAll(async () => {
  directory = temporaryDirectory();
  for (const kind of KINDS) {
    mkdirSync(original(kind), { recursive: true });
    await writeJournal(original(kind), seedOf(kind), STEPS, kind);
  }
});
afterAll(() => directory.remove());

/** A copy of a journal to be damaged. */
const copyOf = (kind: JournalKind): string => {
  const copy = join(directory.path, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(original(kind), copy, { recursive: true });
  return copy;
};

const repair = (path: string, number = 1): Promise<RepairReport> => repairJournal(path, { shards: SHARDS, number });

/**
 * Everything in a journal fits. D2: nobody has got a mail twice, or is going to. U1 to U3: every mail was sent by a step
 * that is kept, and every step that is kept has sent its mail, up to what the report says.
 */
const expectWhole = async (path: string, told: string, report: RepairReport, isCompacted = false): Promise<void> => {
  const reader = await readJournal(path);
  try {
    const steps = new Map<string, number>();
    const got: string[] = [];
    const waiting: string[] = [];
    const nameIn = (body: unknown, to: number): string => (body === 'start' ? `start/${to}` : nameOf(body as Note));
    for (const [shard, { actors, deliveries }] of reader.shards.entries()) {
      for (const { record, step: ended, state, history, begun } of actors) {
        steps.set(`${shard}/${record.id}`, ended);
        got.push(...((state as Memory | undefined)?.got ?? []));
        expect(history.length, told).toBeLessThanOrEqual(ended);
        for (const taken of begun?.taken ?? [])
          expect(
            deliveries.some(({ seq }) => seq === taken),
            told,
          ).toBe(true);
      }
      for (const { entry } of deliveries) {
        if (entry.kind === 'mail') waiting.push(nameIn(entry.mail.body, entry.mail.to));
      }
      for (const { outgoing } of reader.appends(shard)) expect(outgoing, told).toBeDefined();
    }
    const all = [...got, ...waiting];
    expect(all.length - new Set(all).size, `${told}: mail that comes twice`).toBe(0);
    let early = 0;
    for (const name of all) {
      const [first, second, step] = name.split('/');
      if (first === 'start') continue;
      // Of an actor whose snapshot is lost nothing is left, when the log no longer tells of its beginning.
      const ended = steps.get(`${first}/${second}`) ?? (isCompacted ? Infinity : 0);
      if (Number(step) >= ended) early += 1;
    }
    // Where snapshots are ahead of what is left of the log, the report says so.
    if (report.mail.exact && report.mail.twice === 0) expect(early, `${told}: mail of steps that are not kept`).toBe(0);
  } finally {
    await reader.close();
  }
};

/** The repaired journal is written to as any other. */
const expectGoesOn = async (path: string): Promise<void> => {
  const journal = await startJournal({ directory: path, shards: SHARDS, durability: 'committed' });
  try {
    const client = journal.client();
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const inbox = collector();
      const log = client.shard(shard);
      const found = await log.open(inbox.listener);
      const actor = actorOf(shard, 0);
      const before = found.actors.find(({ record }) => record.id === actor)?.step ?? 0;
      const taken = found.deliveries.flatMap(({ seq, entry }) =>
        entry.kind === 'mail' && entry.mail.to === actor ? [seq] : [],
      );
      await log.append({ entries: [step(actor, before, { taken })], outgoing: to(shard, mail(actor, 'on')) });
      await inbox.count(1);
    }
    await client.close();
  } finally {
    await journal.close();
  }
};

test.each(KINDS)('H1: a healthy journal (%s) is said to be so, and not one byte changes', async (kind) => {
  const path = copyOf(kind);
  const before = readFileSync(dataFile(path));
  const report = await repair(path);
  expect({ repaired: report.repaired, from: report.from }).toEqual({ repaired: false, from: 'healthy' });
  expect(report.shards.every(({ firstDamage, log }) => firstDamage === null && log.dropped === 0)).toBe(true);
  expect(readFileSync(dataFile(path)).equals(before)).toBe(true);
  expect(existsSync(join(path, 'journal.damaged-1'))).toBe(false);
});

describe.each(DAMAGES)('%s', (harm) => {
  test('gives a whole that goes on, or a refusal that changes nothing', { timeout: 240_000 }, async () => {
    let repaired = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const kind = KINDS[seed % KINDS.length] ?? 'log';
      const path = copyOf(kind);
      const told = `journal ${kind}, seed ${seed}, ${damage(dataFile(path), harm, seed)}`;
      const before = readFileSync(dataFile(path));
      let report: RepairReport;
      try {
        report = await repair(path);
      } catch (error) {
        expect((error as { code?: string }).code, told).toBe('JOURNAL_DAMAGED');
        // Nothing but the lack of anything to keep is a reason.
        expect((error as Error).message, told).toContain('nothing in it can be read');
        expect(readFileSync(dataFile(path)).equals(before), told).toBe(true);
        continue;
      }
      if (report.repaired) {
        repaired += 1;
        // H2: what was damaged is still there, as it was.
        expect(readFileSync(join(path, 'journal.damaged-1', 'data.mdb')).equals(before), told).toBe(true);
      }
      expect(existsSync(join(path, 'journal.repaired')), told).toBe(false);
      const isCompacted = kind === 'compacted' || kind === 'rested';
      await expectWhole(path, told, report, isCompacted);
      // A journal that was never compacted is cut back to a whole without doubt.
      if (!isCompacted) expect(report.mail, told).toMatchObject({ doubtful: 0, twice: 0, exact: true });
      expect((await repair(path, 2)).from, told).toBe('healthy');
      if (seed < 4) await expectGoesOn(path);
    }
    expect(repaired).toBeGreaterThan(0);
  });
});

/** Damages records wherever the file holds them, also in pages that are not in use any more. */
const scrub = async (path: string, table: string, which: (index: number) => boolean): Promise<void> => {
  const environment = open({
    path: join(path, 'journal'),
    encoding: 'binary',
    cache: false,
    maxDbs: 16,
    readOnly: true,
  });
  const rows = environment.openDB<Uint8Array, number>({ name: table, encoding: 'binary', cache: false });
  const values = [...rows.getRange()].map(({ value }) => Buffer.from(value)).filter((_, index) => which(index));
  await environment.close();
  const bytes = readFileSync(dataFile(path));
  for (const value of values) {
    // The checksum in front of a record is as good as unique.
    for (let at = bytes.indexOf(value.subarray(0, 8)); at >= 0; at = bytes.indexOf(value.subarray(0, 8), at + 8)) {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    }
  }
  writeFileSync(dataFile(path), bytes);
};

const remove = async (path: string, table: string, which: (index: number) => boolean): Promise<void> => {
  const environment = open({ path: join(path, 'journal'), encoding: 'binary', cache: false, maxDbs: 16 });
  const rows = environment.openDB<Uint8Array, number>({ name: table, encoding: 'binary', cache: false });
  for (const [index, key] of [...rows.getKeys()].entries()) if (which(index)) await rows.remove(key);
  await environment.flushed;
  await environment.close();
};

test.each(['log', 'inbox'])(
  'records of %s that are gone from its middle: cut there, over all shards',
  async (table) => {
    const path = copyOf('log');
    await scrub(path, table, (index) => index === 12);
    const report = await repair(path);
    expect(report.from).toBe('parts');
    expect(report.shards.some(({ firstDamage }) => firstDamage?.includes(table) === true)).toBe(true);
    expect(report.agents.length).toBeGreaterThan(0);
    await expectWhole(path, table, report);
    await expectGoesOn(path);
  },
);

test.each(['log', 'inbox', 'ends'])('rows of %s that were removed: the state before still has them', async (table) => {
  const path = copyOf('log');
  await remove(path, table, (index) => index === 3);
  const report = await repair(path);
  expect({ from: report.from, back: report.agents }).toEqual({ from: 'state', back: [] });
  await expectWhole(path, table, report);
});

test('results of services are kept, whatever becomes of the steps', async () => {
  const path = copyOf('log');
  await scrub(path, 'log', (index) => index % 2 === 1);
  const report = await repair(path);
  expect(report.services.results).toBe(STEPS);
  expect(report.agents.length).toBeGreaterThan(0);
  const reader = await readJournal(path);
  try {
    for (const { name, steps } of report.agents) {
      const kept = reader.store('tools').result(`${name}/${steps}/model`)?.result as { answer: number };
      expect(kept.answer).toBe(steps);
    }
  } finally {
    await reader.close();
  }
});

test('B2: a step that had begun with kept mail goes on with the same mail', async () => {
  const path = copyOf('log');
  const reader = await readJournal(path);
  const before = [...reader.appends(0)];
  await reader.close();
  // One append is a record here, and what ends a step is behind what began it.
  const at = before.findLastIndex(({ entries }) => entries[0]?.kind === 'step');
  const ended = before[at]?.entries[0];
  await scrub(path, 'log', (index) => index === at);
  const report = await repair(path);
  expect(report.shards[0]?.log.kept).toBeGreaterThanOrEqual(at);
  const after = await readJournal(path);
  try {
    const actor = after.shards[0]?.actors.find(({ record }) => record.id === ended?.actor);
    expect(actor?.begun?.taken).toEqual(ended?.kind === 'step' ? ended.taken : null);
    for (const taken of actor?.begun?.taken ?? []) {
      expect(after.shards[0]?.deliveries.some(({ seq }) => seq === taken)).toBe(true);
    }
  } finally {
    await after.close();
  }
});

test('without a data file, and with one of which nothing is left, it is refused', async () => {
  const path = copyOf('log');
  rmSync(dataFile(path));
  await expect(repair(path)).rejects.toMatchObject({
    code: 'JOURNAL_DAMAGED',
    message: expect.stringContaining('not there'),
  });
  writeFileSync(dataFile(path), Buffer.alloc(200_000, 7));
  await expect(repair(path)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED' });
  writeFileSync(dataFile(path), '');
  await expect(repair(path)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED' });
  expect(existsSync(join(path, 'journal.damaged-1'))).toBe(false);
});
