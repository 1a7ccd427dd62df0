/**
 * Programs by their owner: one at a time for each, with files that come from somewhere and go back there. Expected refusals
 * are values, so that an owner can be told of them; an exception means that something is broken.
 *
 * Invariants: Q1 an owner has one program at most, from the moment it asks. Q2 what a program changed is brought back before
 * anybody is told of its end, once. Q3 how it ended is kept until its owner has been told, or asks for the next one.
 */
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { FileChanges, ProgramFiles } from './files.ts';
import type { ProgramEnd, ProgramOutput, RunningProgram } from './program.ts';
import type { Sandbox } from './sandbox.ts';

/** What became of one changed file. */
export interface BroughtBack {
  readonly path: string;
  readonly status: 'written' | 'merged' | 'removed' | 'unchanged' | 'conflict' | 'refused';
  /** Why it was not. */
  readonly message?: string;
}

/** The files of one owner. */
export interface OwnedFiles extends ProgramFiles {
  bringBack(changes: FileChanges['changed']): Promise<readonly BroughtBack[]>;
}

/** What became of the files of a program, as far as there is something to say. Paths in order, some at most. */
export interface ProgramFilesReport {
  readonly written?: readonly string[];
  readonly removed?: readonly string[];
  /** Not brought back, and why: somebody else has changed them meanwhile, or they are of a kind that is not. */
  readonly left?: readonly { readonly path: string; readonly why: string }[];
  /** How many more there are of all kinds. */
  readonly more?: number;
}

export type ProgramAnswer =
  | ({
      readonly ok: true;
      readonly running: boolean;
      readonly exitCode: number | null;
      readonly signal: string | null;
      /** Why it ended, when not by itself. */
      readonly ended?: string;
      readonly files?: ProgramFilesReport;
    } & ProgramOutput)
  | {
      readonly ok: false;
      readonly error: { readonly code: ProgramRefusal; readonly message: string; readonly hint: string };
    };

export type ProgramRefusal = 'INVALID_ARGUMENTS' | 'NOT_FOUND' | 'NOT_ALLOWED' | 'TOO_LARGE' | 'BUSY' | 'REJECTED';

export interface ProgramCall {
  readonly path: string;
  readonly args?: readonly string[];
  /** Its whole input. Without it the input stays open for `send`. */
  readonly stdin?: string;
}

/** What starts programs: a sandbox, or what stands for one. */
export type ProgramStarter = Pick<Sandbox, 'limits' | 'start' | 'close'>;

export interface AgentProgramsOptions {
  readonly sandbox: ProgramStarter;
  readonly filesOf: (owner: string) => OwnedFiles;
  /** How long a program waits for its turn. */
  readonly queueMs?: number;
  /** Told of every program that has started, and again of its end before its owner is; that waits for the promise. */
  readonly note?: (what: ProgramNote) => Promise<unknown>;
}

export type ProgramNote =
  | { readonly kind: 'started' }
  | { readonly kind: 'ended'; readonly end: ProgramEnd; readonly brought: readonly BroughtBack[] };

interface Entry {
  /** null until it runs. */
  program: RunningProgram | null;
  /** When it has ended, with all that comes after. */
  over: Promise<void>;
  /** It has ended; perhaps its files are still on their way. */
  hasEnded: boolean;
  end: ProgramEnd | null;
  report: ProgramFilesReport | null;
  /** Stops it while it waits for its turn. */
  readonly abort: AbortController;
}

const QUEUE_MS = 120_000;
/** A program that has printed and is then silent for so long may be waiting for input. */
const QUIET_MS = 300;
const PATHS_MAX = 40;
/** As on a terminal: the end of the input, and enough of the program. */
const END_OF_INPUT = '\u0004';
const INTERRUPT = '\u0003';

const refuse = (code: ProgramRefusal, message: string, hint: string): ProgramAnswer => ({
  ok: false,
  error: { code, message, hint },
});

