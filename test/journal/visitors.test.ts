/** Those who read a journal beside its writer: what they do not do to it (J7, R1), and what they see (R2, R3). */
import { type ChildProcess, spawn as startProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataFile } from '../../src/journal/data-file.ts';
import { type JournalReader, readJournal, type ServiceStore } from '../../src/journal/index.ts';
import { codeOf, startJournal, temporaryDirectory, until, type JournalThread } from './fixtures/harness.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const start = (): Promise<JournalThread> =>
  startJournal({ directory: directory.path, shards: 2, durability: 'committed' });

const visitors = (): string => join(directory.path, 'journal', 'visitors');

/** Changes every value in a transaction of its own: what they took before is free for the next. */
const change = async (store: ServiceStore, value: string, keys: number): Promise<void> => {
  for (let key = 0; key < keys; key += 1) {
    await store.commit({
      effectId: null,
      result: null,
      changes: [{ key: `k${key}`, value: value + 'x'.repeat(2_000) }],
    });
  }
};

const seen = (reader: JournalReader): Set<string> =>
  new Set(
    reader
      .store('s')
      .range()
      .map(([, value]) => String(value).slice(0, 1)),
  );

/** A process that reads (`fixtures/reads.ts`), after its first opening. */
const startReads = async (
  ...mode: string[]
): Promise<{ child: ChildProcess; output: () => string; errors: () => string }> => {
  const program = fileURLToPath(new URL('fixtures/reads.ts', import.meta.url));
  const child = startProcess(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    program,
    directory.path,
    ...mode,
  ]);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  return { child, output: () => output, errors: () => errors };
};

test('nothing acknowledged is lost, however often another process reads (J7)', async () => {
  const journal = await start();
  const store = journal.client().store('s');
  const { child, output, errors } = await startReads();
  const ended = once(child, 'close');
  let written = 0;
  while (output().length < 150 && child.exitCode === null && child.signalCode === null) {
    await store.commit({ effectId: null, result: null, changes: [{ key: `k${written}`, value: written }] });
    written += 1;
  }
  child.kill('SIGKILL');
  await ended;
  expect(errors()).toBe('');
  const there = await store.range('', 'l');
  expect(there).toHaveLength(written);
  await journal.close();
});

test.runIf(process.platform === 'linux')("a reader has its writer's table of readers not open (R1)", async () => {
  const journal = await start();
  await journal.close();
  const reader = await readJournal(directory.path);
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  expect(maps.filter((line) => line.includes(directory.path)).length).toBeGreaterThan(0);
  expect(maps.filter((line) => line.includes(join(directory.path, 'journal', 'lock.mdb')))).toEqual([]);
  await reader.close();
});

describe('what a reader sees', () => {
  test('stays while it looks, and its place is used again when it has left (R2)', async () => {
    const journal = await start();
    const store = journal.client().store('s');
    await change(store, 'a', 20);
    const first = await readJournal(directory.path);
    for (const value of ['b', 'c', 'd']) await change(store, value, 20);
    const second = await readJournal(directory.path);
    for (const value of ['e', 'f', 'g']) await change(store, value, 20);
    expect(seen(first)).toEqual(new Set(['a']));
    expect(seen(second)).toEqual(new Set(['d']));
    expect(readdirSync(visitors()).filter((name) => name.endsWith('.held'))).toHaveLength(2);
    await first.close();
    expect(seen(second)).toEqual(new Set(['d']));
    await second.close();
    expect(readdirSync(visitors())).toEqual(['served']);
    await journal.close();
    expect(existsSync(visitors())).toBe(false);
  });

  test('stays when somebody begins to write (R2)', async () => {
    const before = await start();
    await change(before.client().store('s'), 'a', 20);
    await before.close();
    const { child, output, errors } = await startReads('hold');
    const journal = await start();
    for (const value of ['b', 'c', 'd', 'e']) await change(journal.client().store('s'), value, 20);
    const ended = once(child, 'close');
    child.stdin?.end();
    await ended;
    expect(errors()).toBe('');
    const values = (JSON.parse(output().slice(1)) as [string, string][]).map(([, value]) => value.slice(0, 1));
    expect(values).toEqual(Array.from({ length: 20 }, () => 'a'));
    await journal.close();
  });

  test('is what it was, and a writer of its own process waits for it', async () => {
    await (await start()).close();
    const reader = await readJournal(directory.path);
    const opening = start();
    await until(() => existsSync(join(visitors(), 'opening')), 'the writer');
    // Whoever comes now waits for the writer.
    const meanwhile = readJournal(directory.path);
    await reader.close();
    const journal = await opening;
    await change(journal.client().store('s'), 'a', 1);
    await (await meanwhile).close();
    await journal.close();
  });

  test('is no journal, or a whole one, while it is made', async () => {
    for (let round = 0; round < 5; round += 1) {
      const state = { opened: false };
      const opening = start().finally(() => (state.opened = true));
      const codes = new Set<string>();
      while (!state.opened) {
        codes.add(await codeOf(readJournal(directory.path).then((reader) => reader.close())));
        await sleep(0);
      }
      expect([...codes].filter((code) => code !== 'RUN_DIR_NOT_FOUND' && code !== 'resolved')).toEqual([]);
      await (await opening).close();
      directory.remove();
      mkdirSync(directory.path);
    }
  });
});

test('a visitor whose process is gone is not held for ever (R3)', async () => {
  await (await start()).close();
  // No process has this number.
  const [old, fresh] = ['2000000001.abcdef.held', '2000000001.ghijkl'];
  for (const name of [old, fresh]) mkdirSync(join(visitors(), name), { recursive: true });
  utimesSync(join(visitors(), old), 1, 1);
  const journal = await start();
  // The other may be of a process that cannot be seen from here.
  expect(readdirSync(visitors()).sort()).toEqual([`${fresh}.held`, 'served']);
  await journal.close();
});

test('a data file that has grown since it was opened is not cut off', () => {
  const path = join(directory.path, 'data');
  writeFileSync(path, 'ab');
  const descriptor = openSync(path, 'r');
  const file = new DataFile(descriptor, path);
  expect(() => file.read(0, 4)).toThrow(/is cut off/u);
  writeFileSync(path, 'abcd');
  expect(file.read(0, 4).toString()).toBe('abcd');
  closeSync(descriptor);
});
