/** `doctor --repair` as a user meets it: a killed run whose journal is damaged goes on and completes. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acquireLease } from '../../src/journal/index.ts';
import { compactRun, inspectRun, repairRun } from '../../src/run/index.ts';
import type { RunSummary } from '../../src/run/types.ts';
import { damage, dataFile, type DAMAGES } from '../journal/repair/fixtures.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';

const AGENTS = 12;
const directory = temporaryDirectory();
const runDir = join(directory.path, 'run');
const kept = join(directory.path, 'kept');
afterAll(() => directory.cleanUp());

/** A run that was killed when it had done some of its work. */
beforeAll(async () => {
  const args = ['run', 'Write a guide', '--max-agents', String(AGENTS), '--seed', '5'];
  // Of some sixty, wherever they fall: how many are committed together is the machine's affair.
  const env = { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'append.after:35' };
  const killed = await command([...args, '--run-dir', runDir, '--quiet', '--json'], { env });
  expect(killed.signal, killed.stderr).toBe('SIGKILL');
  expect(await callsOf()).toBeGreaterThanOrEqual(AGENTS);
  cpSync(runDir, kept, { recursive: true });
});

const callsOf = async (): Promise<number> => {
  const { agents } = await inspectRun(runDir).catch(() => ({ agents: [] }));
  return agents.reduce((sum, { calls }) => sum + calls, 0);
};

const restore = (): void => {
  rmSync(runDir, { recursive: true, force: true });
  cpSync(kept, runDir, { recursive: true });
};

// A bit in every page ('many') is left to the tests of the journal: in so small a file nothing is sure to be left of it.
test.each([
  ['head', 3, 'as it was killed'],
  ['zero', 1, 'as it was killed'],
  ['flip', 4, 'as it was killed'],
  ['zero', 2, 'compacted'],
] as const satisfies readonly (readonly [(typeof DAMAGES)[number], number, string])[])(
  'D4: after damage (%s, %i) the run, %s, is repaired, resumed and completes',
  async (kind, seed, journal) => {
    restore();
    if (journal === 'compacted') await compactRun(runDir);
    const told = damage(dataFile(runDir), kind, seed);
    const repaired = await command(['doctor', '--repair', runDir]);
    expect(repaired.exitCode, `${told}: ${repaired.stderr}`).toBe(0);
    const wasDamaged = !repaired.stdout.includes('is healthy');
    expect(existsSync(join(runDir, 'journal.damaged-1', 'data.mdb'))).toBe(wasDamaged);
    expect(existsSync(join(runDir, 'repair-1.json'))).toBe(wasDamaged);
    if (wasDamaged) expect(repaired.stdout).toContain('resume');
    expect((await inspectRun(runDir)).status).toBe('killed');
    const resumed = await command(['resume', runDir, '--quiet', '--json']);
    const summary = jsonLine(resumed) as RunSummary;
    expect(summary, told).toMatchObject({ status: 'completed', agents: AGENTS });
    expect((await repairRun(runDir)).repaired, told).toBe(false);
  },
);

test('what a damaged journal stops says how to repair it', async () => {
  restore();
  writeFileSync(dataFile(runDir), Buffer.alloc(100_000, 3));
  for (const args of [
    ['resume', runDir, '--json'],
    ['inspect', runDir],
  ]) {
    const result = await command(args);
    expect(result.exitCode, result.stderr).toBe(1);
    const last = result.stderr.trimEnd().split('\n').at(-1);
    expect(last).toContain('megactor doctor --repair');
    expect(last).toContain('[JOURNAL_DAMAGED]');
  }
  const refused = await command(['doctor', '--repair', runDir, '--json']);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toContain('[JOURNAL_DAMAGED]');
  expect(existsSync(join(runDir, 'journal.damaged-1'))).toBe(false);
});

test('N1: a live run is refused; the second repair counts on', async () => {
  restore();
  const lease = acquireLease(runDir, { pid: process.pid });
  await expect(repairRun(runDir)).rejects.toMatchObject({ code: 'RUN_DIR_IN_USE' });
  lease.release();
  mkdirSync(join(runDir, 'journal.damaged-1'));
  copyFileSync(dataFile(kept), join(runDir, 'journal.damaged-1', 'data.mdb'));
  damage(dataFile(runDir), 'head', 3);
  const result = await repairRun(runDir);
  expect(result).toMatchObject({
    repaired: true,
    resumable: true,
    damagedDirectory: join(runDir, 'journal.damaged-2'),
  });
  const report = JSON.parse(readFileSync(join(runDir, 'repair-2.json'), 'utf8')) as unknown;
  expect(report).toEqual(JSON.parse(JSON.stringify(result)));
});
