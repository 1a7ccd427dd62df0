import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { pageOf } from '../../bench/harness/page.ts';
import { resultSchema } from '../../bench/harness/result.ts';
import { BENCHMARKS } from '../../src/cli/commands/bench.ts';
import { commandLine } from '../../src/cli/command-line.ts';
import { recorder } from '../cli/fixtures.ts';
import { command, startCommand, temporaryDirectory } from '../support/command.ts';
import { type RehearsalServerProcess, startRehearsalServer } from '../support/rehearsal-server.ts';
import { ROOT } from '../style/tree.ts';

test.each(BENCHMARKS)('the program of %s is there', (name) => {
  expect(existsSync(join(ROOT, 'bench', `${name}.ts`))).toBe(true);
});

test.each<[string[], RegExp]>([
  [
    [],
    /bench needs the name of a benchmark\. There is: embed, gate, journal, memory, savina, society, threads, workspace\./u,
  ],
  [
    ['savana'],
    /no benchmark "savana"\. There is: embed, gate, journal, memory, savina, society, threads, workspace\./u,
  ],
  [['journal', '--sizes', '31'], /--sizes belongs to bench society\./u],
  [['journal', '--model', 'openai:x'], /--model belongs to bench society and gate\./u],
  [['gate', '--sizes', '31'], /--sizes belongs to bench society\./u],
  [['gate', '--model', 'openai:x'], /--model needs --agents N/u],
  [['gate', '--calls', '5'], /--calls belongs to --model/u],
  [['society', 'gate'], /takes one name, and there are 2/u],
  [['society', '--sizes', '30'], /no team of 30/u],
  [['society', '--sizes', '31,1'], /no team of 1;/u],
  [['society', '--sizes', '775'], /no team of 775/u],
  [['society', '--sizes', 'many'], /--sizes is a list such as 31,109, not "many"/u],
  [['society', '--agents', '5'], /--agents belongs to --model/u],
  [['society', '--model', 'openai:x'], /--model needs --agents N/u],
  [['society', '--model', 'rehearsal', '--agents', '5'], /--model is openai:NAME, not "rehearsal"/u],
  [['society', '--model', 'openai:x', '--agents', '5', '--sizes', '31'], /--sizes belongs to the rehearsal/u],
  [['society', '--calls', '5'], /--calls belongs to --model/u],
  [['society', '--model', 'openai:x', '--agents', '5', '--calls', '0'], /--calls needs a whole number from 1 /u],
  [['journal', '--set', 'x'], /--set belongs to bench embed, gate, memory, savina, society/u],
  [['savina', '--set', 'none.json'], /--set: .*none\.json is no file with a JSON object/u],
  [['savina', '--sizes', '31'], /--sizes belongs to bench society\./u],
])('bench %j is wrong usage', async (words, expected) => {
  const recorded = recorder();
  expect(await commandLine(['bench', ...words], recorded.context)).toBe(2);
  expect(recorded.stderr).toMatch(expected);
  expect(recorded.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(recorded.stdout).toBe('');
});

const children = z.object({ calls: z.int() });

describe('a real measurement', () => {
  test('the smallest team: a table, then the line of the contract', async () => {
    const directory = temporaryDirectory();
    try {
      writeFileSync(join(directory.path, 'set.json'), '{"parts": ["team", "shared", "server"]}');
      const { exitCode, stdout, stderr } = await command(
        ['bench', 'society', '--quick', '--sizes', '7', '--set', 'set.json', '--html', 'page.html'],
        {
          cwd: directory.path,
        },
      );
      expect(stderr).toMatch(/^team of 7, run 1 of 1: .* 5 of 5$/mu);
      expect(exitCode).toBe(0);
      const lines = stdout.trimEnd().split('\n');
      expect(lines[0]).toMatch(/^bench society: /u);
      const result = resultSchema.parse(JSON.parse(lines.at(-1) ?? ''));
      const { bench, runs, rows, settings } = result;
      expect(readFileSync(join(directory.path, 'page.html'), 'utf8')).toBe(pageOf(result));
      expect([bench, runs]).toEqual(['society', 1]);
      const value = (name: string): number | null | undefined => rows.find((row) => row.name === name)?.value;
      expect(value('7 agents: files delivered')).toBe(5);
      // Plan, one talk of the Boss and its end, 5 hirings, a talk and a report of the Admin, two calls of each worker.
      expect(value('7 agents: model calls')).toBeGreaterThanOrEqual(20);
      expect(value('7 agents: wall time')).toBeGreaterThan(2.4);
      expect(value('rehearsal-server at latency 0: requests')).toBeGreaterThan(0);
      expect(value('7 agents, shared files: lines delivered')).toBe(5);
      expect(settings).toMatchObject({ team: { reviews: 'none' }, embedder: 'none', latencyMs: 200, sizes: [7] });
      expect(existsSync(join(directory.path, 'runs'))).toBe(false);
    } finally {
      directory.cleanUp();
    }
  });

  const ownServer = (cwd: string): Promise<RehearsalServerProcess> => startRehearsalServer(['--port', '0'], { cwd });

  test("somebody's own server: one run, no targets", async () => {
    const directory = temporaryDirectory();
    const server = await ownServer(directory.path);
    try {
      const { url } = server;
      const { exitCode, stdout } = await command(
        ['bench', 'society', '--model', 'openai:anything', '--agents', '6', '--json'],
        { cwd: directory.path, env: { OPENAI_BASE_URL: `${url}/v1` } },
      );
      expect(exitCode).toBe(0);
      const { rows, settings } = resultSchema.parse(JSON.parse(stdout));
      const { calls } = children.parse(await (await fetch(`${url}/stats`)).json());
      expect(rows.find((row) => row.name === 'model calls')?.value).toBe(calls);
      expect(rows.every((row) => row.target === null && row.skipped === null)).toBe(process.platform === 'linux');
      expect(settings).toMatchObject({ model: 'openai:anything', callsMax: null, endedAs: 'completed (done)' });
      expect(rows.find((row) => row.name === 'latency of a call: median')?.value).toBeGreaterThan(0);
    } finally {
      await server.stop();
      directory.cleanUp();
    }
  });

  test("somebody's own server and a number of calls: the run is paused there", async () => {
    const directory = temporaryDirectory();
    const server = await ownServer(directory.path);
    try {
      const words = ['bench', 'society', '--model', 'openai:x', '--agents', '40', '--calls', '3', '--json'];
      const env = { OPENAI_BASE_URL: `${server.url}/v1` };
      const { exitCode, stdout, stderr } = await command(words, { cwd: directory.path, env });
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(/paused after 3 calls.*\n.*the run ended (?:paused|completed)/u);
      const { rows, settings } = resultSchema.parse(JSON.parse(stdout));
      expect(settings).toMatchObject({ callsMax: 3 });
      expect(rows.find((row) => row.name === 'model calls')?.value).toBeGreaterThanOrEqual(3);
    } finally {
      await server.stop();
      directory.cleanUp();
    }
  });

  test('a server that is not there: rows and a line that say so, exit 1', async () => {
    const directory = temporaryDirectory();
    try {
      const { exitCode, stdout, stderr } = await command(
        ['bench', 'society', '--model', 'openai:anything', '--agents', '6', '--json'],
        { cwd: directory.path, env: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } },
      );
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^nothing was measured: .*no connection to http:\/\/127\.0\.0\.1:9 .*OPENAI_BASE_URL/mu);
      const { rows } = resultSchema.parse(JSON.parse(stdout));
      expect(rows.find((row) => row.name === 'wall time')).toMatchObject({ value: null });
    } finally {
      directory.cleanUp();
    }
  });

  test('interrupted, it ends with 130 and leaves nothing behind', async () => {
    const directory = temporaryDirectory();
    try {
      const { child, result } = startCommand(['bench', 'society', '--quick', '--sizes', '31'], { cwd: directory.path });
      while (!existsSync(join(directory.path, 'runs'))) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill('SIGTERM');
      const { exitCode } = await result;
      expect(exitCode).toBe(130);
      expect(existsSync(join(directory.path, 'runs'))).toBe(false);
    } finally {
      directory.cleanUp();
    }
  });
});
