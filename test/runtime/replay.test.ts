/** D5 for any system: every step of durable actors comes to what the journal has, and what does not is named. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compactJournal, readJournal } from '../../src/journal/index.ts';
import { ActorSystem, type Replayed, type SystemRef } from '../../src/runtime/index.ts';
import { DefinitionLoader } from '../../src/runtime/definition-loader.ts';
import { replayJournal } from '../../src/runtime/replay/index.ts';
import { firstDifference } from '../../src/runtime/replay/difference.ts';
import { scribe, worker } from './fixtures/replayed-actors.ts';

const SEED = 9;
const made: string[] = [];
let directory: string;
const makeDirectory = (): void => {
  directory = mkdtempSync(join(tmpdir(), 'megactor-replay-'));
  made.push(directory);
};
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

const start = (threads: number): Promise<ActorSystem> =>
  ActorSystem.start({ threads, shards: 3, seed: SEED, journal: { directory, durability: 'committed' } });

type Worker = SystemRef<(typeof worker)['messages']>;

/** Waits until the worker has seen so much and nothing waits any more. */
const quiet = async (system: ActorSystem, ref: Worker, seen: number): Promise<void> => {
  for (let attempt = 0; attempt < 3_000; attempt += 1) {
    const is = await ref.ask('seen', undefined, { deadlineMs: 30_000 });
    if (is === seen && (await system.journal?.pending()) === 0) return;
    await sleep(10);
  }
  throw new Error(`the worker has not seen ${seen}`);
};

const spawn = (system: ActorSystem): Promise<Worker> =>
  system.spawn(worker, directory, {
    name: 'worker',
    durable: true,
    passivateAfterMs: 20,
    restart: 'transient',
    intensity: { max: 100, withinMs: 1_000 },
  });

const work = (ref: Worker, words: readonly string[], fail = false): void => {
  for (const word of words) ref.tell('work', { word, fail });
};

const replay = async (loader = new DefinitionLoader(), seed = SEED): Promise<Replayed & { readonly log: string }> => {
  const reader = await readJournal(directory);
  try {
    return { ...(await replayJournal(reader, { seed, loader })), log: reader.logHash };
  } finally {
    await reader.close();
  }
};

const replaysTheSame = async (): Promise<number> => {
  const { entries, logHash, diverged, log } = await replay();
  expect(diverged).toBeNull();
  expect(logHash).toBe(log);
  return entries;
};

/** Work in two processes' worth of systems, on different numbers of threads, with tries that fail between. */
const fill = async (): Promise<void> => {
  {
    await using system = await start(2);
    const ref = await spawn(system);
    work(ref, ['a', 'b']);
    await quiet(system, ref, 2);
    work(ref, ['c'], true);
    work(ref, ['d']);
    await quiet(system, ref, 4);
  }
  await using system = await start(1);
  const ref = await system.lookup<(typeof worker)['messages']>('worker');
  if (ref === null) throw new Error('the worker is gone');
  work(ref, ['e'], true);
  work(ref, ['f']);
  await quiet(system, ref, 6);
};

describe('D5 time, randomness, results, failures, timers, children: all is in the journal', () => {
  beforeEach(makeDirectory);

  test('over restarts, passivation, failed tries and thread counts; nothing is called again', async () => {
    await fill();
    const calls = readFileSync(join(directory, 'calls'), 'utf8');
    expect(await replaysTheSame()).toBeGreaterThan(40);
    expect(readFileSync(join(directory, 'calls'), 'utf8')).toBe(calls);
  });

  test('after a compaction from its snapshots, whatever came later', async () => {
    await fill();
    await compactJournal(directory);
    expect(await replaysTheSame()).toBe(0);
    for (const [word, threads] of [
      ['g', 2],
      ['h', 1],
    ] as const) {
      await using system = await start(threads);
      const ref = await system.lookup<(typeof worker)['messages']>('worker');
      if (ref === null) throw new Error('the worker is gone');
      work(ref, [word], true);
      await quiet(system, ref, word === 'g' ? 7 : 8);
    }
    const entries = await replaysTheSame();
    expect(entries).toBeGreaterThan(10);
    await compactJournal(directory);
    expect(await replaysTheSame()).toBe(0);
  });
});

