/** What became of programs, counted. Pure. Every program that started and ended is in `run` and in one of the others at most. */
import type { BroughtBack } from './agent-programs.ts';
import type { ProgramEnd } from './program.ts';

export interface ProgramTally {
  /** Started. Those that ended with the process are in none of the next four. */
  readonly run: number;
  /** Ended by themselves, with a code that is not 0 or by a signal. */
  readonly failed: number;
  /** Their wall time was used up. */
  readonly timedOut: number;
  /** Ended by another limit: memory, processor time, output, size of a file. */
  readonly overLimit: number;
  /** By their agent, with it or with the run. */
  readonly stopped: number;
  /** Written, merged or removed in the workspace. */
  readonly filesBroughtBack: number;
  /** Changed by somebody else meanwhile, too large, or of a kind that does not come back. */
  readonly filesRefused: number;
}

export const NO_PROGRAMS: ProgramTally = {
  run: 0,
  failed: 0,
  timedOut: 0,
  overLimit: 0,
  stopped: 0,
  filesBroughtBack: 0,
  filesRefused: 0,
};

/** Signals with which the kernel enforces a limit. */
const LIMIT_SIGNALS = new Set(['SIGXCPU', 'SIGXFSZ']);

type Ending = 'failed' | 'timedOut' | 'overLimit' | 'stopped' | null;

const endingOf = ({ endedBy, exitCode, signal }: ProgramEnd): Ending => {
  switch (endedBy) {
    case 'wall-time':
      return 'timedOut';
    case 'memory':
    case 'output':
      return 'overLimit';
    case 'stopped':
      return 'stopped';
    case 'itself':
      if (signal !== null && LIMIT_SIGNALS.has(signal)) return 'overLimit';
      return exitCode === 0 ? null : 'failed';
    default:
      return endedBy satisfies never;
  }
};

export const withStart = (tally: ProgramTally): ProgramTally => ({ ...tally, run: tally.run + 1 });

/** @param brought what became of the files that it changed */
export const withEnd = (tally: ProgramTally, end: ProgramEnd, brought: readonly BroughtBack[]): ProgramTally => {
  const ending = endingOf(end);
  const isRefused = ({ status }: BroughtBack): boolean => status === 'conflict' || status === 'refused';
  const refused = brought.filter(isRefused).length;
  const unchanged = brought.filter(({ status }) => status === 'unchanged').length;
  return {
    ...tally,
    ...(ending === null ? {} : { [ending]: tally[ending] + 1 }),
    filesBroughtBack: tally.filesBroughtBack + brought.length - refused - unchanged,
    filesRefused: tally.filesRefused + refused + (end.files?.left.length ?? 0),
  };
};
