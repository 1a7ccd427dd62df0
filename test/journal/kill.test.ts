/** A journal whose process is killed with SIGKILL in mid-write: what was acknowledged is there, nothing is there half. */
import { type ChildProcess, spawn as spawnProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readJournal } from '../../src/journal/index.ts';
import { temporaryDirectory } from './fixtures/harness.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
const writers: ChildProcess[] = [];
afterEach(() => {
  for (const writer of writers.splice(0)) writer.kill('SIGKILL');
  directory.remove();
});

interface Writer {
  /** The largest step that was acknowledged so far. */
  acknowledged(): number;
  kill(): Promise<void>;
}

/** @param pauseMs how long it rests between its rounds of 20 steps, so that its log stays small enough to be read often */
const startWriter = async (durability: string, pauseMs = 0): Promise<Writer> => {
  const file = new URL('./fixtures/writer.ts', import.meta.url).pathname;
  const child = spawnProcess(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    file,
    directory.path,
    durability,
    String(pauseMs),
  ]);
  writers.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  while (!output.includes('step')) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the writer ended: ${errors}`);
    await sleep(5);
  }
  return {
    acknowledged: () => {
      let largest = -1;
      // As many as the machine lets it write, which may be more than a call takes as arguments.
      for (const [, step] of output.matchAll(/^step (\d+)$/gmu)) largest = Math.max(largest, Number(step));
      return largest;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
};

/** What must hold of every state that can be read, whenever. @returns the number of steps in it */
const checkWhole = async (): Promise<number> => {
  const reader = await readJournal(directory.path);
  const [own, first, second] = reader.shards;
  const steps = own?.actors[0]?.step ?? 0;
  const numbers = Array.from({ length: steps }, (_, index) => index);
  expect(own?.actors[0]?.history).toEqual(numbers);
  for (const shard of [first, second]) {
    expect(shard?.deliveries.map(({ entry }) => (entry.kind === 'mail' ? entry.mail.body : null))).toEqual(numbers);
  }
  // One mail consumed and one sent to itself by every step.
  expect(own?.deliveries).toHaveLength(20);
  expect(reader.counts.pending).toBe(20 + 2 * steps);
  const store = reader.store('counter');
  const kept = store.range();
  for (const [key, value] of kept) expect(store.result(`a/${key}/k`)).toEqual({ result: value });
  // Stores are committed before the step of the same turn, never after it.
  expect(kept.length).toBeGreaterThanOrEqual(steps);
  await reader.close();
  return steps;
};

test.each(['committed', 'flushed'])(
  'kills lose nothing acknowledged and leave nothing half (J1, J2, D1, %s)',
  async (durability) => {
    for (const afterMs of [20, 100]) {
      const writer = await startWriter(durability);
      await sleep(afterMs);
      await writer.kill();
      expect(await checkWhole()).toBeGreaterThan(writer.acknowledged());
    }
  },
);

test('no state that a reader sees while it is written is half (J2)', async () => {
  const writer = await startWriter('committed', 10);
  const seen = new Set<number>();
  // Enough looks, at enough different states: a busy machine lets the writer on less often.
  for (let round = 0; round < 500 && (round < 25 || seen.size <= 3); round += 1) {
    seen.add(await checkWhole());
    // Lets the output of the writer in, which would wait for it otherwise.
    await sleep(1);
  }
  await writer.kill();
  expect(seen.size).toBeGreaterThan(3);
});
