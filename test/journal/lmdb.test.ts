/** What only a journal on disk must do: survive a restart, notice damage, refuse what does not fit, report the disk. */
import { open } from 'lmdb';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readJournal } from '../../src/journal/index.ts';
import {
  codeOf,
  collector,
  type JournalThread,
  mail,
  signal,
  spawn,
  startJournal,
  step,
  temporaryDirectory,
  to,
  until,
} from './fixtures/harness.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const start = (shards = 2): Promise<JournalThread> =>
  startJournal({ directory: directory.path, shards, durability: 'flushed' });

/** Two actors, an open turn, a step in progress and waiting mail. */
const fill = async (journal: JournalThread): Promise<void> => {
  const client = journal.client();
  const log = client.shard(0);
  await log.open(() => {});
  await client.deliver(to(0, spawn(256), spawn(512), mail(256, 'a'), mail(512, 'b'), signal(512, 'down')));
  await client.deliver(to(1, spawn(257)));
  await log.append({
    entries: [step(256, 0, { taken: [2], open: true, history: ['x'], effects: [['tool', 7]] })],
    outgoing: to(1, mail(257, 'from 256')),
  });
  await log.append({ entries: [{ kind: 'begin', actor: 512, step: 0, taken: [3], key: 'model' }], outgoing: [] });
  await log.append({ entries: [{ kind: 'effect', actor: 512, step: 0, key: 'model', result: 'r' }], outgoing: [] });
  await client.store('s').commit({ effectId: 'a/0/k', result: 'kept', changes: [{ key: 'k', value: { n: 1 } }] });
};

describe('a restart', () => {
  test('finds the same actors, mail, stores and pending count (J5)', async () => {
    const before = await start();
    await fill(before);
    const pending = await before.client().pending();
    expect(pending).toBe(4);
    const found = await before
      .client()
      .shard(0)
      .open(() => {});
    await before.close();

    const after = await start();
    expect(after.pending).toBe(pending);
    const client = after.client();
    expect(await client.shard(0).open(() => {})).toEqual(found);
    const store = client.store('s');
    expect(await store.get('k')).toEqual({ n: 1 });
    expect(await store.commit({ effectId: 'a/0/k', result: 'other', changes: [{ key: 'k', value: 2 }] })).toBe('kept');
    expect(await store.get('k')).toEqual({ n: 1 });
    await after.close();
  });

  test('goes on at the next position and seq, with other clients', async () => {
    const before = await start();
    await fill(before);
    await before.close();
    const after = await start();
    const client = after.client();
    const inbox = collector();
    await client.shard(0).open(inbox.listener);
    await client.shard(0).append({ entries: [step(256, 1)], outgoing: to(0, mail(256, 'next')) });
    expect(await inbox.count(1)).toEqual([{ seq: 5, entry: mail(256, 'next') }]);
    await after.close();
  });

  test('is quiet at once when nothing is pending (J5)', async () => {
    const before = await start();
    await before.client().deliver(to(0, spawn(256)));
    await before.close();
    const after = await start();
    const epochs: number[] = [];
    after.client().onQuiet((epoch) => epochs.push(epoch));
    await until(() => epochs.length === 1, 'quiet');
    await after.close();
  });

  test('refuses another number of shards and accepts the first', async () => {
    await (await start(2)).close();
    expect(await codeOf(start(3))).toBe('CONFIG_INVALID');
    await (await start(2)).close();
  });

  test('a closing journal answers what it accepted', async () => {
    const journal = await start();
    const client = journal.client();
    const written = Array.from({ length: 50 }, (_, index) => client.deliver(to(0, mail(256, index))));
    await client.pending();
    await journal.close();
    await Promise.all(written);
    expect(await codeOf(client.pending())).toBe('SYSTEM_STOPPED');
    expect((await start()).pending).toBe(50);
  });
});

