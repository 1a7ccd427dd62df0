/**
 * B1: what a program of an agent may try, and does not get. Every attempt is made twice: inside of the sandbox, where it
 * must be held, and without any, where it must get through, or it would prove nothing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { argumentsOf, ATTEMPTS, type Attempt, type Targets } from './attempts.ts';
import { isRoot, openSmall, whyNoSandbox } from './support.ts';

const missing = await whyNoSandbox();

describe.skipIf(missing !== null)('B1 a program in the sandbox', () => {
  const directory = mkdtempSync(join(tmpdir(), 'megactor-escape-'));
  const victimMark = `victim-${process.pid}`;
  const servers: Server[] = [];
  let walled: Sandbox;
  let open: Sandbox;
  let victim: ChildProcess;
  let targets: Targets;

  const listen = (where: object): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((socket) => socket.destroy());
      servers.push(server);
      server.listen(where, () => resolve(server));
    });

  beforeAll(async () => {
    [walled, open] = await Promise.all([openSmall(), openSmall({ mode: 'none' })]);
    const abstractSocket = `megactor-escape-${process.pid}`;
    const port = await listen({ port: 0, host: '127.0.0.1' });
    await listen({ path: `\0${abstractSocket}` });
    writeFileSync(join(directory, 'secret'), 'secret');
    victim = spawn('bash', ['-c', 'read -r _', victimMark], { stdio: ['pipe', 'ignore', 'ignore'] });
    targets = {
      port: (port.address() as { port: number }).port,
      abstractSocket,
      secretFile: join(directory, 'secret'),
      hostDirectory: directory,
      runtimePid: process.pid,
      victimPid: victim.pid ?? 0,
      victimMark,
    };
  });

  afterAll(async () => {
    victim.kill('SIGKILL');
    for (const server of servers) server.close();
    await Promise.all([walled.close(), open.close()]);
    rmSync(directory, { recursive: true, force: true });
  });

  const make = async (sandbox: Sandbox, { source }: Attempt): Promise<string> => {
    const files = [{ path: 'attempt.py', content: source }];
    const result = await sandbox.run({ path: 'attempt.py', args: argumentsOf(targets), files });
    const said = `${result.stdout.trim()}${result.stderr}`;
    // Ended for its memory, it could not say anything any more.
    return said === '' && result.endedBy === 'memory' ? 'HELD' : said;
  };

  for (const attempt of ATTEMPTS) {
    test(attempt.name, async (context) => {
      const isSkipped = attempt.rootOnly === true && !isRoot;
      const [inside, outside] = await Promise.all([make(walled, attempt), isSkipped ? null : make(open, attempt)]);
      if (outside !== null) expect(outside).toBe('THROUGH');
      if (attempt.byCgroup === true && !walled.holding.cgroup) context.skip('this process may make no cgroups');
      expect(inside).toMatch(/^HELD/u);
    });
  }

  test('with the network is let into that alone', async () => {
    const networked = await openSmall({ network: true });
    try {
      const results: Record<string, string> = {};
      for (const attempt of ATTEMPTS.filter(({ name }) =>
        /^network: a port|^host files: reading$|^ptrace/u.test(name),
      )) {
        results[attempt.name] = (await make(networked, attempt)).split(' ', 1)[0] ?? '';
      }
      expect(results).toEqual({
        'network: a port of this machine': 'THROUGH',
        'host files: reading': 'HELD',
        ptrace: 'HELD',
      });
    } finally {
      await networked.close();
    }
  });
});