const REFUSALS: Readonly<Record<string, ProgramRefusal>> = {
  PROGRAM_INVALID: 'INVALID_ARGUMENTS',
  GATE_FULL: 'BUSY',
  SANDBOX_FAILED: 'REJECTED',
};

const ENDED: Readonly<Record<ProgramEnd['endedBy'], string | undefined>> = {
  itself: undefined,
  memory: 'its memory was used up',
  'wall-time': 'its time was used up',
  output: 'it printed too much',
  stopped: 'it was stopped',
};

const NO_PROGRAM = refuse('NOT_FOUND', 'No program of yours is running.', 'Start one with run_program.');

const reportOf = (changes: FileChanges | null, brought: readonly BroughtBack[]): ProgramFilesReport | null => {
  if (changes === null) return { left: [{ path: '*', why: 'it was ended before its files could be read' }] };
  const withStatus = (...of: BroughtBack['status'][]): string[] =>
    brought.filter(({ status }) => of.includes(status)).map(({ path }) => path);
  const written = withStatus('written', 'merged');
  const removed = withStatus('removed');
  const refused = brought.filter(({ status }) => status === 'conflict' || status === 'refused');
  const left = [
    ...refused.map(({ path, message }) => ({ path, why: message ?? 'refused' })),
    ...changes.left.map(({ path, why }) => ({ path, why: why === 'too large' ? why : `${why}: only plain files` })),
  ];
  const lists = { written, removed, left };
  const more = Object.values(lists).reduce((sum, list) => sum + Math.max(0, list.length - PATHS_MAX), 0);
  const shown = Object.entries(lists).flatMap(([key, list]) =>
    list.length === 0 ? [] : [[key, list.slice(0, PATHS_MAX)] as const],
  );
  if (shown.length === 0) return null;
  return { ...(Object.fromEntries(shown) as ProgramFilesReport), ...(more === 0 ? {} : { more }) };
};

export class AgentPrograms {
  readonly #sandbox: ProgramStarter;
  readonly #filesOf: AgentProgramsOptions['filesOf'];
  readonly #queueMs: number;
  readonly #note: (what: ProgramNote) => Promise<unknown>;
  readonly #entries = new Map<string, Entry>();
  #isFinished = false;

  constructor(options: AgentProgramsOptions) {
    this.#sandbox = options.sandbox;
    this.#filesOf = options.filesOf;
    this.#queueMs = options.queueMs ?? QUEUE_MS;
    const { note } = options;
    // Who cannot count does not keep an owner from the end of its program.
    this.#note = (what) => note?.(what).catch(() => undefined) ?? Promise.resolve();
  }

  /** Starts a program, and answers when it has ended or after `stepMs`. */
  async run(owner: string, call: ProgramCall): Promise<ProgramAnswer> {
    const before = this.#entries.get(owner);
    if (before !== undefined && before.end === null) {
      const hint = 'Wait for its end with send_input, or stop it: send_input with Ctrl-C ("\\u0003").';
      return refuse('BUSY', 'A program of yours is running.', hint);
    }
    if (this.#isFinished) return refuse('REJECTED', 'The run ends.', 'Hand in what you have.');
    const abort = new AbortController();
    const entry: Entry = { program: null, over: Promise.resolve(), hasEnded: false, end: null, report: null, abort };
    this.#entries.set(owner, entry);
    try {
      const files = this.#filesOf(owner);
      entry.program = await this.#sandbox.start({
        ...call,
        // As the workspace takes it.
        path: call.path.replace(/^(?:\.\/)+/u, ''),
        files,
        signal: abort.signal,
        queueMs: this.#queueMs,
      });
      entry.over = this.#follow(entry, entry.program, files);
      await this.#note({ kind: 'started' });
    } catch (thrown) {
      if (this.#entries.get(owner) === entry) this.#entries.delete(owner);
      return this.#refusal(thrown);
    }
    await this.#wait(entry);
    return this.#answer(owner, entry);
  }