/** Changes stored bytes through an environment of the test's own. */
const tamper = async (
  table: 'inbox' | 'log' | 'values',
  change: (bytes: Buffer) => Buffer | undefined,
  entry = 0,
): Promise<void> => {
  const environment = open({ path: join(directory.path, 'journal'), encoding: 'binary', maxDbs: 8 });
  const encoding = table === 'values' ? { keyEncoding: 'binary' as const } : {};
  const database = environment.openDB<Buffer, number | Uint8Array>({ name: table, encoding: 'binary', ...encoding });
  const found = [...database.getRange()][entry];
  if (found === undefined) throw new Error(`table ${table} has no entry ${entry}`);
  const changed = change(Buffer.from(found.value));
  if (changed === undefined) await database.remove(found.key);
  else await database.put(found.key, changed);
  await environment.close();
};

const flip = (at: number) => (bytes: Buffer) => {
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes;
};

const readAndClose = async (): Promise<void> => {
  const reader = await readJournal(directory.path);
  await reader.close();
};

describe('damage', () => {
  const cases: [string, 'inbox' | 'log', (bytes: Buffer) => Buffer | undefined, number][] = [
    ['a flipped bit in an inbox record', 'inbox', flip(-1), 0],
    ['a flipped bit in a step log record', 'log', flip(20), 0],
    ['a flipped bit in a checksum', 'log', flip(0), 1],
    ['a record that is cut off', 'log', (bytes) => bytes.subarray(0, 3), 0],
    ['a record that is missing in the middle', 'log', () => undefined, 1],
    ['a missing only record', 'inbox', () => undefined, 0],
    ['a missing last record', 'log', () => undefined, 2],
  ];
  test.each(cases)('%s is JOURNAL_DAMAGED for the server and the reader', async (_name, table, change, entry) => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    await tamper(table, change, entry);
    await expect(start()).rejects.toMatchObject({
      code: 'JOURNAL_DAMAGED',
      details: { table, shard: 0, position: expect.any(Number) as number },
    });
    await expect(readJournal(directory.path)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED' });
  });

  test('in a value of a store is JOURNAL_DAMAGED when it is read', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    await tamper('values', flip(-1));
    const again = await start();
    expect(await codeOf(again.client().store('s').get('k'))).toBe('JOURNAL_DAMAGED');
    await again.close();
  });

  test('a file that is cut off, overwritten or not an environment is not opened; LMDB would end the process', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    const file = join(directory.path, 'journal', 'data.mdb');
    const whole = readFileSync(file);
    const page = 4_096;
    for (let at = 0; at < whole.length; at += page) {
      const cut = whole.subarray(0, at + page / 2);
      const overwritten = Buffer.from(whole).fill(0, at, at + page);
      for (const content of [cut, overwritten]) {
        writeFileSync(file, content);
        // Pages that nothing refers to may be lost.
        expect(['JOURNAL_DAMAGED', 'resolved']).toContain(await codeOf(readAndClose()));
      }
    }
    writeFileSync(file, whole.subarray(0, 3 * page));
    expect(await codeOf(start())).toBe('JOURNAL_DAMAGED');
    writeFileSync(file, whole);
    await readAndClose();
  });

  test('a file that is not an environment is not opened', async () => {
    await (await start()).close();
    writeFileSync(join(directory.path, 'journal', 'data.mdb'), Buffer.alloc(65_536, 7));
    expect(await codeOf(start())).toBe('JOURNAL_DAMAGED');
  });
});

test('a run directory that cannot be made is DISK', async () => {
  writeFileSync(join(directory.path, 'journal'), 'a file where the directory should be');
  expect(await codeOf(start())).toBe('DISK');
});

test('a disk that is full is DISK for what is under way and what comes later; what was acknowledged stays', async () => {
  const script = new URL('./fixtures/fill-disk.ts', import.meta.url).pathname;
  const command = `ulimit -f 2048; exec "${process.execPath}" --disable-warning=ExperimentalWarning "${script}" "${directory.path}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8', timeout: 120_000 });
  const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? stderr) as { codes: string[]; acknowledged: number };
  expect(answer.codes).toEqual(['DISK', 'DISK', 'DISK']);
  expect(answer.acknowledged).toBeGreaterThan(0);
  const reader = await readJournal(directory.path);
  expect(reader.counts.mail).toBeGreaterThanOrEqual(answer.acknowledged);
  await reader.close();
});
