/** A journal after a loss of power: what was flushed is there, what was not may be torn and is not looked at. */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJournal } from '../../src/journal/index.ts';
import { losePower } from '../kill/power-loss.ts';
import { mail, spawn, startJournal, temporaryDirectory, to } from './fixtures/harness.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const dataFile = (): string => join(directory.path, 'journal', 'data.mdb');

/** The head of the last flushed state lies half a page behind the first head. */
const HEAD_BYTES = 168;
const flushedHeadAt = (): number => readFileSync(dataFile()).readUInt32LE(48) / 2;

const write = async (...bodies: string[]): Promise<void> => {
  const journal = await startJournal({ directory: directory.path, shards: 1, durability: 'flushed' });
  const client = journal.client();
  for (const body of bodies) await client.deliver(to(0, mail(256, body)));
  await journal.close();
};

const mails = async (): Promise<unknown[]> => {
  const reader = await readJournal(directory.path);
  try {
    return (reader.shards[0]?.deliveries ?? []).map(({ entry }) => (entry.kind === 'mail' ? entry.mail.body : null));
  } finally {
    await reader.close();
  }
};

/** As if the flush of everything since `head` was read had never come to its end when the power went. */
const lose = (head: Buffer): number => {
  const descriptor = openSync(dataFile(), 'r+');
  writeSync(descriptor, head, 0, HEAD_BYTES, flushedHeadAt());
  closeSync(descriptor);
  return losePower(dataFile(), () => 0.5);
};

const flushedHead = (): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(dataFile(), 'r');
  readSync(descriptor, head, 0, HEAD_BYTES, flushedHeadAt());
  closeSync(descriptor);
  return head;
};

test('a reader and the next owner find what was flushed, whatever became of the rest (D1)', async () => {
  const journal = await startJournal({ directory: directory.path, shards: 1, durability: 'flushed' });
  await journal.client().deliver(to(0, spawn(256), mail(256, 'flushed')));
  await journal.close();
  const head = flushedHead();
  // One transaction, since LMDB uses the pages of a state again once a later one is flushed.
  await write('x'.repeat(100_000));
  expect(await mails()).toHaveLength(2);
  expect(lose(head)).toBeGreaterThan(1);
  // Before anybody has opened it to write, too: the newest heads are there and lead to torn pages.
  const bytes = readFileSync(dataFile());
  expect(await mails()).toEqual(['flushed']);
  expect(readFileSync(dataFile()).equals(bytes)).toBe(true);
  await write('next');
  expect(await mails()).toEqual(['flushed', 'next']);
});

test('a file that is whole after a start of the machine is read as it is', async () => {
  await write('a', 'b');
  expect(losePower(dataFile(), () => 0.5)).toBe(0);
  expect(await mails()).toEqual(['a', 'b']);
  await write('c');
  expect(await mails()).toEqual(['a', 'b', 'c']);
});
