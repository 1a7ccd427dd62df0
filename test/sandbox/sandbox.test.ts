/** What the sandbox does for those who run programs in it; what it keeps from them is in `escape.test.ts`. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramResult, Sandbox } from '../../src/sandbox/index.ts';
import { openSmall, whyNoSandbox } from './support.ts';

const missing = await whyNoSandbox();
const decode = (content: Uint8Array | null): string | null =>
  content === null ? null : Buffer.from(content).toString();

const changesOf = ({ files }: ProgramResult): unknown =>
  files === null ? null : Object.fromEntries(files.changed.map(({ path, content }) => [path, decode(content)]));

describe.skipIf(missing !== null).for(['bwrap', 'none'] as const)('a sandbox, %s', (mode) => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await openSmall({ mode });
  });
  afterAll(async () => {
    await sandbox.close();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`megactor-programs-${process.pid}-`))).toEqual([]);
  });

  const python = (content: string, more: { args?: string[]; stdin?: string } = {}): Promise<ProgramResult> =>
    sandbox.run({ path: 'main.py', files: [{ path: 'main.py', content }], ...more });

  test('Python: arguments, input, output, exit code', async () => {
    const source = 'import sys\nprint(sys.argv[1:], sys.stdin.read())\nprint("oh", file=sys.stderr)\nsys.exit(3)';
    const result = await python(source, { args: ['a b', '$HOME', '--'], stdin: 'in' });
    expect(result).toEqual({
      exitCode: 3,
      signal: null,
      endedBy: 'itself',
      stdout: "['a b', '$HOME', '--'] in\n",
      stderr: 'oh\n',
      truncated: false,
      files: { changed: [], left: [] },
    });
  });

  test('JavaScript: the same Node as the runtime, modules beside the program', async () => {
    const files = [
      { path: 'lib/answer.mjs', content: 'export const answer = 42;' },
      { path: 'main.mjs', content: 'import { answer } from "./lib/answer.mjs"; console.log(answer, process.version);' },
    ];
    const result = await sandbox.run({ path: 'main.mjs', files });
    expect(result).toMatchObject({ exitCode: 0, stdout: `42 ${process.version}\n`, stderr: '' });
  });

  test('its environment is its own, and nothing of the runtime is open in it', async () => {
    process.env['MEGACTOR_TEST_SECRET'] = 'secret';
    try {
      const source = 'import os\nprint("secret" in str(os.environ))\nprint(sorted(os.listdir("/proc/self/fd")))';
      // The last one is the look itself.
      expect((await python(source)).stdout).toBe("False\n['0', '1', '2', '3']\n");
    } finally {
      delete process.env['MEGACTOR_TEST_SECRET'];
    }
  });

  test('B3 what it wrote and removed comes back, and nothing else', async () => {
    const source = `
import os
open('new.txt', 'w').write('new')
os.makedirs('deep/er')
open('deep/er/bytes', 'wb').write(bytes([0, 255]))
open('changed.txt', 'a').write('+')
os.remove('gone.txt')
open('same.txt', 'w').write('same')
os.symlink('/etc/passwd', 'link')
os.mkfifo('pipe')
os.makedirs('.git')
open('.git/config', 'w').write('x')
open('hidden', 'w').write('hidden')
os.chmod('hidden', 0)
`;
    const result = await sandbox.run({
      path: 'main.py',
      files: [
        { path: 'main.py', content: source },
        { path: 'changed.txt', content: 'changed' },
        { path: 'gone.txt', content: 'gone' },
        { path: 'same.txt', content: 'same' },
      ],
    });
    expect(result.stderr).toBe('');
    expect(changesOf(result)).toEqual({
      'changed.txt': 'changed+',
      'deep/er/bytes': Buffer.from([0, 255]).toString(),
      'gone.txt': null,
      hidden: 'hidden',
      'new.txt': 'new',
    });
    expect(result.files?.left.toSorted((one, other) => (one.path < other.path ? -1 : 1))).toEqual([
      { path: 'link', why: 'link' },
      { path: 'pipe', why: 'special' },
    ]);
  });

  test('a signal ends it, and is told', async () => {
    const result = await python('import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)');
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGSEGV', endedBy: 'itself' });
  });

  test('limits of one process: memory, a file, open files', async () => {
    expect((await python('x = bytearray(200 * 1024 * 1024)')).stderr).toContain('MemoryError');
    expect((await python('open("a", "wb").write(b"x" * (3 * 1024 * 1024))')).stderr).toContain('File too large');
    expect((await python('a = [open("/dev/null") for _ in range(1000)]')).stderr).toContain('Too many open files');
  });

  test('output: beginning and end of a flood are kept, and too much of it ends the program', async () => {
    const flood = await python('print("first")\nfor number in range(2000): print("line", number)\nprint("last")');
    expect(flood).toMatchObject({ exitCode: 0, truncated: true });
    expect(flood.stdout).toMatch(/^first\n.*bytes left out.*last\n$/su);
    expect(flood.stdout.length).toBeLessThan(5_000);
    const endless = await python('while True: print("x" * 10000)');
    expect(endless).toMatchObject({ signal: 'SIGKILL', endedBy: 'output', truncated: true });
  });

  test('B2 wall time ends it, and what it wrote before comes back', async () => {
    const quick = await openSmall({ mode, limits: { wallMs: 1_500 } });
    try {
      const content = 'import time\nopen("a", "w").write("a")\nprint("on it")\ntime.sleep(600)';
      const result = await quick.run({ path: 'main.py', files: [{ path: 'main.py', content }] });
      expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', endedBy: 'wall-time', stdout: 'on it\n' });
      expect(changesOf(result)).toEqual({ a: 'a' });
    } finally {
      await quick.close();
    }
  });

  test('B2 processor time ends it', async () => {
    const quick = await openSmall({ mode, limits: { cpuSeconds: 1 } });
    try {
      const result = await quick.run({ path: 'main.py', files: [{ path: 'main.py', content: 'while True: pass' }] });
      expect(result).toMatchObject({ exitCode: null, signal: 'SIGXCPU' });
    } finally {
      await quick.close();
    }
  });

  test('talking to a program: its input stays open, and it answers', async () => {
    const content = 'import sys\nfor line in sys.stdin: print("you said", line.strip())\nprint("bye")';
    const program = await sandbox.start({ path: 'main.py', files: [{ path: 'main.py', content }] });
    program.write('one\n');
    let said = '';
    await expect.poll(() => (said += program.take(false).stdout)).toBe('you said one\n');
    program.write('two\n');
    await program.wait(60_000, 50);
    // Python writes a line in pieces, and may be held up between them.
    let answer = program.take(false).stdout;
    expect(answer).not.toBe('');
    await expect.poll(() => (answer += program.take(false).stdout)).toBe('you said two\n');
    expect(program.takesInput).toBe(true);
    program.closeInput();
    expect(await program.ended).toMatchObject({ exitCode: 0 });
    expect(program.take(true).stdout).toBe('bye\n');
    expect(program.takesInput).toBe(false);
  });

  test('B4 what finds no place waits for one, in its order; who gives up waiting runs nothing', async () => {
    const narrow = await openSmall({ mode, runningMax: 1, waitingMax: 2 });
    try {
      const order: string[] = [];
      const run = async (name: string, signal?: AbortSignal): Promise<void> => {
        const files = [{ path: 'main.py', content: 'pass' }];
        await narrow.run({ path: 'main.py', files, ...(signal === undefined ? {} : { signal }) });
        order.push(name);
      };
      const abort = new AbortController();
      const first = run('first');
      const second = run('second', abort.signal);
      const third = run('third');
      await expect(run('fourth')).rejects.toMatchObject({ code: 'GATE_FULL' });
      abort.abort();
      await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
      await Promise.all([first, third, run('fifth')]);
      expect(order).toEqual(['first', 'third', 'fifth']);
    } finally {
      await narrow.close();
    }
  });

  test('what is no program is refused', async () => {
    const files = [{ path: 'a.rb', content: '' }];
    const invalid = { code: 'PROGRAM_INVALID' };
    await expect(sandbox.run({ path: 'a.rb', files })).rejects.toMatchObject(invalid);
    await expect(sandbox.run({ path: 'b.py', files })).rejects.toMatchObject(invalid);
    await expect(sandbox.run({ path: '../b.py', files })).rejects.toMatchObject(invalid);
    await expect(sandbox.run({ path: 'b.py', files: [{ path: '/b.py', content: '' }] })).rejects.toMatchObject(invalid);
    await expect(python('', { args: ['x'.repeat(200_000)] })).rejects.toMatchObject(invalid);
  });
});
