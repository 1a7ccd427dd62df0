/**
 * Programs of a trial: in the place of a sandbox something that starts nothing, takes simulated time, prints, reads what it
 * is sent, and leaves changed files, all drawn from the seed. What it does not do: look at what is in the file it runs.
 */
import { programLimitsSchema, type ProgramStarter, type RunningProgram } from '../../src/sandbox/index.ts';
import type { ChangedFile, ProgramEnd, SeenFile } from '../../src/sandbox/index.ts';
import type { Clock } from '../../src/platform/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { between, chance, pick, streamOf, type Random } from './random.ts';

type Request = Parameters<ProgramStarter['start']>[0];

const LIMITS = programLimitsSchema.parse({});

export class TrialPrograms implements ProgramStarter {
  readonly limits = LIMITS;
  started = 0;
  /** Programs that ended and left changed files. */
  left = 0;
  readonly #seed: number;
  readonly #clock: Clock;

  constructor(seed: number, clock: Clock) {
    this.#seed = seed;
    this.#clock = clock;
  }

  readonly start = async ({ path, files, signal, stdin }: Request): Promise<RunningProgram> => {
    const random = streamOf(this.#seed, 'program', path, this.started);
    await this.#clock.sleep(between(random, 0, 50));
    const seen = Array.isArray(files) ? [] : await (files as Exclude<typeof files, readonly unknown[]>).export('/copy');
    if (signal?.aborted === true) throw new MegactorError('ABORTED', 'nobody waits for it any more');
    if (!seen.some((file) => file.path === path)) throw new MegactorError('PROGRAM_INVALID', `there is no ${path}`);
    if (chance(random, 0.05)) throw new MegactorError('SANDBOX_FAILED', 'the sandbox fails: a planted fault');
    this.started += 1;
    const program = new TrialProgram({
      random,
      clock: this.#clock,
      seen,
      number: this.started,
      hasInput: stdin === undefined,
    });
    void program.ended.then(({ files: changes }) => {
      if (changes !== null && changes.changed.length > 0) this.left += 1;
    });
    return program;
  };

  readonly close = (): Promise<void> => Promise.resolve();
}

interface Parts {
  readonly random: Random;
  readonly clock: Clock;
  readonly seen: readonly SeenFile[];
  readonly number: number;
  readonly hasInput: boolean;
}

/** What a program leaves: new files, changed ones, and some that it removes. */
const changesOf = ({ random, seen, number }: Parts): readonly ChangedFile[] => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const made = Array.from({ length: between(random, 0, 2) }, (_, index) => ({
    path: chance(random, 0.5) ? `out/${number}-${index}.txt` : 'out/result.txt',
    content: bytes(`result ${number}.${index}\n`.repeat(between(random, 1, 40))),
    base: null,
  }));
  if (seen.length === 0 || chance(random, 0.5)) return made;
  const { path, base } = pick(random, seen);
  const touched = { path, base, content: chance(random, 0.2) ? null : bytes(`changed by program ${number}\n`) };
  return [...made.filter((file) => file.path !== path), touched];
};

class TrialProgram implements RunningProgram {
  readonly ended: Promise<ProgramEnd>;
  readonly #parts: Parts;
  readonly #end: (end: ProgramEnd) => void;
  readonly #changed: readonly ChangedFile[];
  #over = false;
  #output = '';
  takesInput: boolean;

  constructor(parts: Parts) {
    const { random, clock, hasInput } = parts;
    this.#parts = parts;
    this.takesInput = hasInput;
    const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#changed = changesOf(parts);
    this.#output = `program ${parts.number} begins\n`.repeat(chance(random, 0.1) ? 400 : 1);
    // Some never end by themselves.
    const lastsMs = pick(random, [0, between(random, 1, 300), between(random, 300, 20_000), LIMITS.wallMs]);
    clock.after(lastsMs, () => {
      if (lastsMs === LIMITS.wallMs) this.#stop('wall-time');
      else this.#close({ exitCode: pick(random, [0, 0, 0, 1, 3]), signal: null, endedBy: 'itself' });
    });
  }

  async wait(ms: number, quietMs?: number): Promise<void> {
    await Promise.race([this.ended, this.#parts.clock.sleep(Math.min(ms, quietMs ?? ms))]);
  }

  take(): { stdout: string; stderr: string; truncated: boolean } {
    const stdout = this.#output;
    this.#output = '';
    return { stdout, stderr: '', truncated: false };
  }

  write(text: string): boolean {
    if (text.length > 2_000) return false;
    this.#output += `it reads ${text.length}\n`;
    return true;
  }

  closeInput(): void {
    this.takesInput = false;
    this.#close({ exitCode: 0, signal: null, endedBy: 'itself' });
  }

  stop(): void {
    this.#stop('stopped');
  }

  kill(): void {
    this.#finish({ exitCode: null, signal: 'SIGKILL', endedBy: 'stopped', files: null });
  }

  #stop(endedBy: ProgramEnd['endedBy']): void {
    this.#close({ exitCode: null, signal: 'SIGTERM', endedBy });
  }

  #close(end: Omit<ProgramEnd, 'files'>): void {
    this.#finish({ ...end, files: { changed: this.#changed, left: [] } });
  }

  #finish(end: ProgramEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#end(end);
  }
}
