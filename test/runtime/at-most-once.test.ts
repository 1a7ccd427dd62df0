/** Calls at most once, with real threads, the real journal, and a process that is really killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ActorSystem } from '../../src/runtime/index.ts';
import { launcher, type Launch } from './fixtures/durable-actors.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'megactor-once-'));
  file = join(directory, 'launches');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const launches = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const CASES: readonly (readonly [Launch['at'], string, string])[] = [
  ['before', '', 'UNKNOWN_OUTCOME'],
  ['within', 'pad/0/launch\n', 'UNKNOWN_OUTCOME'],
  ['after', 'pad/0/launch\n', 'launched'],
];

for (const [at, written, outcome] of CASES)
  test(`D6 a process killed ${at} the call`, { tags: at === 'within' ? [] : ['long'] }, async () => {
    const script = new URL('./fixtures/launch.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, directory, file, at], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect([code, signal, errors]).toEqual([null, 'SIGKILL', '']);
    await using system = await ActorSystem.start({ threads: 1, shards: 2, seed: 1, journal: directory });
    const ref = await system.lookup<(typeof launcher)['messages']>('pad');
    await expect.poll(() => ref?.ask('outcomes')).toEqual([outcome]);
    expect(launches()).toBe(written);
  });

test.each(CASES)('D6 a host that dies %s the call', async (at, written, outcome) => {
  const deaths: unknown[] = [];
  await using system = await ActorSystem.start({
    threads: 2,
    shards: 2,
    seed: 1,
    journal: { directory, durability: 'committed' },
    onHostDeath: (death) => deaths.push(death),
  });
  const ref = await system.spawn(launcher, file, { name: 'pad', durable: true, restart: 'transient' });
  ref.tell('launch', { at, kills: 'thread' });
  await expect.poll(() => deaths).toHaveLength(1);
  await expect.poll(() => system.journal?.pending()).toBe(0);
  expect(await ref.ask('outcomes')).toEqual([outcome]);
  expect(launches()).toBe(written);
});
