/**
 * One program from its start to its end: what it prints, its input, its limits of time and output, and what it changed.
 * What it does not do: prepare the files or choose the command (`sandbox.ts`), or decide who may run what.
 *
 * Invariants: B2 it ends: by itself, by a limit, or because somebody ends it, with everything it has started. B3 what it
 * changed is read when nothing of it runs any more. P1 its end is told once, and never before its output.
 */
import type { ChildProgram, Clock, ProgramExit, TimerHandle } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { ArchiveReader } from './archive.ts';
import { ChangeCollector, type FileChanges, type SeenFile } from './files.ts';
import type { ProgramLimits } from './limits.ts';
import { Output } from './output.ts';

/** Why a program ended: by itself, by a limit, or because somebody stopped it. */
export type EndedBy = 'itself' | 'memory' | 'wall-time' | 'output' | 'stopped';

export interface ProgramEnd {
  /** null when a signal ended it. Codes above 128 that stand for a signal are told as that. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly endedBy: EndedBy;
  /** null: what it changed is lost, since it was ended the hard way, or left too much to be read. */
  readonly files: FileChanges | null;
}

export interface ProgramParts {
  readonly child: ChildProgram;
  readonly limits: ProgramLimits;
  readonly clock: Clock;
  readonly seen: readonly SeenFile[];
  /** Told when the files were copied: the directory may go. */
  readonly onReady: () => void;
  /** Told when all its processes are gone; says whether memory was what ended it. */
  readonly onGone: () => { readonly ranOutOfMemory: boolean };
}

export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** Whether something was left out of either. */
  readonly truncated: boolean;
}

/** A program that runs, for those who talk to it. */
export interface RunningProgram {
  /** Its end. It is told after all that it printed has come. */
  readonly ended: Promise<ProgramEnd>;
  /**
   * Resolves when it has ended or after `ms`. @param quietMs with it also when it has printed something and then nothing
   * for so long: it may be waiting for input
   */
  wait(ms: number, quietMs?: number): Promise<void>;
  /** What it has printed since the last time. @param isOver whether it has ended */
  take(isOver: boolean): ProgramOutput;
  /** Whether its input is open. */
  readonly takesInput: boolean;
  /** Gives it input. False when too much waits already. */
  write(text: string): boolean;
  closeInput(): void;
  /** Ends it, and keeps what it changed. */
  stop(): void;
  /** Ends it at once, with all that it has started; what it changed is lost. */
  kill(): void;
}

/** How long a program that is to end has for that, its files included. */
const ENDING_MS = 20_000;
/** An archive may be this much longer than the files of the disk: sparse files, and what stands around each. */
const ARCHIVE_FACTOR = 4;
const STATUS_CHARS_MAX = 1_000;
/** Twice this after the archive, what it printed is no longer waited for: without walls somebody may still hold its output. */
const LINGER_MS = 250;
/** Input that waits to be read. */
const INPUT_MAX = 16 * 1024 * 1024;

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

export class Program implements RunningProgram {
  readonly #parts: ProgramParts;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #collector: ChangeCollector;
  readonly #archive: ArchiveReader;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<ProgramEnd>();
  readonly #timers: TimerHandle[] = [];
  #status = '';
  #isReady = false;
  #code: number | null = null;
  #endedBy: EndedBy | null = null;
  #archiveBytes = 0;
  #archiveFailed = false;
  #onOutput: () => void = () => {};

