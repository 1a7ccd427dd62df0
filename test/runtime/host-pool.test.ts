import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { MegactorError } from '../../src/protocol/errors.ts';
import { HostPool } from '../../src/runtime/host-pool.ts';

test('H3 what a thread says after it was ended fails no other run, and a run that was ended keeps no thread', async () => {
  const entry = new URL('./fixtures/last-words-entry.ts', import.meta.url);
  const pool = new HostPool({ threads: 2, entry, maxOldGenerationMb: 96 });
  const ending = new MegactorError('HOST_BLOCKED', 'gave no sign of life');
  const row = new SharedArrayBuffer(8);
  const flags = new Int32Array(row);
  const settled: string[] = [];
  const start = (name: string, fails = false): ReturnType<HostPool['run']> => {
    const run = pool.run({ row, fails }, []);
    run.ended.catch((thrown: MegactorError) => settled.push(`${name} ${thrown.code}`));
    return run;
  };
  const running = (count: number): Promise<void> => expect.poll(() => Atomics.load(flags, 0)).toBe(count);
  try {
    const first = start('first', true);
    const second = start('second');
    await running(2);
    // This thread is busy while the other one fails, and ends it before it looks.
    Atomics.store(flags, 1, 1);
    while (Atomics.load(flags, 0) === 2) Atomics.wait(flags, 0, 2, 1_000);
    Atomics.wait(flags, 0, 3, 100);
    first.kill(ending);
    const third = start('third');
    await running(4);
    expect(settled).toEqual(['first HOST_BLOCKED']);
    // Both threads are taken.
    third.kill(ending);
    start('fourth');
    await running(5);
    second.kill(ending);
    await expect.poll(() => settled).toEqual(['first', 'third', 'second'].map((name) => `${name} HOST_BLOCKED`));
  } finally {
    await pool.destroy();
  }
});

test('A7 the entry of a host is required as it is: the copy that Node makes of others ends the process with their thread', () => {
  const entry = fileURLToPath(new URL('../../src/runtime/host-entry.ts', import.meta.url));
  expect(typeof createRequire(import.meta.url)(entry)).toBe('function');
});
