/** Reading a journal without taking part: live from the same and from another process, finished, killed. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type JournalReader, readJournal } from '../../src/journal/index.ts';
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
let journal: JournalThread;
beforeEach(async () => {
  directory = temporaryDirectory();
  journal = await startJournal({ directory: directory.path, shards: 2, durability: 'committed' });
});
afterEach(async () => {
  await journal.close();
  directory.remove();
});

const reading = async <Result>(use: (reader: JournalReader) => Result): Promise<Result> => {
  const reader = await readJournal(directory.path);
  try {
    return use(reader);
  } finally {
    await reader.close();
  }
};

/** Two steps of one actor; `together` puts them into one append. */
const work = async (together: boolean, state: unknown = { b: 2, a: 1 }): Promise<void> => {
  const client = journal.client();
  const log = client.shard(0);
  await log.open(() => {});
  await client.deliver(to(0, spawn(256), mail(256, 'm')));
  const first = step(256, 0, { taken: [1], state, history: ['h'], effects: [['e', 1]], open: true });
  const second = step(256, 1, { state: 'done' });
  if (together) {
    await log.append({ entries: [first, second], outgoing: [...to(1, mail(9, 'x')), ...to(1, signal(9, 'y'))] });
  } else {
    await log.append({ entries: [first], outgoing: to(1, mail(9, 'x')) });
    await log.append({ entries: [second], outgoing: to(1, signal(9, 'y')) });
  }
};

test('a live journal reads as its clients see it, and goes on', async () => {
  await work(false);
  const client = journal.client();
  await client.store('s').commit({ effectId: 'a/0/k', result: [1], changes: [{ key: 'k', value: 'v' }] });
  await client.store('s2').commit({ effectId: null, result: null, changes: [{ key: 'k', value: 'w' }] });
  const found = await client.shard(0).open(() => {});
  await reading((reader) => {
    expect(reader.shards).toHaveLength(2);
    expect(reader.shards[0]).toEqual(found);
    expect(reader.shards[1]?.deliveries).toEqual([
      { seq: 0, entry: mail(9, 'x') },
      { seq: 1, entry: signal(9, 'y') },
    ]);
    expect(reader.store('s').range()).toEqual([['k', 'v']]);
    expect(reader.store('s').range('l', 'z')).toEqual([]);
    expect(reader.store('s').get('k')).toBe('v');
    expect(reader.store('s').result('a/0/k')).toEqual({ result: [1] });
    expect(reader.store('none').range()).toEqual([]);
    expect(reader.counts).toEqual({
      entries: 2,
      begins: 0,
      effects: 0,
      steps: 2,
      drops: 0,
      repeatedBegins: 0,
      mail: 2,
      signals: 1,
      spawns: 1,
      pending: 2,
    });
  });
  await client.deliver(to(0, mail(256, 'later')));
  await reading((reader) => expect(reader.counts.mail).toBe(3));
});

test('the step log is read in order, with what every append sent and with the mail it took', async () => {
  await work(false);
  await reading((reader) => {
    const appends = [...reader.appends(0)];
    expect(appends.map(({ position }) => position)).toEqual([0, 1]);
    expect(appends.map(({ outgoing }) => outgoing)).toEqual([to(1, mail(9, 'x')), to(1, signal(9, 'y'))]);
    const first = appends[0]?.entries[0];
    expect(first?.kind === 'step' ? reader.inboxEntry(0, first.taken[0] ?? -1) : null).toEqual(mail(256, 'm'));
    expect(() => reader.inboxEntry(0, 99)).toThrow(/nothing at position 99/u);
    expect([...reader.appends(1)]).toEqual([]);
  });
});

test('begins that a crash made again are counted', async () => {
  const client = journal.client();
  const log = client.shard(0);
  await log.open(() => {});
  await client.deliver(to(0, spawn(256)));
  const begin = (number: number, key: string) =>
    log.append({ entries: [{ kind: 'begin', actor: 256, step: number, taken: [], key }], outgoing: [] });
  await begin(0, 'model');
  await begin(0, 'tool');
  await begin(0, 'model');
  await log.append({ entries: [step(256, 0)], outgoing: [] });
  await begin(1, 'model');
  await reading((reader) => expect([reader.counts.begins, reader.counts.repeatedBegins]).toEqual([4, 1]));
});

describe('the hash of the log', () => {
  const hashOf = async (build: () => Promise<void>): Promise<string> => {
    await journal.close();
    directory.remove();
    directory = temporaryDirectory();
    journal = await startJournal({ directory: directory.path, shards: 2, durability: 'committed' });
    await build();
    return reading(({ logHash }) => logHash);
  };

  test('does not depend on how steps were grouped into appends, nor on the order of keys', async () => {
    const apart = await hashOf(() => work(false));
    expect(apart).toMatch(/^[0-9a-f]{64}$/u);
    expect(await hashOf(() => work(true))).toBe(apart);
    expect(await hashOf(() => work(true, { a: 1, b: 2 }))).toBe(apart);
  });

  test('does not depend on whether a result was recorded on its own, but on the result', async () => {
    const run = (alone: boolean, result: number) => async (): Promise<void> => {
      const client = journal.client();
      const log = client.shard(0);
      await log.open(() => {});
      await client.deliver(to(0, spawn(256)));
      if (alone)
        await log.append({ entries: [{ kind: 'effect', actor: 256, step: 0, key: 'k', result }], outgoing: [] });
      await log.append({ entries: [step(256, 0, { effects: alone ? [] : [['k', result]] })], outgoing: [] });
    };
    const hash = await hashOf(run(true, 1));
    expect(await hashOf(run(false, 1))).toBe(hash);
    expect(await hashOf(run(true, 2))).not.toBe(hash);
  });

  test('changes with the state, what was sent, and the actor', async () => {
    const hash = await hashOf(() => work(false));
    expect(await hashOf(() => work(false, { a: 1, b: 3 }))).not.toBe(hash);
    const more = await hashOf(async () => {
      await work(false);
      await journal.client().deliver(to(0, mail(256, 'unconsumed')));
    });
    expect(more).toBe(hash);
    const sent = await hashOf(async () => {
      await work(false);
      const log = journal.client().shard(0);
      await log.open(() => {});
      await log.append({ entries: [], outgoing: to(1, mail(9, 'more')) });
    });
    expect(sent).not.toBe(hash);
  });
});

test('another process reads a live journal', async () => {
  await work(true);
  const script = `import { readJournal } from ${JSON.stringify(new URL('../../src/journal/index.ts', import.meta.url).href)};
    const reader = await readJournal(${JSON.stringify(directory.path)});
    process.stdout.write(reader.logHash + ' ' + reader.counts.pending);
    await reader.close();`;
  const output = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  expect(output).toBe(`${await reading(({ logHash }) => logHash)} 2`);
});

test('a directory without a journal is RUN_DIR_NOT_FOUND', async () => {
  expect(await codeOf(readJournal(`${directory.path}/nothing`))).toBe('RUN_DIR_NOT_FOUND');
});
