/** The lease on a run directory, with real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLease, isLeaseHeld, readLeaseOwner } from '../../src/journal/index.ts';
import { temporaryDirectory } from './fixtures/harness.ts';

let directory: ReturnType<typeof temporaryDirectory>;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  directory.remove();
});

/** A process that tries to take the lease and holds it; `answer` is `held` or the code of the refusal. */
const holder = async (): Promise<{ child: ChildProcess; answer: string }> => {
  const script = `import { acquireLease } from ${JSON.stringify(new URL('../../src/journal/lease.ts', import.meta.url).href)};
    try {
      acquireLease(${JSON.stringify(directory.path)}, { pid: process.pid });
      // The lease must not hang on somebody's holding its object.
      globalThis.gc();
      process.stdout.write('held');
      setInterval(() => {}, 1000);
    } catch (error) {
      process.stdout.write(error.code + ' ' + JSON.stringify(error.details));
    }`;
  const child = spawn(process.execPath, [
    '--expose-gc',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    script,
  ]);
  children.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, answer: chunk.toString() };
};

test('a second process is refused and told who holds it; a release frees it (E1)', async () => {
  const lease = acquireLease(directory.path, { pid: process.pid, host: 'here' });
  const refused = await holder();
  expect(refused.answer).toBe(`RUN_DIR_IN_USE {"owner":{"pid":${process.pid},"host":"here"}}`);
  lease.release();
  lease.release();
  expect(readLeaseOwner(directory.path)).toBeNull();
  expect((await holder()).answer).toBe('held');
});

test('a killed holder frees it at once (E2)', async () => {
  const { child, answer } = await holder();
  expect(answer).toBe('held');
  expect(() => acquireLease(directory.path, {})).toThrow(expect.objectContaining({ code: 'RUN_DIR_IN_USE' }));
  child.kill('SIGKILL');
  await once(child, 'exit');
  acquireLease(directory.path, { pid: process.pid }).release();
});

test('a second try in the same process is refused and does not free it (E1)', async () => {
  const lease = acquireLease(directory.path, { pid: process.pid });
  expect(() => acquireLease(directory.path, {})).toThrow(expect.objectContaining({ code: 'RUN_DIR_IN_USE' }));
  expect(readLeaseOwner(directory.path)).toEqual({ pid: process.pid });
  expect((await holder()).answer).toMatch(/^RUN_DIR_IN_USE/u);
  lease.release();
});

test('looking whether it is held writes nothing, frees nothing and hinders nobody', async () => {
  expect(isLeaseHeld(directory.path)).toBe(false);
  expect(readdirSync(directory.path)).toEqual([]);
  const lease = acquireLease(directory.path, { pid: process.pid });
  expect(isLeaseHeld(directory.path)).toBe(true);
  expect((await holder()).answer).toMatch(/^RUN_DIR_IN_USE/u);
  lease.release();
  expect(isLeaseHeld(directory.path)).toBe(false);
  const { child } = await holder();
  expect(isLeaseHeld(directory.path)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isLeaseHeld(directory.path)).toBe(false);
});
