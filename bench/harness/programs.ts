/**
 * Child processes of a benchmark: `megactor` commands and load generators, each with what it cost.
 *
 * 1. However the benchmark ends, its children end: by its exit handler, and those of `megactor` by themselves when this
 *    process is killed.
 * 2. The processor time of a finished program is exact: the kernel's count for ended children of this process, of which
 *    one at a time ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { endedChildrenMs, peakMemoryMb } from './proc.ts';

const MEMORY_PERIOD_MS = 25;
const OUTPUT_MAX = 4 * 1024 * 1024;

const findBin = (): string => {
  let folder = fileURLToPath(new URL('.', import.meta.url));
  for (let depth = 0; depth < 6; depth += 1, folder = dirname(folder)) {
    const path = join(folder, 'bin', 'megactor.mjs');
    if (existsSync(path)) return path;
  }
  throw new Error('bin/megactor.mjs is missing');
};

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

const start = (words: readonly string[], env: NodeJS.ProcessEnv): ChildProcess => {
  const child = spawn(process.execPath, words, {
    // `bin/megactor.mjs` ends with the process at the other side of the channel when it is told who that is.
    env: { ...process.env, npm_lifecycle_event: undefined, MEGACTOR_STARTED_BY: String(process.pid), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  living.add(child);
  child.once('close', () => living.delete(child));
  return child;
};

const textOf = (child: ChildProcess, stream: 'stdout' | 'stderr'): (() => string) => {
  let text = '';
  child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < OUTPUT_MAX) text += chunk;
  });
  return () => text;
};

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start of the process to its end. */
  readonly wallMs: number;
  readonly processorMs: number | null;
  readonly peakMemoryMb: number | null;
}

const runProgram = async (
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  onStart: (child: ChildProcess) => void = () => {},
): Promise<Finished> => {
  const processorBefore = endedChildrenMs();
  const startedAt = systemClock.monotonic();
  const child = start(words, env);
  onStart(child);
  const stdout = textOf(child, 'stdout');
  const stderr = textOf(child, 'stderr');
  let memory: number | null = null;
  const look = (): void => {
    if (child.pid !== undefined) memory = Math.max(peakMemoryMb(child.pid) ?? 0, memory ?? 0) || null;
  };
  const looking = systemClock.every(MEMORY_PERIOD_MS, look);
  let endedAt = startedAt;
  child.once('exit', () => (endedAt = systemClock.monotonic()));
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const processorAfter = endedChildrenMs();
    return {
      exitCode,
      stdout: stdout(),
      stderr: stderr(),
      wallMs: endedAt - startedAt,
      processorMs: processorBefore === null || processorAfter === null ? null : processorAfter - processorBefore,
      peakMemoryMb: memory,
    };
  } finally {
    looking.cancel();
  }
};

/** Runs a `megactor` command to its end. @param onStart gets the process, to send it signals */
export const runMegactor = (
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  onStart?: (child: ChildProcess) => void,
): Promise<Finished> => runProgram([findBin(), ...words], env, onStart);

/** Runs a module of the benchmarks to its end. */
export const runModule = (url: URL, words: readonly string[]): Promise<Finished> =>
  runProgram([fileURLToPath(url), ...words], {});

/** What a module of `runSubject` found, and what its process cost. @throws Error with the end of its stderr */
export const runSubjectAt = async <Result>(
  url: URL,
  settings: unknown,
  schema: z.ZodType<Result>,
): Promise<Result & Pick<Finished, 'peakMemoryMb' | 'processorMs'>> => {
  const { exitCode, stdout, stderr, peakMemoryMb, processorMs } = await runModule(url, [JSON.stringify(settings)]);
  if (exitCode !== 0) {
    const lines = stderr.trim().split('\n');
    const said = lines.find((line) => /^(?:\w*Error|Uncaught)\b/u.test(line.trim())) ?? lines.at(-1) ?? '';
    throw new Error(`${basename(url.pathname)} ended with ${exitCode}: ${said.trim().slice(0, 300)}`);
  }
  return { ...schema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')), peakMemoryMb, processorMs };
};

export interface Serving {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

const LISTENING = /^listening on (?<url>http:\/\/\S+)$/mu;
const LISTEN_DEADLINE_MS = 60_000;

/** Starts a `megactor` command that says `listening on URL`. */
export const serveMegactor = async (words: readonly string[]): Promise<Serving> => {
  const child = start([findBin(), ...words], {});
  const stderr = textOf(child, 'stderr');
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const url = await new Promise<string>((resolve, reject) => {
    const tooLate = systemClock.after(
      LISTEN_DEADLINE_MS,
      () => reject(new Error(`${words[0]} did not listen within ${LISTEN_DEADLINE_MS} ms`)),
      { keepAlive: true },
    );
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = LISTENING.exec(text)?.groups?.['url'];
      if (found !== undefined) resolve(found);
    });
    child.once('error', reject);
    child.once('close', () => {
      tooLate.cancel();
      reject(new Error(`${words[0]} ended: ${stderr().trim()}`));
    });
    void closed.then(() => tooLate.cancel());
    child.stdout?.once('data', () => tooLate.cancel());
  });
  return {
    url,
    pid: child.pid ?? 0,
    close: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
};
