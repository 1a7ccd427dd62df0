/**
 * The sandbox: runs programs that nobody has read, under bubblewrap, on a copy of files, with limits; and hands back what
 * they printed and changed. What it does not do: bring that back, or know of agents.
 *
 * Invariants: B1 a program reaches its copy of the files and, read-only, the system's own; no other file, process, device or
 * right, and no network unless it was let in. B2 a program ends, with everything that it has started: by itself, by a
 * limit, when it is stopped, when the sandbox is closed, and when the runtime is killed. B3 what it changed is read when
 * nothing of it runs any more, follows no link, and is plain files alone. B4 no more than `runningMax` programs run at a
 * time; others wait in their order, `waitingMax` at most.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { coreCount, startProgram, systemClock, type Clock } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { Cgroup, type CgroupPlace } from './cgroup.ts';
import { givenFiles, isPlainPath, type FileChanges, type GivenFile, type ProgramFiles } from './files.ts';
import { directCommand, sandboxCommand, type Launch } from './launcher.ts';
import { interpreterOf, type Interpreters } from './languages.ts';
import { checkOptions, checkRequest } from './input.ts';
import type { ProgramLimits, ProgramLimitsInput } from './limits.ts';
import { examine, type Holding } from './probe.ts';
import { makeScratch } from './scratch.ts';
import { writeFilter } from './seccomp.ts';
import { Program, type ProgramEnd, type ProgramOutput, type RunningProgram } from './program.ts';

export type SandboxMode = 'bwrap' | 'none';

export interface SandboxOptions {
  /** `bwrap` (default), or `none`: programs run as this process's user, with limits and no walls. */
  readonly mode?: SandboxMode;
  /** Lets programs into the network of this machine. Default false. */
  readonly network?: boolean;
  readonly limits?: ProgramLimitsInput;
  /** Programs at a time. Default: twice the number of processors, at least 4. */
  readonly runningMax?: number;
  /** Programs that wait for their turn. Default 10,000. */
  readonly waitingMax?: number;
  readonly clock?: Clock;
}

export interface ProgramRequest {
  /** Of the file to be run, relative, with forward slashes. */
  readonly path: string;
  readonly args?: readonly string[];
  /** The whole input. Without it the input stays open for `write`. */
  readonly stdin?: string;
  /** What the program sees in its directory. */
  readonly files: readonly GivenFile[] | ProgramFiles;
  /** Only parses the file: nothing of it runs. */
  readonly parseOnly?: boolean;
  /** How long it may wait for its turn. Default: for ever. */
  readonly queueMs?: number;
  /** Ends it, also while it waits for its turn. */
  readonly signal?: AbortSignal;
}

/** `files` is null when what it changed could not be read. */
export interface ProgramResult extends ProgramOutput, Omit<ProgramEnd, 'files'> {
  readonly files: FileChanges | null;
}

const WAITING_MAX = 10_000;
const ARGUMENTS_MAX = 1_000;
const ARGUMENT_BYTES_MAX = 100_000;

/** In the place of a slot: nobody waits any more, or the time for that is over. */
const GIVEN_UP = -1;
const TOO_LATE = -2;

interface Waiting {
  readonly go: (slot: number) => void;
}

const isFiles = (files: ProgramRequest['files']): files is ProgramFiles => 'export' in files;

const checkArguments = (args: readonly string[]): void => {
  const bytes = args.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (args.length <= ARGUMENTS_MAX && bytes <= ARGUMENT_BYTES_MAX && !args.some((text) => text.includes('\0'))) return;
  throw new MegactorError('PROGRAM_INVALID', 'the arguments are too many, too long, or hold a zero byte', {
    hint: 'Write what is long to a file, and give its path.',
  });
};

export class Sandbox {
  readonly mode: SandboxMode;
  readonly network: boolean;
  readonly limits: ProgramLimits;
  readonly interpreters: Interpreters;
  /** What holds on this machine, found out by trying. */
  readonly holding: Holding;
  readonly #clock: Clock;
  readonly #scratch: string;
  readonly #filter: string | null;
  readonly #cgroups: CgroupPlace | null;
  readonly #waitingMax: number;
  readonly #slots: number[];
  readonly #waiting = new Set<Waiting>();
  readonly #running = new Set<Program>();
  #made = 0;
  #isClosed = false;

  private constructor(
    options: SandboxOptions,
    found: { interpreters: Interpreters; cgroups: CgroupPlace | null; holding: Holding; limits: ProgramLimits },
  ) {
    const runningMax = options.runningMax ?? Math.max(4, 2 * coreCount());
    this.mode = options.mode ?? 'bwrap';
    this.network = options.network ?? false;
    this.limits = found.limits;
    this.interpreters = found.interpreters;
    this.holding = found.holding;
    this.#cgroups = found.cgroups;
    this.#clock = options.clock ?? systemClock;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX;
    this.#slots = Array.from({ length: runningMax }, (_, slot) => runningMax - 1 - slot);
    this.#scratch = makeScratch();
    this.#filter = writeFilter(this.#scratch);
  }

  /**
   * Tries out what this machine has by really running something in it.
   * @throws SANDBOX_MISSING with what is missing, CONFIG_INVALID
   */
  static async open(options: SandboxOptions = {}): Promise<Sandbox> {
    const { limits } = checkOptions(options);
    const { mode = 'bwrap', network = false, clock = systemClock } = options;
    const found = await examine({ mode, network, limits, clock });
    return new Sandbox(options, { ...found, limits });
  }

  /** Runs a program to its end. @throws PROGRAM_INVALID, SANDBOX_FAILED, ABORTED */
  async run(request: ProgramRequest): Promise<ProgramResult> {
    checkRequest(request);
    const program = await this.start({ ...request, stdin: request.stdin ?? '' });
    const end = await program.ended;
    return { ...end, ...program.take(true) };
  }

