/**
 * The entry of the command line: puts the real process behind the interfaces of `ports.ts`. Loaded by
 * `bin/megactor.mjs`, which has checked the Node version; it holds no logic of its own.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { growThreadsAtOnce, systemClock } from '../platform/index.ts';
import { commandLine } from './command-line.ts';
import { endProcess } from './end-process.ts';
import { interruptsOf } from './interrupts.ts';
import type { RunApi } from './ports.ts';

/** How long the process may live on after its work, for what is still open; then it ends anyway. */
const EXIT_GRACE_MS = 2_000;

/** From `src/cli/`, or from `dist/src/cli/`. */
const MANIFEST = new URL(
  import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json',
  import.meta.url,
);

const packageVersion = (): string => {
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string };
  return manifest.version;
};

/** A reader or a terminal that went away (`| head`, a closed window) is no failure of the run, and must not end it. */
const ignoreClosedPipes = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
};

/**
 * Runs the command line of this process and sets its exit code. @param place whether this is a checkout, where users start
 * the program by `npm start`
 */
export const runCommandLine = async (
  words: readonly string[],
  { inCheckout }: { readonly inCheckout: boolean },
): Promise<void> => {
  ignoreClosedPipes();
  const screen = { input: process.stdin, output: process.stderr, env: process.env, clock: systemClock };
  const view = screen.output.isTTY ? await import('./view/terminal.ts') : undefined;
  const code = await commandLine(words, {
    ...(view?.canOpen(screen) === true ? { openTerminal: () => view.openTerminal(screen) } : {}),
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    clock: systemClock,
    interrupts: interruptsOf(process, {
      clock: systemClock,
      underNpm: process.env['npm_lifecycle_event'] !== undefined,
    }),
    exitNow: endProcess,
    cwd: process.cwd(),
    program: inCheckout ? 'npm start --' : 'npx megactor',
    version: packageVersion(),
    readFile: (path) => readFile(path, 'utf8'),
    loadRunApi: async (): Promise<RunApi> => {
      growThreadsAtOnce();
      return import('../run/index.ts');
    },
  });
  process.exitCode = code;
  systemClock.after(EXIT_GRACE_MS, () => endProcess(code));
};