  /**
   * Gives the program of `owner` input, and answers with what it says to that. An empty text only waits and looks. A text
   * that ends with Ctrl-D (U+0004) closes its input; Ctrl-C (U+0003) stops it.
   */
  async send(owner: string, content: string): Promise<ProgramAnswer> {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return NO_PROGRAM;
    const { program } = entry;
    if (program === null) return refuse('BUSY', 'It waits for its turn.', 'Try again later.');
    const isLast = content.endsWith(END_OF_INPUT);
    const text = isLast ? content.slice(0, -END_OF_INPUT.length) : content;
    if (entry.end === null && content === INTERRUPT) {
      program.stop();
      await entry.over;
    } else if (entry.end === null) {
      if (text !== '' && !program.takesInput) {
        return refuse('NOT_ALLOWED', 'Its input is closed.', 'Send nothing ("") to see what it prints.');
      }
      if (!program.write(text)) return refuse('TOO_LARGE', 'It does not read what it was sent.', 'Send less, or wait.');
      if (isLast) program.closeInput();
      await this.#wait(entry, text === '' ? undefined : QUIET_MS);
    }
    return this.#answer(owner, entry);
  }

  /** Ends what `owner` runs, and forgets it. Its files are kept. */
  async release(owner: string): Promise<void> {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return;
    if (entry.program === null) entry.abort.abort();
    else entry.program.stop();
    await entry.over;
    if (this.#entries.get(owner) === entry) this.#entries.delete(owner);
  }

  /** Ends everything, keeps the files, and starts nothing any more. */
  async finish(): Promise<void> {
    this.#isFinished = true;
    await Promise.all([...this.#entries.keys()].map((owner) => this.release(owner)));
  }

  async #wait(entry: Entry, quietMs?: number): Promise<void> {
    const { program } = entry;
    if (program === null) return;
    await program.wait(this.#sandbox.limits.stepMs, quietMs);
    // What remains of one that has ended is short, and nobody wants to ask again for it.
    if (entry.hasEnded) await entry.over;
  }

  /** Brings back what a program changed, when it has ended. It does not reject. */
  async #follow(entry: Entry, program: RunningProgram, files: OwnedFiles): Promise<void> {
    let end: ProgramEnd;
    try {
      end = await program.ended;
    } catch {
      end = { exitCode: null, signal: 'SIGKILL', endedBy: 'stopped', files: null };
    }
    entry.hasEnded = true;
    const changed = end.files?.changed ?? [];
    let brought: readonly BroughtBack[] = [];
    try {
      if (changed.length > 0) brought = await files.bringBack(changed);
      entry.report = reportOf(end.files, brought);
    } catch (thrown) {
      const { message } = toMegactorError(thrown);
      brought = changed.map(({ path }) => ({ path, status: 'refused', message }));
      entry.report = { left: [{ path: '*', why: message }] };
    }
    await this.#note({ kind: 'ended', end, brought });
    entry.end = end;
  }

  #answer(owner: string, entry: Entry): ProgramAnswer {
    const { program, end, report } = entry;
    if (program === null) return NO_PROGRAM;
    const output = program.take(end !== null);
    if (end === null) return { ok: true, running: true, exitCode: null, signal: null, ...output };
    if (this.#entries.get(owner) === entry) this.#entries.delete(owner);
    const { exitCode, signal, endedBy } = end;
    const ended = ENDED[endedBy];
    return {
      ok: true,
      running: false,
      exitCode,
      signal,
      ...output,
      ...(ended === undefined ? {} : { ended }),
      ...(report === null ? {} : { files: report }),
    };
  }

  #refusal(thrown: unknown): ProgramAnswer {
    if (!(thrown instanceof MegactorError)) throw thrown;
    const { code, message, hint, details } = thrown;
    const refused = details['refusal'];
    if (refused === 'TOO_LARGE') return refuse('TOO_LARGE', message, hint);
    if (code === 'ABORTED') return refuse('REJECTED', 'It was not started: you have ended.', 'Hand in what you have.');
    const refusal = REFUSALS[code];
    if (refusal === undefined) throw thrown;
    return refuse(refusal, message, hint);
  }
}
