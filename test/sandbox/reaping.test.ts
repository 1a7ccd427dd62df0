/** B2: a program ends with everything that it has started, whatever ends it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { marked, openSmall, whyNoSandbox } from './support.ts';

const missing = await whyNoSandbox();

/** Starts children, some of which leave its process group and its session, and hide as orphans; all bear the mark. */
const FAMILY = `
import os, subprocess, sys, time
mark = sys.argv[1]
sleeper = [sys.executable, '-c', 'import time; time.sleep(600)', mark]
subprocess.Popen(sleeper)
subprocess.Popen(sleeper, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen(sleeper)
        time.sleep(600)
    os._exit(0)
def has_mark(pid):
    try:
        return mark in open('/proc/%s/cmdline' % pid).read().split('\\0')
    except OSError:
        # It has ended meanwhile.
        return False
while sum(has_mark(pid) for pid in os.listdir('/proc') if pid.isdigit()) < 5:
    time.sleep(0.01)
print('started', flush=True)
`;
const ENDLESS = `${FAMILY}time.sleep(600)\n`;

describe.skipIf(missing !== null)('B2 what is left of a program', () => {
  let sandbox: Sandbox;
  let number = 0;

  beforeAll(async () => {
    sandbox = await openSmall();
  });
  afterAll(() => sandbox.close());

  const freshMark = (): string => {
    number += 1;
    return `mark-${process.pid}-${number}`;
  };

  const start = async (content: string, mark: string, signal?: AbortSignal) => {
    const files = [{ path: 'main.py', content }];
    const program = await sandbox.start({
      path: 'main.py',
      args: [mark],
      files,
      ...(signal === undefined ? {} : { signal }),
    });
    await expect.poll(() => program.take(false).stdout).toContain('started');
    return program;
  };

  test('nothing, when it ends by itself', async () => {
    const mark = freshMark();
    const files = [{ path: 'main.py', content: FAMILY }];
    const result = await sandbox.run({ path: 'main.py', args: [mark], files });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'started\n' });
    expect(marked(mark)).toEqual([]);
  });

  test('nothing, when it is stopped, ended or given up', async () => {
    const marks = [freshMark(), freshMark(), freshMark()] as const;
    const abort = new AbortController();
    const [stopped, killed, aborted] = await Promise.all([
      start(ENDLESS, marks[0]),
      start(ENDLESS, marks[1]),
      start(ENDLESS, marks[2], abort.signal),
    ]);
    // What is looked for can be found.
    for (const mark of marks) expect(marked(mark).length).toBeGreaterThanOrEqual(5);
    stopped.stop();
    killed.kill();
    abort.abort();
    expect(await stopped.ended).toMatchObject({ signal: 'SIGKILL', endedBy: 'stopped', files: { changed: [] } });
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL', endedBy: 'stopped', files: null });
    expect(await aborted.ended).toMatchObject({ signal: 'SIGKILL', endedBy: 'stopped', files: null });
    for (const mark of marks) await expect.poll(() => marked(mark)).toEqual([]);
  });

  test('nothing, when the sandbox is closed', async () => {
    const mark = freshMark();
    const other = await openSmall();
    const program = await other.start({
      path: 'main.py',
      args: [mark],
      files: [{ path: 'main.py', content: ENDLESS }],
    });
    await expect.poll(() => program.take(false).stdout).toContain('started');
    await other.close();
    await expect.poll(() => marked(mark)).toEqual([]);
    await expect(other.start({ path: 'main.py', files: [] })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('nothing, when the runtime is killed; and without a sandbox those who hid survive', async () => {
    for (const mode of ['bwrap', 'none'] as const) {
      const mark = freshMark();
      const script = join(import.meta.dirname, 'runtime-process.ts');
      // Those who survive do so for a short time only.
      const content = ENDLESS.replaceAll('600', mode === 'none' ? '60' : '600');
      const runtime = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, mode, content, mark], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      runtime.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await expect.poll(() => said).toContain('started');
      const before = marked(mark).filter((pid) => pid !== runtime.pid);
      expect(before.length).toBeGreaterThanOrEqual(5);
      runtime.kill('SIGKILL');
      if (mode === 'bwrap') {
        await expect.poll(() => marked(mark)).toEqual([]);
      } else {
        // The canary: the first of them, which is in no other group, ends; so the end was noticed.
        await expect.poll(() => marked(mark).length < before.length).toBe(true);
        expect(marked(mark).length).toBeGreaterThan(0);
        for (const pid of marked(mark)) process.kill(pid, 'SIGKILL');
        await expect.poll(() => marked(mark)).toEqual([]);
      }
    }
  });

  test('without a sandbox, one that hid and holds the output delays no end and loses no file', async () => {
    const unprotected = await openSmall({ mode: 'none' });
    const mark = freshMark();
    const content = `
import subprocess, sys
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)', sys.argv[1]], start_new_session=True)
open('file', 'w').write('file')
print('done')
`;
    try {
      const files = [{ path: 'main.py', content }];
      const result = await unprotected.run({ path: 'main.py', args: [mark], files });
      expect(result).toMatchObject({ exitCode: 0, endedBy: 'itself', stdout: 'done\n' });
      expect(result.files?.changed.map(({ path }) => path)).toEqual(['file']);
      // It was there all the time.
      expect(marked(mark).length).toBeGreaterThan(0);
    } finally {
      for (const pid of marked(mark)) process.kill(pid, 'SIGKILL');
      await unprotected.close();
    }
  });

  test('no process survives to change the files while they are read', async () => {
    // One that hid goes on turning a file into a link and back, as fast as it can.
    const content = `
import os, sys, time
open('file', 'w').write('file')
if os.fork() == 0:
    os.setsid()
    while True:
        os.symlink('/etc/passwd', 'other')
        os.replace('other', 'file')
        open('other', 'w').write('file')
        os.replace('other', 'file')
`;
    for (let round = 0; round < 5; round += 1) {
      const result = await sandbox.run({ path: 'main.py', files: [{ path: 'main.py', content }] });
      const changed = (result.files?.changed ?? []).filter(({ path }) => path === 'file');
      const left = (result.files?.left ?? []).filter(({ path }) => path === 'file');
      expect(changed.length + left.length).toBe(1);
      for (const file of changed) expect(['', 'file']).toContain(Buffer.from(file.content ?? []).toString());
    }
  });
});
