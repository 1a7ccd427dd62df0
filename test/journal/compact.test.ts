/** Compaction: the same content in less space, at whatever moment it is interrupted. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compactJournal, type JournalReader, readJournal } from '../../src/journal/index.ts';
import {
  codeOf,
  type JournalThread,
  mail,
  signal,
  spawn,
  startJournal,
  step,
  temporaryDirectory,
  to,
} from './fixtures/harness.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const start = (): Promise<JournalThread> =>
  startJournal({ directory: directory.path, shards: 2, durability: 'committed' });

const ignore = (): void => {};
const STEPS = 400;

/** Much that is done with; and a step in progress, an open turn, timers, children, waiting mail, a stopped actor. */
const fill = async (journal: JournalThread): Promise<void> => {
  const client = journal.client();
  const log = client.shard(0);
  await log.open(ignore);
  await client.deliver(to(0, spawn(256), spawn(512), spawn(768), spawn(1_024), mail(256, 'first')));
  const work = Array.from({ length: STEPS }, (_, index) =>
    log.append({
      entries: [step(256, index, { state: { index, text: 'x'.repeat(500) }, history: [index] })],
      outgoing: to(1, mail(257, 'y'.repeat(500))),
    }),
  );
  await Promise.all(work);
  await log.append({
    entries: [
      step(512, 0, {
        open: true,
        timers: [{ key: 't', timer: { key: 't', dueMs: 9, periodMs: 5, type: 'x', body: 0 } }],
      }),
    ],
    outgoing: to(1, spawn(2_048, 'kid', { shard: 0, id: 512 })),
  });
  await log.append({ entries: [{ kind: 'begin', actor: 768, step: 0, taken: [], key: 'model' }], outgoing: [] });
  await log.append({
    entries: [
      { kind: 'effect', actor: 768, step: 0, key: 'model', result: { text: 'answer' } },
      { kind: 'begin', actor: 768, step: 0, taken: [], key: 'tool' },
    ],
    outgoing: [],
  });
  await log.append({ entries: [step(1_024, 0, { stopped: true })], outgoing: to(0, signal(512, 'gone')) });
  const other = client.shard(1);
  await other.open(ignore);
  const taken = Array.from({ length: STEPS - 3 }, (_, index) => index + 1);
  await other.append({ entries: [{ kind: 'drop', actor: 257, taken, reason: 'none', stopped: false }], outgoing: [] });
  await client.store('s').commit({ effectId: 'a/0/k', result: 'kept', changes: [{ key: 'k', value: 1 }] });
};

/** What must not change. */
const contentOf = (reader: JournalReader): unknown => ({
  counts: reader.counts,
  logHash: reader.logHash,
  stores: [reader.store('s').range(), reader.store('s').result('a/0/k')],
  shards: reader.shards.map(({ actors, deliveries, idMax }) => ({
    deliveries,
    idMax,
    actors: actors
      .map((actor) => ({ ...actor, historySaved: 0 }))
      .sort((left, right) => left.record.id - right.record.id),
  })),
});

const content = async (): Promise<unknown> => {
  const reader = await readJournal(directory.path);
  try {
    return contentOf(reader);
  } finally {
    await reader.close();
  }
};

/** Goes on with every actor. */
const goOn = async (journal: JournalThread): Promise<void> => {
  const client = journal.client();
  const log = client.shard(0);
  const { deliveries } = await log.open(ignore);
  const taken = deliveries.slice(0, 1).map(({ seq }) => seq);
  await log.append({ entries: [step(256, STEPS, { taken, history: ['more'] })], outgoing: to(1, mail(257, 'z')) });
  await log.append({ entries: [{ kind: 'begin', actor: 768, step: 0, taken: [], key: 'tool' }], outgoing: [] });
  await log.append({ entries: [step(768, 0, { effects: [['tool', 1]] })], outgoing: [] });
  await log.append({ entries: [step(512, 1, { stopped: true })], outgoing: [] });
};

const dataBytes = (): number => statSync(join(directory.path, 'journal', 'data.mdb')).size;

