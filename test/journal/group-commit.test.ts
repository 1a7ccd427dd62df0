/** Group commit driven by hand: the test decides when a transaction is committed, flushed or fails. */
import { expect, test } from 'vitest';
import type { Backend, BackendWrite } from '../../src/journal/backend.ts';
import { decodeInboxRecord } from '../../src/journal/codec.ts';
import { GroupCommit } from '../../src/journal/group-commit.ts';
import { MemoryBackend } from '../../src/journal/memory-backend.ts';
import { type Clock, systemClock } from '../../src/platform/index.ts';

interface Writing {
  readonly group: BackendWrite;
  readonly committed: () => void;
  readonly flushed: () => void;
  readonly failed: (error: unknown) => void;
}

const setUp = () => {
  const writings: Writing[] = [];
  let soon: (() => void)[] = [];
  const clock: Clock = { ...systemClock, soon: (callback) => soon.push(callback) };
  const backend: Backend = Object.assign(new MemoryBackend(), {
    write: (group: BackendWrite, committed: () => void, flushed: () => void, failed: (error: unknown) => void) => {
      writings.push({ group, committed, flushed, failed });
    },
  });
  const events: string[] = [];
  const commit = new GroupCommit(backend, clock, {
    reached: (group, level) => events.push(`${level} ${group.inbox.get(0)?.firstSeq}`),
    failed: () => events.push('failed'),
  });
  let seq = 0;
  return {
    commit,
    writings,
    events,
    tick: () => {
      const due = soon;
      soon = [];
      for (const callback of due) callback();
    },
    /** Gathers an entry; its name is its position. */
    add: (level: 'committed' | 'flushed' = 'flushed', bytes = 10) => {
      const name = seq;
      seq += 1;
      commit.current().addInbox(0, name, 0, new Uint8Array(bytes));
      commit.after(level, (error) => events.push(error === null ? `answer ${name}` : `error ${name}`));
    },
  };
};

const sizesOf = (writings: readonly Writing[]): number[] => writings.map(({ group }) => group.inbox[0]?.first ?? -1);

test('what arrives in one turn, or while a transaction is under way, is one transaction (G2)', () => {
  const { commit, writings, tick, add } = setUp();
  add();
  add();
  expect(writings).toHaveLength(0);
  tick();
  expect(sizesOf(writings)).toEqual([0]);
  add();
  add();
  add();
  tick();
  expect(writings).toHaveLength(1);
  writings[0]?.committed();
  expect(sizesOf(writings)).toEqual([0, 2]);
  expect(commit.failure).toBeNull();
});

test('answers come at their level, in order, and at most two groups are unflushed (G1, G4)', () => {
  const { writings, events, tick, add } = setUp();
  add('committed');
  add('flushed');
  tick();
  writings[0]?.committed();
  expect(events).toEqual(['committed 0', 'answer 0']);
  add('committed');
  tick();
  writings[1]?.committed();
  add('flushed');
  tick();
  expect(writings).toHaveLength(2);
  // The second flush is told first: the first group is on disk with it.
  writings[1]?.flushed();
  writings[0]?.flushed();
  expect(writings).toHaveLength(3);
  writings[2]?.flushed();
  expect(events.slice(2)).toEqual([
    'committed 2',
    'answer 2',
    'flushed 0',
    'answer 1',
    'flushed 2',
    'committed 3',
    'flushed 3',
    'answer 3',
  ]);
});

test('a large group is closed; one larger append stays whole (G2)', () => {
  const { writings, tick, add } = setUp();
  add('flushed', 20_000_000);
  add('flushed', 10);
  tick();
  writings[0]?.committed();
  expect(sizesOf(writings)).toEqual([0, 1]);
});

test('a failure reaches everybody who waits and everybody who comes later; nothing is written any more (G3)', () => {
  const { commit, writings, events, tick, add } = setUp();
  add();
  tick();
  add();
  writings[0]?.failed(new Error('no space'));
  add();
  tick();
  writings[0]?.committed();
  expect(events).toEqual(['error 0', 'error 1', 'failed', 'error 2']);
  expect(writings).toHaveLength(1);
  expect(commit.failure).toBeInstanceOf(Error);
});

test('what one group puts into an inbox is cut into records of some 64 KiB, all of it and in order (G2)', () => {
  const { writings, tick, add } = setUp();
  const sizes = [30_000, 30_000, 30_000, 10, 200_000, 10, 10, 65_536, 65_535, 1, 5];
  for (const bytes of sizes) add('flushed', bytes);
  tick();
  expect(writings).toHaveLength(1);
  const records = writings[0]?.group.inbox ?? [];
  expect(records.map(({ first, end }) => [first, end])).toEqual([
    [0, 3],
    [3, 5],
    [5, 8],
    [8, 10],
    [10, 11],
  ]);
  const read = records.map(({ first, bytes }) => decodeInboxRecord(0, first, bytes));
  expect(read.flatMap(({ payloads }) => payloads.map(({ length }) => length))).toEqual(sizes);
  expect(read.map(({ kinds }) => kinds.length)).toEqual([3, 2, 3, 2, 1]);
});