  /**
   * Starts a program. It goes on until it ends, reaches a limit, or is ended.
   * @throws PROGRAM_INVALID, SANDBOX_FAILED, GATE_FULL, ABORTED
   */
  async start(request: ProgramRequest): Promise<RunningProgram> {
    checkRequest(request);
    const { path, args = [] } = request;
    if (!isPlainPath(path)) throw new MegactorError('PROGRAM_INVALID', `'${path}' is no path of a file`);
    checkArguments(args);
    const interpreter = interpreterOf(path, this.interpreters);
    const slot = await this.#enter(request);
    let program: Program;
    try {
      program = await this.#launch(request, slot, interpreter);
    } catch (error) {
      this.#leave(slot);
      throw toMegactorError(error, 'SANDBOX_FAILED');
    }
    const abort = (): void => program.kill();
    request.signal?.addEventListener('abort', abort, { once: true });
    const over = (): void => {
      request.signal?.removeEventListener('abort', abort);
      this.#running.delete(program);
      this.#leave(slot);
    };
    program.ended.then(over, over);
    await program.ready;
    if (request.stdin !== undefined) {
      program.write(request.stdin);
      program.closeInput();
    }
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends everything that runs, and refuses what waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting) waiting.go(GIVEN_UP);
    this.#waiting.clear();
    const running = [...this.#running];
    for (const program of running) program.kill();
    await Promise.allSettled(running.map((program) => program.ended));
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  async #launch(
    request: ProgramRequest,
    slot: number,
    interpreter: ReturnType<typeof interpreterOf>,
  ): Promise<Program> {
    this.#made += 1;
    const name = String(this.#made);
    const directory = join(this.#scratch, name);
    mkdirSync(directory, { mode: 0o755 });
    const remove = (): void => rmSync(directory, { recursive: true, force: true });
    let cgroup: Cgroup | null = null;
    try {
      const files = isFiles(request.files) ? request.files : givenFiles(request.files);
      const seen = await files.export(directory);
      if (!seen.some((file) => file.path === request.path)) {
        throw new MegactorError('PROGRAM_INVALID', `there is no file '${request.path}'`);
      }
      if (request.signal?.aborted === true || this.#isClosed) throw new MegactorError('ABORTED', 'nobody waits for it');
      const { limits } = this;
      if (this.#cgroups !== null) {
        // What a program wrote to its disk is in memory as well.
        const memoryBytes = limits.memoryBytes + limits.diskBytes + 64 * 1024 * 1024;
        cgroup = Cgroup.make(this.#cgroups, process.pid, `${name}-${slot}`, {
          memoryBytes,
          processes: limits.processes + 16,
        });
      }
      const [binary, place] =
        this.mode === 'none' ? [interpreter.binary, directory] : [interpreter.inside, '/workspace'];
      const launch: Launch = {
        command: [
          binary,
          ...interpreter.args(limits.memoryBytes),
          ...(request.parseOnly === true ? interpreter.parseArgs : []),
          join(place, request.path),
          ...(request.args ?? []),
        ],
        needs: interpreter.needs,
        limits,
        directory,
        reservesAddresses: interpreter.reservesAddresses,
      };
      const command =
        this.mode === 'none'
          ? directCommand(launch)
          : sandboxCommand({
              ...launch,
              slot,
              filter: this.#filter,
              isRoot: process.getuid?.() === 0,
              network: this.network,
              cgroups: cgroup?.entries ?? [],
            });
      const made = cgroup;
      const program = new Program({
        child: startProgram(command),
        limits,
        clock: this.#clock,
        seen,
        onReady: () => {
          if (this.mode !== 'none') remove();
        },
        onGone: () => {
          const ranOutOfMemory = made?.ranOutOfMemory ?? false;
          made?.remove();
          remove();
          return { ranOutOfMemory };
        },
      });
      this.#running.add(program);
      return program;
    } catch (error) {
      cgroup?.remove();
      remove();
      throw error;
    }
  }

  /** A place among those that run, in order of asking. */
  async #enter({ signal, queueMs }: ProgramRequest): Promise<number> {
    if (this.#isClosed) throw new MegactorError('ABORTED', 'the sandbox is closed');
    const free = this.#slots.pop();
    if (free !== undefined) return free;
    if (this.#waiting.size >= this.#waitingMax) {
      throw new MegactorError('GATE_FULL', 'too many programs wait for their turn', { hint: 'Try again later.' });
    }
    const turn = Promise.withResolvers<number>();
    const waiting: Waiting = { go: turn.resolve };
    // At once, so that no place is given to it any more.
    const giveUp = (why: typeof GIVEN_UP | typeof TOO_LATE): void => {
      this.#waiting.delete(waiting);
      turn.resolve(why);
    };
    const abort = (): void => giveUp(GIVEN_UP);
    const timer =
      queueMs === undefined ? null : this.#clock.after(queueMs, () => giveUp(TOO_LATE), { keepAlive: true });
    this.#waiting.add(waiting);
    signal?.addEventListener('abort', abort, { once: true });
    const slot = await turn.promise;
    signal?.removeEventListener('abort', abort);
    timer?.cancel();
    if (slot === TOO_LATE) throw new MegactorError('GATE_FULL', 'too many programs run', { hint: 'Try again later.' });
    if (slot === GIVEN_UP) throw new MegactorError('ABORTED', 'nobody waits for the program any more');
    return slot;
  }

  #leave(slot: number): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#slots.push(slot);
      return;
    }
    this.#waiting.delete(next);
    next.go(slot);
  }
}
