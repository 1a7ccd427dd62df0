/**
 * The launcher, as a process. An older Node is played by the present one with another version number, in a small
 * package of its own: the launcher, a main module that tells what it sees, and the npm package `node` or not.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isBuiltFromSources, listFile, listOfSources } from '../../bin/built-from.mjs';

const OLD_NODE = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.0'}})",
  )}`,
];

/** What the main module does, by its first word. */
const MAIN = `
import { pbkdf2 } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { interruptsOf } from ${JSON.stringify(join(import.meta.dirname, '../../src/cli/interrupts.ts'))};
import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../../src/platform/index.ts'))};
const threads = (): number => readdirSync('/proc/self/task').length;
export const runCommandLine = async (words: string[]): Promise<void> => {
  if (words[0] === 'tell') {
    console.log(JSON.stringify({ words, pool: process.env.UV_THREADPOOL_SIZE, node: process.versions.node, pid: process.pid }));
    process.exitCode = 7;
  }
  if (words[0] === 'pool') {
    const before = threads();
    await Promise.all(Array.from({ length: 16 }, () => new Promise<void>((resolve) => pbkdf2('a', 'b', 1, 8, 'sha256', () => resolve()))));
    console.log(threads() - before);
  }
  if (words[0] === 'warn') {
    process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
    process.emitWarning('something else', 'ExperimentalWarning');
  }
  if (words[0] === 'count') {
    let count = 0;
    interruptsOf(process, { clock: systemClock, underNpm: false }).subscribe(() => { count += 1; });
    console.log(process.pid);
    const wait = setInterval(() => undefined, 1000);
    const check = setInterval(() => {
      if (count < Number(words[1])) return;
      // Long enough for a signal counted twice to show.
      setTimeout(() => { console.log('count ' + count); process.exitCode = 3; clearInterval(wait); clearInterval(check); }, 150);
      clearInterval(check);
    }, 5);
  }
};
`;

