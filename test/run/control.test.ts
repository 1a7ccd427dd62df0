/** The control socket: who may reach it, what it takes, and that every connection ends. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/platform/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { readAddress, SOCKET_PATH_BYTES_MAX } from '../../src/run/control-address.ts';
import { askRun, exchange } from '../../src/run/control-client.ts';
import { CONTROL_VERSION, REQUEST_BYTES_MAX, REQUEST_DEADLINE_MS } from '../../src/run/control-protocol.ts';
import { startControlServer, type ControlHandler, type ControlServer } from '../../src/run/control-server.ts';
import { RunDirectory } from '../../src/run/run-directory.ts';
import { temporaryDirectory } from '../support/command.ts';

const temporary = temporaryDirectory();
const servers: ControlServer[] = [];
let count = 0;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => temporary.cleanUp());

interface Started {
  readonly directory: RunDirectory;
  readonly server: ControlServer;
  readonly path: string;
  readonly told: (readonly [string, string])[];
  readonly ended: string[];
}

const start = async (
  options: { name?: string; handler?: Partial<ControlHandler>; clock?: Clock } = {},
): Promise<Started> => {
  count += 1;
  const path = join(temporary.path, options.name ?? `run-${count}`);
  mkdirSync(path, { recursive: true });
  const directory = new RunDirectory(path, true);
  const told: (readonly [string, string])[] = [];
  const ended: string[] = [];
  const handler: ControlHandler = {
    tell: (agent, text) => {
      told.push([agent, text]);
      return Promise.resolve({ answers: [] });
    },
    end: (wish) => {
      ended.push(wish);
      return { status: 'paused', reason: 'paused-by-user' };
    },
    ...options.handler,
  };
  const server = await startControlServer({ directory, runId: 'abc', handler, clock: options.clock ?? systemClock });
  servers.push(server);
  return { directory, server, path: server.path ?? '', told, ended };
};

const send = async (path: string, line: string): Promise<unknown> =>
  JSON.parse(await exchange(path, line, { deadlineMs: 10_000, clock: systemClock }));

const request = (fields: object): string => `${JSON.stringify({ version: CONTROL_VERSION, ...fields })}\n`;

describe('asking', () => {
  test('tell, pause and stop reach the run, with any text', async () => {
    const { directory, told, ended } = await start();
    const text = 'Grüße "quoted"\nsecond line \u0000 🦉'.repeat(500);
    expect(await askRun(directory, { version: CONTROL_VERSION, command: 'tell', agent: 'Boss', text })).toMatchObject({
      runId: 'abc',
      ending: null,
    });
    expect(await askRun(directory, { version: CONTROL_VERSION, command: 'pause' })).toMatchObject({
      ending: { status: 'paused', reason: 'paused-by-user' },
    });
    await askRun(directory, { version: CONTROL_VERSION, command: 'stop' });
    expect(told).toEqual([['Boss', text]]);
    expect(ended).toEqual(['pause', 'stop']);
  });

  test('a failure of the run arrives with its code and its hint', async () => {
    const { directory } = await start({
      handler: {
        tell: () => Promise.reject(new MegactorError('AGENT_NOT_FOUND', 'there is no "Bos"', { hint: 'Boss?' })),
      },
    });
    const asked = askRun(directory, { version: CONTROL_VERSION, command: 'tell', agent: 'Bos', text: 'x' });
    await expect(asked).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND', message: 'there is no "Bos"', hint: 'Boss?' });
  });

  test('V3: a request that was taken is answered while the server closes', async () => {
    const gate = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const { directory, server } = await start({
      handler: {
        tell: () => {
          taken.resolve();
          return gate.promise.then(() => ({ answers: [] }));
        },
      },
    });
    const asked = askRun(directory, { version: CONTROL_VERSION, command: 'tell', agent: 'Boss', text: 'x' });
    await taken.promise;
    const closed = server.close();
    gate.resolve();
    expect(await asked).toMatchObject({ ok: true });
    await closed;
    await expect(askRun(directory, { version: CONTROL_VERSION, command: 'pause' })).rejects.toMatchObject({
      code: 'RUN_UNREACHABLE',
    });
  });

  test('a run that is gone, or never was: RUN_UNREACHABLE', async () => {
    const directory = new RunDirectory(temporary.path, false);
    const asked = askRun(directory, { version: CONTROL_VERSION, command: 'pause' });
    await expect(asked).rejects.toMatchObject({ code: 'RUN_UNREACHABLE' });
  });
});

describe('V2: what a client may send', () => {
  test.each([
    ['no JSON', 'hello\n', 'USAGE'],
    ['no object', '7\n', 'USAGE'],
    ['another version', `${JSON.stringify({ version: CONTROL_VERSION + 1, command: 'pause' })}\n`, 'RUN_FORMAT'],
    ['an unknown command', request({ command: 'format-disk' }), 'USAGE'],
    ['a field too many', request({ command: 'pause', force: true }), 'USAGE'],
    ['a field too few', request({ command: 'tell', agent: 'Boss' }), 'USAGE'],
    ['a wrong type', request({ command: 'tell', agent: 7, text: 'x' }), 'USAGE'],
    ['too much', 'x'.repeat(REQUEST_BYTES_MAX + 1), 'USAGE'],
  ])('%s is refused with a code, and the run is not bothered', async (_, line, code) => {
    const { path, told, ended, directory } = await start();
    expect(await send(path, line)).toMatchObject({ ok: false, error: { code } });
    expect({ told, ended }).toEqual({ told: [], ended: [] });
    expect(await askRun(directory, { version: CONTROL_VERSION, command: 'pause' })).toMatchObject({ ok: true });
  });

  test('a line may come in any pieces, also within a letter', async () => {
    const { path, told } = await start();
    const bytes = Buffer.from(request({ command: 'tell', agent: 'Boss', text: 'Grüße' }));
    const socket = createConnection(path);
    const answer = new Promise<string>((resolve) => socket.on('data', (chunk: Buffer) => resolve(chunk.toString())));
    for (const byte of bytes) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    expect(await answer).toMatch(/"ok":true/u);
    expect(told).toEqual([['Boss', 'Grüße']]);
  });

  test('V1: a client that says nothing, or half a line, is cut off by the deadline', async () => {
    const clock: Clock = {
      ...systemClock,
      after: (delayMs, callback, options) =>
        systemClock.after(delayMs === REQUEST_DEADLINE_MS ? 30 : delayMs, callback, options),
    };
    const { path } = await start({ clock });
    const closedAfter = async (text: string): Promise<void> => {
      const socket = createConnection(path);
      socket.on('error', () => undefined);
      socket.write(text);
      await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    };
    await Promise.all([closedAfter('{'), closedAfter('{"version":1,"comm')]);
  });
});

describe('S1: only the user gets at the socket', () => {
  test('the directory is 0700, the socket 0600; both are closed again when they were not', async () => {
    const path = join(temporary.path, 'modes');
    mkdirSync(join(path, 'control'), { recursive: true, mode: 0o755 });
    chmodSync(join(path, 'control'), 0o755);
    const { server } = await start({ name: 'modes' });
    expect(statSync(dirname(server.path ?? '')).mode & 0o777).toBe(0o700);
    expect(statSync(server.path ?? '').mode & 0o777).toBe(0o600);
  });

  test('a directory that others can enter is not connected to', async () => {
    const { directory, path, ended } = await start();
    chmodSync(dirname(path), 0o711);
    const asked = askRun(directory, { version: CONTROL_VERSION, command: 'pause' });
    await expect(asked).rejects.toMatchObject({ code: 'RUN_UNREACHABLE', message: /open to other users/u });
    expect(ended).toEqual([]);
    chmodSync(dirname(path), 0o700);
  });

  test('a link in place of the directory is neither listened in nor connected to', async () => {
    const elsewhere = join(temporary.path, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    mkdirSync(join(temporary.path, 'linked'));
    symlinkSync(elsewhere, join(temporary.path, 'linked', 'control'));
    const { server } = await start({ name: 'linked' });
    expect(server.path).toBeNull();
    expect(existsSync(join(elsewhere, 'socket'))).toBe(false);
  });

  const root = process.getuid?.() === 0;
  test.runIf(root)('another user is refused, wherever the socket lies', async () => {
    chmodSync(temporary.path, 0o755);
    const inside = await start();
    const fallback = await start({ name: join('n'.repeat(120), 'run') });
    const script = `
      const socket = require('node:net').createConnection(process.argv[1]);
      socket.on('connect', () => { console.log('connected'); process.exit(); });
      socket.on('error', (error) => console.log('refused ' + error.code));
    `;
    const other = 65_534;
    const runs = spawnSync(process.execPath, ['-e', 'console.log(process.getuid())'], { uid: other, cwd: '/' });
    // A machine whose Node another user cannot start has nobody to try it with.
    if (runs.status !== 0) return;
    for (const { path } of [inside, fallback]) {
      const tried = execFileSync(process.execPath, ['-e', script, path], { uid: other, cwd: '/', encoding: 'utf8' });
      expect(tried.trim()).toBe('refused EACCES');
    }
  });

  test.runIf(root)('a directory of another user is not connected to', async () => {
    const { directory, path } = await start();
    execFileSync('chown', ['65534', dirname(path)]);
    const asked = askRun(directory, { version: CONTROL_VERSION, command: 'pause' });
    await expect(asked).rejects.toMatchObject({ message: /belongs to another user \(65534\)/u });
    execFileSync('chown', ['0', dirname(path)]);
  });
});

describe('long paths', () => {
  const long = (name: string): string => join('x'.repeat(SOCKET_PATH_BYTES_MAX), name);

  test('the socket lies in a private directory elsewhere, which is written down and removed at the end', async () => {
    const { directory, server, path } = await start({ name: long('run') });
    expect(path.startsWith(directory.path)).toBe(false);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(SOCKET_PATH_BYTES_MAX);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(readAddress(directory)?.socket).toBe(path);
    expect(await askRun(directory, { version: CONTROL_VERSION, command: 'pause' })).toMatchObject({ ok: true });
    await server.close();
    expect(existsSync(dirname(path))).toBe(false);
  });

  test('what a killed process left elsewhere is removed by the next one; what is not its own stays', async () => {
    const first = await start({ name: long('killed') });
    const second = await startControlServer({
      directory: first.directory,
      runId: 'abc',
      handler: {
        tell: () => Promise.resolve({ answers: [] }),
        end: () => ({ status: 'paused', reason: 'paused-by-user' }),
      },
      clock: systemClock,
    });
    expect(existsSync(dirname(first.path))).toBe(false);
    await second.close();

    const foreign = join(temporary.path, 'foreign');
    mkdirSync(foreign, { mode: 0o755 });
    writeFileSync(join(foreign, 'socket'), 'precious');
    const file = join(first.directory.path, 'control', 'address.json');
    writeFileSync(file, JSON.stringify({ format: 1, pid: 1, socket: join(foreign, 'socket'), error: null }));
    const third = await start({ name: long('killed') });
    expect(third.server.path).not.toBeNull();
    expect(readFileSync(join(foreign, 'socket'), 'utf8')).toBe('precious');
  });
});

test('a run directory that cannot hold a socket: the run goes on, and says why it cannot be steered', async () => {
  const path = join(temporary.path, 'blocked');
  mkdirSync(path);
  writeFileSync(join(path, 'control'), 'a file');
  const { server, directory } = await start({ name: 'blocked' });
  expect(server.path).toBeNull();
  const asked = askRun(directory, { version: CONTROL_VERSION, command: 'pause' });
  await expect(asked).rejects.toMatchObject({ code: 'RUN_UNREACHABLE' });
});