describe('a compacted journal', () => {
  test('reads the same in less space, also when it is compacted again', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    const before = await content();
    const bytes = dataBytes();
    const { bytesBefore, bytesAfter } = await compactJournal(directory.path);
    expect([bytesBefore, bytesAfter]).toEqual([bytes, dataBytes()]);
    expect(bytesAfter).toBeLessThan(bytes / 2);
    expect(await content()).toEqual(before);
    const again = await compactJournal(directory.path);
    // How many transactions it takes, and so how many pages, is not always the same.
    expect(again.bytesAfter).toBeLessThan(bytes / 2);
    expect(await content()).toEqual(before);
    expect(existsSync(join(directory.path, 'journal', 'compacting'))).toBe(false);
  });

  test('opens the same, and what is done then counts and hashes as if it had never been compacted', async () => {
    const run = async (compactions: number): Promise<unknown> => {
      directory.remove();
      directory = temporaryDirectory();
      const first = await start();
      await fill(first);
      const { pending } = { pending: await first.client().pending() };
      await first.close();
      for (let round = 0; round < compactions; round += 1) await compactJournal(directory.path);
      const second = await start();
      expect(second.pending).toBe(pending);
      await goOn(second);
      await second.close();
      if (compactions > 1) await compactJournal(directory.path);
      return content();
    };
    const whole = await run(0);
    expect(await run(1)).toEqual(whole);
    expect(await run(2)).toEqual(whole);
  });

  test('makes those passive who have nothing to do', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    await compactJournal(directory.path);
    const again = await start();
    const log = again.client().shard(0);
    const found = await log.open(ignore);
    // 256 has mail, 512 an open turn and a signal, 768 a step in progress; 1024 stopped.
    expect(found.actors.map(({ record }) => record.id).sort((left, right) => left - right)).toEqual([256, 512, 768]);
    expect(found.actors.find(({ record }) => record.id === 768)?.begun).toEqual({
      taken: [],
      effects: new Map([['model', { text: 'answer' }]]),
      intents: ['tool'],
    });
    const shard = again.client().shard(1);
    expect((await shard.open(ignore)).passive).toBe(1);
    expect((await shard.load([2_048]))[0]?.record.name).toBe('kid');
    expect(await shard.find('kid')).toBe(2_048);
    await again.close();
  });

  test('cut appends are not read any more, later ones are', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    await compactJournal(directory.path);
    const again = await start();
    await goOn(again);
    await again.close();
    const reader = await readJournal(directory.path);
    expect([...reader.appends(0)].map(({ position }) => position)).toEqual([404, 405, 406, 407]);
    expect(() => reader.inboxEntry(1, 5)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }));
    await reader.close();
  });

  test('damage is not carried over: the old journal is kept as it is', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    const file = join(directory.path, 'journal', 'data.mdb');
    const damagedFile = readFileSync(file);
    const at = damagedFile.indexOf('x'.repeat(500));
    damagedFile[at] = 'y'.charCodeAt(0);
    writeFileSync(file, damagedFile);
    expect(await codeOf(compactJournal(directory.path))).toBe('JOURNAL_DAMAGED');
    expect(readFileSync(file).equals(damagedFile)).toBe(true);
  });

  test('a directory without a journal is RUN_DIR_NOT_FOUND', async () => {
    expect(await codeOf(compactJournal(directory.path))).toBe('RUN_DIR_NOT_FOUND');
  });

  test('what an interrupted compaction left is cleared by the next writer', async () => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    const before = await content();
    const left = join(directory.path, 'journal', 'compacting');
    mkdirSync(left);
    writeFileSync(join(left, 'data.mdb'), 'half a file');
    expect(await content()).toEqual(before);
    await (await start()).close();
    expect(existsSync(left)).toBe(false);
    expect(await content()).toEqual(before);
  });
});

describe('a compaction that is killed', () => {
  const kill = (count: number): void => {
    const index = new URL('../../src/journal/index.ts', import.meta.url).href;
    const script = `import { compactJournal } from ${JSON.stringify(index)};
      await compactJournal(${JSON.stringify(directory.path)});`;
    const { signal: endedBy, stderr } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      {
        encoding: 'utf8',
        env: { ...process.env, NODE_ENV: 'test', MEGACTOR_KILL_AT: `compaction:${count}` },
      },
    );
    expect([endedBy, stderr]).toEqual(['SIGKILL', '']);
  };

  test.each([1, 2, 3])('at passage %i leaves a journal that opens with the same content (Z2)', async (count) => {
    const journal = await start();
    await fill(journal);
    await journal.close();
    const before = await content();
    kill(count);
    expect(await content()).toEqual(before);
    const again = await start();
    expect(await content()).toEqual(before);
    await goOn(again);
    await again.close();
    const after = await content();
    await compactJournal(directory.path);
    expect(await content()).toEqual(after);
  });
});
