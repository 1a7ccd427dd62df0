/** `doctor`: does the real thing, says what to do, never shows a key, and ends with the documented exit code. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { doctorText } from '../../src/cli/render-doctor.ts';
import { systemClock } from '../../src/platform/index.ts';
import { examine, type Check } from '../../src/run/doctor.ts';
import { command, jsonLine, temporaryDirectory } from '../support/command.ts';
import { recorder } from './fixtures.ts';

const KEY = 'sk-secret-of-the-doctor-test';
const servers: Server[] = [];

const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
};

afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const named = (checks: readonly Check[], name: string): Check => {
  const check = checks.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check;
};

/** Every deadline of a model server comes at once, for one that is known not to answer. */
const impatient = {
  ...systemClock,
  after: ((delayMs, callback, options) =>
    systemClock.after(delayMs === 10_000 ? 50 : delayMs, callback, options)) satisfies typeof systemClock.after,
};

const modelCheck = async (environment: Record<string, string>, clock = systemClock): Promise<Check> => {
  const checks = await examine({ cwd: tmpdir(), environment, clock });
  expect(JSON.stringify(checks)).not.toContain(KEY);
  return named(checks, 'model');
};

test('on this machine: one JSON line, every needed check ok, exit 0, nothing left behind', async () => {
  // Of its own, since others may be at the doctor's as well.
  const temporary = temporaryDirectory();
  onTestFinished(() => temporary.cleanUp());
  const result = await command(['doctor', '--json'], { env: { TMPDIR: temporary.path } });
  expect(result.exitCode, result.stderr).toBe(0);
  const { checks, ...rest } = jsonLine(result) as { checks: Record<string, unknown>[] };
  expect(rest).toEqual({});
  for (const check of checks) expect(Object.keys(check)).toEqual(['name', 'ok', 'detail', 'hint']);
  const ok = new Map(checks.map((check) => [check['name'], check['ok']]));
  for (const name of ['node', 'disk', 'journal', 'lock', 'codec', 'threads', 'model'])
    expect(ok.get(name), name).toBe(true);
  expect(readdirSync(temporary.path).filter((name) => name.startsWith('megactor-doctor-'))).toEqual([]);
});

describe('the model server', () => {
  test('nothing configured: ok, and said', async () => {
    expect(await modelCheck({})).toMatchObject({ ok: true, detail: /runs are rehearsed/u });
  });

  test('a server with a list of models, asked with the key', async () => {
    const keys: unknown[] = [];
    const url = await serve((request, response) => {
      keys.push(request.headers.authorization);
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ object: 'list', data: ['a', 'b', 'c', 'd'].map((id) => ({ id, object: 'model' })) }),
      );
    });
    expect(await modelCheck({ OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY })).toMatchObject({
      ok: true,
      detail: `${url} has a, b, c …`,
    });
    expect(keys).toEqual([`Bearer ${KEY}`]);
  });

  test('a server without such a list is there all the same', async () => {
    const url = await serve((_, response) => response.writeHead(404).end('{}'));
    expect(await modelCheck({ OPENAI_BASE_URL: url })).toMatchObject({ ok: true, detail: /has no list of models/u });
  });

  test('a wrong key: not ok, the key is not shown though the server repeats it', async () => {
    const url = await serve((_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${KEY}` } }));
    });
    const check = await modelCheck({ OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY });
    expect(check).toMatchObject({ ok: false, needed: true, hint: 'Check OPENAI_API_KEY.' });
  });

  test('nobody there, nobody who answers, and no URL at all', async () => {
    expect(await modelCheck({ OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' })).toMatchObject({
      ok: false,
      hint: 'Check OPENAI_BASE_URL and that the server runs.',
    });
    const silent = await serve(() => undefined);
    expect(await modelCheck({ OPENAI_BASE_URL: silent }, impatient)).toMatchObject({ ok: false });
    const wrong = await modelCheck({ OPENAI_BASE_URL: `not a url ${KEY}` });
    expect(wrong).toMatchObject({ ok: false });
  });
});

describe('the command', () => {
  test('a needed check that fails: FAIL with what to do, the others still run, exit 1', async () => {
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/v1');
    vi.stubEnv('OPENAI_API_KEY', KEY);
    const recorded = recorder();
    const code = await commandLine(['doctor'], { ...recorded.context, clock: systemClock, cwd: tmpdir() });
    expect(code).toBe(1);
    expect(recorded.stdout).toMatch(/^FAIL {2}model .*ECONNREFUSED.*Check OPENAI_BASE_URL/mu);
    expect(recorded.stdout).toMatch(/^ok {4}threads /mu);
    expect(recorded.stdout).not.toContain(KEY);
    expect(recorded.stdout).toMatch(/1 of \d+ checks failed/u);
  });

  test('what is only useful is noted and fails nothing', async () => {
    vi.stubEnv('PATH', '/nowhere');
    vi.stubEnv('UV_THREADPOOL_SIZE', 'two');
    vi.stubEnv('OPENAI_BASE_URL', '');
    vi.stubEnv('OPENAI_API_KEY', '');
    const recorded = recorder();
    const code = await commandLine(['doctor'], { ...recorded.context, clock: systemClock, cwd: tmpdir() });
    expect(recorded.stdout).toMatch(/^note {2}git +no git command\. .*install git/mu);
    expect(recorded.stdout).toMatch(/^note {2}thread-pool +UV_THREADPOOL_SIZE is "two"/mu);
    expect(code).toBe(0);
  });

  test.each([
    [['doctor', '--repair'], /--repair needs a value/u],
    [['doctor', 'runs/x'], /takes options only/u],
    [['doctor', '--jsn'], /Did you mean --json/u],
  ])('%j is refused with exit 2', async (words, expected) => {
    const recorded = recorder();
    expect(await commandLine(words, recorded.context)).toBe(2);
    expect(recorded.stderr).toMatch(expected);
    expect(recorded.stdout).toBe('');
  });

  test('control characters of a server do not reach the terminal', () => {
    const check: Check = { name: 'model', ok: false, needed: true, detail: '\u001b[2Jgone', hint: 'Look.' };
    expect(doctorText([check])).not.toContain('\u001b');
  });
});

test('X1: a check that throws or cannot be done has failed, with what to do', async () => {
  // A file cannot hold the temporary directories that the parts are tried in.
  vi.stubEnv('TMPDIR', '/dev/null');
  const checks = await examine({ cwd: '/', environment: {} });
  for (const name of ['journal', 'lock', 'threads']) {
    expect(named(checks, name)).toMatchObject({ ok: false, needed: true, detail: /ENOTDIR/u });
    expect(named(checks, name).hint).not.toBe('');
  }
  expect(named(checks, 'codec').ok).toBe(true);
});