describe('what differs is named', () => {
  beforeAll(async () => {
    makeDirectory();
    await fill();
  });

  /** The module of the fixtures with one definition changed. */
  const changed = (change: Record<string, unknown>): DefinitionLoader =>
    new DefinitionLoader(async (url) => ({ ...((await import(url)) as Record<string, unknown>), ...change }));

  test('another seed: the first number drawn', async () => {
    const { diverged } = await replay(new DefinitionLoader(), SEED + 1);
    expect(diverged).toMatchObject({ actor: 'worker', step: 0, what: 'state', path: 'seen.0.drawn' });
  });

  test('another rule: what it leaves in the state, or sends', async () => {
    const note = (state: { lines: string[] }, line: string): void => void state.lines.push(line.toUpperCase());
    const { diverged } = await replay(changed({ scribe: { ...scribe, receive: { note } } }));
    expect(diverged).toMatchObject({ step: 0, what: 'state', path: 'lines.0' });
    expect(diverged?.actual).toBe(diverged?.expected.toUpperCase());
    const stamp = (): void => undefined;
    const silent = await replay(changed({ worker: { ...worker, receive: { ...worker.receive, stamp } } }));
    expect(silent.diverged).toMatchObject({ actor: 'worker', what: 'state', path: 'last' });
  });

  test('a call that the journal does not have, one that is not made any more, a failure', async () => {
    const rule = (handle: Partial<(typeof worker)['receive']>): DefinitionLoader =>
      changed({ worker: { ...worker, receive: { ...worker.receive, ...handle } } });
    const other = await replay(rule({ stamp: async (_s, _w, ctx) => void (await ctx.effect('more', () => 1)) }));
    expect(other.diverged).toMatchObject({ actor: 'worker', what: 'effects', actual: '"more"' });
    const broken = await replay(rule({ work: () => Promise.reject(new Error('broken')) }));
    expect(broken.diverged).toMatchObject({ actor: 'worker', step: 0, what: 'failure', expected: 'null' });
    expect(broken.diverged?.actual).toContain('broken');
  });

  test('what an ask has changed: no journal has it', async () => {
    makeDirectory();
    {
      await using system = await start(1);
      const ref = await spawn(system);
      expect(await ref.ask('count', undefined)).toBe(1);
      await expect.poll(() => system.journal?.pending()).toBe(0);
    }
    expect((await replay()).diverged).toMatchObject({ actor: 'worker', step: 0, what: 'state', path: 'asked' });
  });
});

test('a difference is shown where it begins, cut short', () => {
  expect(firstDifference({ b: [1, { c: 2 }], a: 1 }, { a: 1, b: [1, { c: 2 }] })).toBeNull();
  expect(firstDifference({ a: [1, { c: 2 }] }, { a: [1, { c: 3 }] })).toEqual({
    path: 'a.1.c',
    expected: '2',
    actual: '3',
  });
  expect(firstDifference([1], [1, 2])).toEqual({ path: '1', expected: 'undefined', actual: '2' });
  const long = 'x'.repeat(10_000);
  const { expected, actual } = firstDifference(`${long}yes`, `${long}no`) ?? { expected: '', actual: '' };
  expect(expected).toMatch(/^…x{38,42}yes"$/u);
  expect(actual).toMatch(/^…x{38,42}no"$/u);
  expect(firstDifference(long, null)?.expected.length).toBeLessThan(300);
  expect(firstDifference({ big: 1n }, { big: 2n })).toEqual({ path: 'big', expected: '"1"', actual: '"2"' });
});
