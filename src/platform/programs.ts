/** Child processes. Everybody else takes them from here; what a program may do is the caller's business. */
import type { Duplex, Readable, Writable } from 'node:stream';

export interface ProgramExit {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ChildProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The further pipes that were asked for: the first is descriptor 3 of the program. */
  readonly pipes: readonly Duplex[];
  /** After its end, when all pipes are closed as well. Rejects when it could not be started. */
  readonly closed: Promise<ProgramExit>;
  kill(signal: NodeJS.Signals): void;
}

export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** How many pipes beyond input, output and error output. */
  readonly pipes?: number;
  /** In a process group and session of its own. */
  readonly detached?: boolean;
}

/** Starts a program. It ends with the calling thread only if it asks the operating system for that itself. */
export const startProgram = (program: ProgramCommand): ChildProgram => {
  const { command, args, environment, directory, pipes = 0, detached = false } = program;
  // Loaded here: only one thread of a run starts programs.
  const child = process.getBuiltinModule('node:child_process').spawn(command, args, {
    env: environment,
    detached,
    stdio: ['pipe', 'pipe', 'pipe', ...Array.from({ length: pipes }, () => 'pipe' as const)],
    ...(directory === undefined ? {} : { cwd: directory }),
  });
  const closed = Promise.withResolvers<ProgramExit>();
  child.on('error', closed.reject);
  child.on('close', (code, signal) => closed.resolve({ code, signal }));
  const further = child.stdio.slice(3) as unknown as Duplex[];
  // A pipe whose other end is gone is told by the end of the program; without a listener it would end the process.
  for (const stream of [child.stdin, child.stdout, child.stderr, ...further]) stream?.on('error', () => {});
  const { stdin, stdout, stderr } = child;
  return {
    stdin,
    stdout,
    stderr,
    pipes: further,
    closed: closed.promise,
    kill: (signal) => {
      child.kill(signal);
    },
  };
};

/**
 * Whether a process of this machine lives, or may: one of another user does, and one that its container hides seems dead.
 * It asks, and signals nothing.
 */
export const isProcessAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