const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A package with the launcher in it. @param node where the npm package `node` is: nowhere, its own, or hoisted */
const packageWith = (node: 'none' | 'own' | 'hoisted'): string => {
  const top = mkdtempSync(join(tmpdir(), 'megactor-bin-'));
  folders.push(top);
  const root = join(top, 'packages', 'megactor');
  mkdirSync(join(root, 'src/cli'), { recursive: true });
  cpSync(join(import.meta.dirname, '../../bin'), join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'src/cli/main.ts'), MAIN);
  if (node !== 'none') {
    // Another path to the same binary, since the launcher does not start the binary it already runs under.
    const link = join(node === 'own' ? root : top, 'node_modules/node/bin/node');
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(process.execPath, link);
    chmodSync(link, 0o755);
  }
  return join(root, 'bin/megactor.mjs');
};

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param detached in a process group of its own, as under a terminal */
const launch = (bin: string, old: boolean, words: string[], detached = false, env: NodeJS.ProcessEnv = {}) => {
  const child = spawn(process.execPath, [...(old ? OLD_NODE : []), bin, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: '',
      NODE_OPTIONS: '',
      MEGACTOR_STARTED_BY: undefined,
      MEGACTOR_SOURCES: undefined,
      ...env,
    },
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  const firstLine = Promise.withResolvers<string>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.includes('\n')) firstLine.resolve(stdout.slice(0, stdout.indexOf('\n')));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended, firstLine: firstLine.promise };
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('the launcher', () => {
  test('a Node that is new enough runs the command itself', async () => {
    const { child, ended } = launch(packageWith('own'), false, ['tell', '--a', 'b c']);
    const { code, stdout, stderr } = await ended;
    expect(JSON.parse(stdout)).toMatchObject({ words: ['tell', '--a', 'b c'], pool: '8', pid: child.pid });
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
  });

  test.each(['own', 'hoisted'] as const)('an older Node runs it under the npm package `node` (%s)', async (node) => {
    const { child, ended } = launch(packageWith(node), true, ['tell', '--a', 'b c']);
    const { code, stdout, stderr } = await ended;
    const told = JSON.parse(stdout) as { pid: number; node: string };
    expect(told).toMatchObject({ words: ['tell', '--a', 'b c'], pool: '8', node: process.versions.node });
    expect(told.pid).not.toBe(child.pid);
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
  });

  test('an older Node alone says in one line what to install, exit 2', async () => {
    const { code, stdout, stderr } = await launch(packageWith('none'), true, ['tell']).ended;
    expect(stderr).toMatch(/^megactor: this is Node 18\.20\.0, and Node 22\.18 or newer is needed: install .*\n$/u);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test.runIf(process.platform === 'linux')(
    'the thread pool has its size although the setting comes after the start',
    async () => {
      const { stdout } = await launch(packageWith('none'), false, ['pool']).ended;
      expect(Number(stdout)).toBe(8);
    },
  );

  test('only the warning about SQLite is hidden', async () => {
    const { stderr } = await launch(packageWith('none'), false, ['warn']).ended;
    expect(stderr).toContain('something else');
    expect(stderr).not.toContain('SQLite');
  });
});

describe('what the launcher runs in a checkout', () => {
  const mainOf = (text: string): string => `export const runCommandLine = () => console.log('${text}');`;
  const checkout = (): { bin: string; root: string } => {
    const bin = packageWith('none');
    const root = dirname(dirname(bin));
    for (const folder of ['actors', 'bench', 'scripts', 'dist/src/cli'])
      mkdirSync(join(root, folder), { recursive: true });
    for (const file of [
      'actors/one.ts',
      'actors/two.ts',
      'package-lock.json',
      'scripts/bundle.ts',
      'scripts/bundle-modules.ts',
      'tsconfig.json',
      'tsconfig.build.json',
    ]) {
      writeFileSync(join(root, file), 'x');
    }
    writeFileSync(join(root, 'src/cli/main.ts'), mainOf('sources'));
    writeFileSync(join(root, 'dist/src/cli/main.js'), mainOf('built'));
    writeFileSync(listFile(join(root, 'dist')), listOfSources(root));
    return { bin, root };
  };
  const runs = async (bin: string, env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const { stdout, stderr } = await launch(bin, false, [], false, env).ended;
    return (stdout + stderr).trim();
  };

  test('what was built from these sources, unless the sources are asked for; the sources when they differ', async () => {
    const { bin, root } = checkout();
    expect(await runs(bin)).toBe('built');
    expect(await runs(bin, { MEGACTOR_SOURCES: '1' })).toBe('sources');
    writeFileSync(join(root, 'actors/one.ts'), 'xy');
    expect(await runs(bin)).toBe('sources');
  });

  const CHANGES: readonly (readonly [name: string, change: (root: string) => void])[] = [
    ['a file has changed', (root) => writeFileSync(join(root, 'actors/one.ts'), 'xy')],
    ['a file was written again, at the same size', (root) => utimesSync(join(root, 'actors/one.ts'), 1, 1)],
    ['a file is new', (root) => writeFileSync(join(root, 'src/new.ts'), '')],
    ['a file is gone', (root) => rmSync(join(root, 'actors/two.ts'))],
    ['a file has another name', (root) => renameSync(join(root, 'actors/two.ts'), join(root, 'actors/three.ts'))],
    ['a folder is gone', (root) => rmSync(join(root, 'bench'), { recursive: true })],
    ['the lock file has changed', (root) => writeFileSync(join(root, 'package-lock.json'), 'xy')],
    ['nobody knows what it was built from', (root) => rmSync(listFile(join(root, 'dist')))],
    ['nothing was built', (root) => rmSync(join(root, 'dist'), { recursive: true })],
  ];
  test.each(CHANGES)('dist is not of these sources when %s', (_name, change) => {
    const { root } = checkout();
    expect(isBuiltFromSources(root)).toBe(true);
    change(root);
    expect(isBuiltFromSources(root)).toBe(false);
  });
});

describe('signals through the launcher of an older Node', () => {
  test('Ctrl-C in a terminal reaches both processes and counts once', async () => {
    const { child, ended, firstLine } = launch(packageWith('own'), true, ['count', '1'], true);
    await firstLine;
    process.kill(-Number(child.pid), 'SIGINT');
    const { code, stdout } = await ended;
    expect(stdout).toContain('count 1');
    expect(code).toBe(3);
  });

  test('a signal to the launcher alone is passed on; two count twice', async () => {
    const { child, ended, firstLine } = launch(packageWith('own'), true, ['count', '2']);
    await firstLine;
    child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGTERM');
    const { code, stdout } = await ended;
    expect(stdout).toContain('count 2');
    expect(code).toBe(3);
  });

  test('when the launcher is killed, its child is gone as well', async () => {
    const { child, ended, firstLine } = launch(packageWith('own'), true, ['count', '1']);
    const childPid = Number(await firstLine);
    expect(isAlive(childPid)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    await expect.poll(() => isAlive(childPid)).toBe(false);
  });

  test('the death of the child by a signal shows in the exit code', async () => {
    const { ended, firstLine } = launch(packageWith('own'), true, ['count', '1']);
    process.kill(Number(await firstLine), 'SIGKILL');
    expect((await ended).code).toBe(137);
  });
});

test('npm start becomes the launcher, so that no shell stands between npm and it', () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  // A shell that waits for its child keeps npm's signals for itself, and hides the exit code of a paused run.
  expect(manifest.scripts['start']).toBe('exec node bin/megactor.mjs');
});