  constructor(parts: ProgramParts) {
    const { child, limits, seen } = parts;
    this.#parts = parts;
    this.#stdout = new Output(limits.outputBytes);
    this.#stderr = new Output(limits.outputBytes);
    this.#collector = new ChangeCollector(seen, limits.diskBytes);
    this.#archive = new ArchiveReader(
      {
        file: (path, bytes) => this.#collector.file(path, bytes),
        other: (path, kind) => this.#collector.other(path, kind),
      },
      limits.fileBytes,
    );
    for (const [stream, output] of [
      [child.stdout, this.#stdout],
      [child.stderr, this.#stderr],
    ] as const) {
      stream.on('data', (chunk: Buffer) => this.#onPrinted(output, chunk));
    }
    const [, archive, status] = child.pipes;
    archive?.on('data', (chunk: Buffer) => this.#onArchive(chunk));
    // Twice, so that a held-up event loop reads once more in between.
    archive?.on('end', () => this.#after(LINGER_MS, () => this.#after(LINGER_MS, () => this.#letGo())));
    status?.on('data', (chunk: Buffer) => this.#onStatus(chunk));
    child.closed.then(
      (exit) => this.#onClosed(exit),
      (error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)),
    );
    this.#ready.promise.catch(() => {});
    this.#ended.promise.catch(() => {});
    this.#after(ENDING_MS, () => {
      if (!this.#isReady) this.kill();
    });
  }

  /** It runs. @throws SANDBOX_FAILED */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get ended(): Promise<ProgramEnd> {
    return this.#ended.promise;
  }

  async wait(ms: number, quietMs?: number): Promise<void> {
    const { clock } = this.#parts;
    const over = Promise.withResolvers<void>();
    const timers = [clock.after(ms, over.resolve, { keepAlive: true })];
    const onOutput = (): void => {
      if (quietMs === undefined) return;
      timers[1]?.cancel();
      timers[1] = clock.after(quietMs, over.resolve, { keepAlive: true });
    };
    this.#onOutput = onOutput;
    await Promise.race([over.promise, this.#ended.promise.then(() => {})]);
    if (this.#onOutput === onOutput) this.#onOutput = () => {};
    for (const timer of timers) timer.cancel();
  }

  take(isOver: boolean): ProgramOutput {
    const stdout = this.#stdout.take(isOver);
    const stderr = this.#stderr.take(isOver);
    return { stdout: stdout.text, stderr: stderr.text, truncated: stdout.truncated || stderr.truncated };
  }

  get takesInput(): boolean {
    return this.#code === null && !this.#parts.child.stdin.writableEnded;
  }

  write(text: string): boolean {
    const { stdin } = this.#parts.child;
    if (stdin.writableLength + text.length > INPUT_MAX) return false;
    if (text !== '') stdin.write(text);
    return true;
  }

  closeInput(): void {
    this.#parts.child.stdin.end();
  }

  stop(endedBy: EndedBy = 'stopped'): void {
    if (this.#endedBy !== null || this.#code !== null) return;
    this.#endedBy = endedBy;
    this.#parts.child.pipes[0]?.end('stop\n');
    this.#after(ENDING_MS, () => this.kill());
  }

  kill(): void {
    this.#endedBy ??= 'stopped';
    this.#archiveFailed = true;
    this.#parts.child.pipes[0]?.destroy();
    this.#parts.child.kill('SIGKILL');
    this.#letGo();
  }

  /** Reads no more: its end is told when its first process is gone, whoever else has its output open. */
  #letGo(): void {
    const { stdout, stderr, pipes } = this.#parts.child;
    for (const stream of [stdout, stderr, ...pipes]) stream.destroy();
  }

  #onPrinted(output: Output, chunk: Buffer): void {
    output.push(chunk);
    this.#onOutput();
    if (this.#stdout.total + this.#stderr.total > this.#parts.limits.outputTotalBytes) this.stop('output');
  }

  #onStatus(chunk: Buffer): void {
    if (this.#status.length > STATUS_CHARS_MAX) return;
    this.#status += chunk.toString('latin1');
    if (!this.#isReady && this.#status.startsWith('ready\n')) {
      this.#isReady = true;
      this.#parts.onReady();
      this.#after(this.#parts.limits.wallMs, () => this.stop('wall-time'));
      this.#ready.resolve();
    }
    const code = /^exit (\d+)$/mu.exec(this.#status)?.[1];
    if (code === undefined || this.#code !== null) return;
    this.#code = Number(code);
    this.#after(ENDING_MS, () => this.kill());
  }

  #onArchive(chunk: Buffer): void {
    if (this.#archiveFailed) return;
    this.#archiveBytes += chunk.length;
    const { diskBytes, diskFiles } = this.#parts.limits;
    try {
      if (this.#archiveBytes > ARCHIVE_FACTOR * (diskBytes + diskFiles * 1024)) throw new Error('too much');
      this.#archive.push(chunk);
    } catch {
      // The script has nothing else left to do.
      this.#archiveFailed = true;
      this.#parts.child.kill('SIGKILL');
    }
  }

  #onClosed(exit: ProgramExit): void {
    for (const timer of this.#timers) timer.cancel();
    const { ranOutOfMemory } = this.#parts.onGone();
    if (!this.#isReady) {
      const said = this.#stderr.take(true).text.trim().slice(0, STATUS_CHARS_MAX);
      this.#fail(said === '' ? `it ended with ${exit.signal ?? exit.code ?? 'nothing'}` : said);
      return;
    }
    const code = this.#code;
    const signal = code === null ? 'SIGKILL' : code > 128 ? (SIGNALS[code - 128] ?? null) : null;
    const endedBy = this.#endedBy ?? (ranOutOfMemory && signal === 'SIGKILL' ? 'memory' : 'itself');
    this.#ended.resolve({ exitCode: signal === null ? code : null, signal, endedBy, files: this.#changes() });
  }

  #changes(): FileChanges | null {
    if (this.#archiveFailed || this.#code === null) return null;
    try {
      this.#archive.end();
      return this.#collector.changes();
    } catch {
      return null;
    }
  }

  #fail(why: string): void {
    for (const timer of this.#timers) timer.cancel();
    const error = new MegactorError('SANDBOX_FAILED', `the program did not start: ${why}`);
    this.#ready.reject(error);
    this.#ended.reject(error);
  }

  #after(ms: number, callback: () => void): void {
    this.#timers.push(this.#parts.clock.after(ms, callback, { keepAlive: true }));
  }
}
