/** A run on a bad disk: a clean stop with one line that says what to do, nothing lost, never on with a damaged journal. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunSummary } from '../../src/run/types.ts';
import { command, type CommandResult, jsonLine, temporaryDirectory } from '../support/command.ts';
import { neverBack } from './checks.ts';
import { snapshotOf } from './snapshot.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const BIN = fileURLToPath(new URL('../../bin/megactor.mjs', import.meta.url));
const AGENTS = 12;
const runArguments = (runDir: string): string[] => {
  const words = ['run', 'Write a guide', '--max-agents', String(AGENTS), '--seed', '3', '--run-dir', runDir];
  return [...words, '--json', '--quiet'];
};
const resumeArguments = (runDir: string): string[] => ['resume', runDir, '--json', '--quiet'];

/** It stopped in order, and said in one line of its own what is wrong and what to do. */
const expectStop = ({ exitCode, signal, stderr }: CommandResult, code: string): void => {
  expect({ exitCode, signal }, stderr).toEqual({ exitCode: 1, signal: null });
  const lines = stderr.split('\n').filter((line) => line.startsWith('megactor: '));
  expect(lines, stderr).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`\\. .+\\. \\[${code}\\]$`, 'u'));
};

const expectComplete = (result: CommandResult): void => {
  expect(result.exitCode, result.stderr).toBe(0);
  const summary = jsonLine(result) as RunSummary;
  expect(summary).toMatchObject({ status: 'completed', agents: AGENTS, neverWoken: 0, deadLetters: 0 });
};

/** Goes on with a run that had no room left, and looks that nothing was lost. */
const expectToGoOn = async (runDir: string): Promise<void> => {
  const before = await snapshotOf(runDir);
  expect(before.agents.size).toBeGreaterThan(0);
  expectComplete(await command(resumeArguments(runDir)));
  expect(neverBack(before, await snapshotOf(runDir))).toEqual([]);
};

describe('a disk that refuses', () => {
  test('one group: the run stops with DISK, and goes on from there (D1)', async () => {
    const runDir = join(directory.path, 'refused');
    const env = { NODE_ENV: 'test', MEGACTOR_DISK_FAULT: 'fail:60' };
    expectStop(await command(runArguments(runDir), { env }), 'DISK');
    await expectToGoOn(runDir);
  });

  test('to let a file grow (EFBIG): the run stops with DISK, and goes on with more room (D1)', async () => {
    const runDir = join(directory.path, 'limited');
    const script = 'ulimit -f 400; exec "$0" "$@"';
    const child = spawn('bash', ['-c', script, process.execPath, BIN, ...runArguments(runDir)], {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const result = await new Promise<CommandResult>((resolve) => {
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
    });
    expectStop(result, 'DISK');
    await expectToGoOn(runDir);
  });
});

/** A file system of its own that is small, can be filled and made read-only; it is gone with the process. */
const MOUNTED = `
  mkdir -p "$DIR" && mount -t tmpfs -o size=6m tmpfs "$DIR" && dd if=/dev/zero of="$DIR/ballast" bs=1k count=5840 2>/dev/null
  "$0" "$BIN" run 'Write a guide' --max-agents 12 --seed 3 --run-dir "$DIR/run" --json --quiet; echo "full $?" >&2
  rm "$DIR/ballast"
  mount -o remount,ro "$DIR" && { "$0" "$BIN" resume "$DIR/run" --json --quiet; echo "read-only $?" >&2; }
  mount -o remount,rw,size=100m "$DIR" && { "$0" "$BIN" resume "$DIR/run" --json --quiet; echo "room $?" >&2; }
`;

const mountNamespace = ['-Urm', 'sh', '-c'] as const;
const canMount = spawnSync('unshare', [...mountNamespace, 'mount -t tmpfs tmpfs /mnt']).status === 0;

test.runIf(canMount)(
  'a full file system (ENOSPC), then a read-only one: DISK both times, then the run goes on (D1)',
  () => {
    const env = { ...process.env, NO_COLOR: '1', DIR: join(directory.path, 'mounted'), BIN };
    const words = [...mountNamespace, MOUNTED, process.execPath];
    const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', env });
    expect(stderr).toMatch(/\[DISK\]\nfull 1\n/u);
    expect(stderr).toMatch(/\[DISK\]\nread-only 1\n/u);
    expect(stderr).toContain('room 0\n');
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as RunSummary;
    expect(summary).toMatchObject({ status: 'completed', agents: AGENTS, neverWoken: 0 });
  },
);

describe('between a kill and the resumption the data file', () => {
  const killed = join(directory.path, 'killed');
  const fileOf = (runDir: string): string => join(runDir, 'journal', 'data.mdb');
  beforeAll(async () => {
    const env = { NODE_ENV: 'test', MEGACTOR_KILL_AT: 'commit.after:60' };
    expect((await command(runArguments(killed), { env })).signal).toBe('SIGKILL');
  });

  const overwrite = (file: string): void => {
    const descriptor = openSync(file, 'r+');
    for (let page = 3; page < 13; page += 1) writeSync(descriptor, Buffer.alloc(4_096, 99), 0, 4_096, page * 4_096);
    closeSync(descriptor);
  };

  test.each([
    ['is cut off', (file: string) => truncateSync(file, 30_000)],
    ['is overwritten', overwrite],
    ['is emptied', (file: string) => truncateSync(file, 0)],
    ['is lost', (file: string) => rmSync(file)],
  ])('%s: JOURNAL_DAMAGED, and nothing is written', async (name, damage) => {
    const runDir = join(directory.path, name.replaceAll(' ', '-'));
    cpSync(killed, runDir, { recursive: true });
    damage(fileOf(runDir));
    const found = (): Record<string, string | null> => {
      const read = (file: string): string | null => (existsSync(file) ? readFileSync(file, 'latin1') : null);
      return { data: read(fileOf(runDir)), run: read(join(runDir, 'run.json')) };
    };
    const before = found();
    expectStop(await command(resumeArguments(runDir)), 'JOURNAL_DAMAGED');
    expect(found()).toEqual(before);
  });

  test('is as it was: the run goes on', async () => {
    expectComplete(await command(resumeArguments(killed)));
  });
});
