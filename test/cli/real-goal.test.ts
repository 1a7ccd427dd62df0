/** `npm run real-goal` against servers on loopback: one that plays a society, one whose model calls no tools, and none. */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/command.ts';
import { startRehearsalServer } from '../support/rehearsal-server.ts';
import { startScriptedServer } from '../support/scripted-server.ts';

const directory = temporaryDirectory();
afterAll(() => directory.cleanUp());

const SCRIPT = join(import.meta.dirname, '../../scripts/real-goal.ts');

const realGoal = (
  baseUrl: string | undefined,
  ...words: string[]
): Promise<{ exitCode: number | null; output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT, ...words], {
      cwd: directory.path,
      env: {
        ...process.env,
        NO_COLOR: '1',
        OPENAI_BASE_URL: baseUrl,
        OPENAI_API_KEY: baseUrl === undefined ? undefined : 'sk-secret-of-the-test',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, output }));
  });

test('a goal is asked for, run within a budget, and its report printed', async () => {
  const rehearsal = join(directory.path, 'rehearsal.json');
  writeFileSync(rehearsal, JSON.stringify({ latencyMs: 1 }));
  const server = await startRehearsalServer(['--rehearsal', rehearsal]);
  try {
    const runDir = join(directory.path, 'done');
    const options = ['--run-dir', runDir, '--sandbox', 'off', '--seed', '1', '--max-agents', '3'];
    const { exitCode, output } = await realGoal(server.url, 'rehearsal', 'Write about owls', ...options);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/^server {2}http:\S+ answers/mu);
    expect(output).toMatch(/^model {3}rehearsal calls tools .*its first plan is good$/mu);
    expect(output).toMatch(/Write about owls/u);
    expect(output).toMatch(/^- status: completed/mu);
    expect(output).not.toContain('sk-secret-of-the-test');

    // The run has paused, and the report says so.
    const paused = await realGoal(
      server.url,
      'rehearsal',
      '--budget-calls=2',
      `--run-dir=${runDir}-2`,
      '--sandbox',
      'off',
    );
    expect(paused.exitCode, paused.output).toBe(3);
    expect(paused.output).toMatch(/^- status: paused \(budget-calls\)/mu);
  } finally {
    await server.stop();
  }
});

test('nothing is run on a server that fails the first questions', async () => {
  const server = await startScriptedServer(() => ({ content: 'I would rather talk.' }));
  const silent = await realGoal(server.baseUrl, 'chatty');
  expect(silent.exitCode, silent.output).toBe(2);
  expect(silent.output).toMatch(/chatty answered without calling a tool \(prose\).*\n.*--jinja/u);
  await server.stop();
  const gone = await realGoal(server.baseUrl, 'chatty');
  expect(gone.exitCode).toBe(2);
  expect(gone.output).toMatch(/\[MODEL_\w+\]/u);
  const noKey = await realGoal(undefined, 'chatty');
  expect(noKey.exitCode, noKey.output).toBe(2);
  expect(noKey.output).toMatch(/^[^\n]*needs a key \[KEY_MISSING\]\n[^\n]+\n$/u);
  expect((await realGoal(server.baseUrl)).output).toMatch(/^usage: /u);
  expect(existsSync(join(directory.path, 'runs'))).toBe(false);
});
