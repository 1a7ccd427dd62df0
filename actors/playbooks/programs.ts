/**
 * Running programs in playbooks: started once, waited for, and read as one run however many answers that took. Pure functions
 * of what the agent has done. What it does not do: decide what a failure means.
 */
import type { Action, Progress } from '../../src/model/index.ts';
import type { Move } from './script.ts';

export interface ProgramRun {
  /** It has not ended yet. */
  readonly running: boolean;
  /** Null while it runs, and when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waiting for one program, in answers: each may last as long as the sandbox waits at once. */
const WAITS_MAX = 30;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const joined = (parts: readonly Action[]): ProgramRun => {
  const last = parts.at(-1)?.result ?? {};
  const code = last['exitCode'];
  return {
    running: last['running'] === true,
    exitCode: typeof code === 'number' ? code : null,
    stdout: parts.map(({ result }) => textOf(result['stdout'])).join(''),
    stderr: parts.map(({ result }) => textOf(result['stderr'])).join(''),
  };
};

/** Every run of `path` that was started, in order. */
export const runsOf = ({ actions }: Progress, path: string): readonly ProgramRun[] => {
  const runs: Action[][] = [];
  let current: Action[] | null = null;
  for (const action of actions) {
    if (!action.ok) continue;
    if (action.tool === 'run_program') {
      current = [action];
      if (action.args?.['path'] === path) runs.push(current);
    } else if (action.tool === 'send_input') current?.push(action);
  }
  return runs.map(joined);
};

/** The move that starts `path`, or that waits for it, until it has run `times` times; none when it has. */
export const runMoves = (
  progress: Progress,
  path: string,
  { times = 1, stdin }: { readonly times?: number; readonly stdin?: string } = {},
): readonly Move[] => {
  const runs = runsOf(progress, path);
  const waits = progress.done('send_input').length;
  if (runs.at(-1)?.running === true) {
    // Line ends that nobody reads, each time one more: the same call again and again would be going in a circle.
    return waits >= WAITS_MAX ? [] : [{ tool: 'send_input', args: { content: '\n'.repeat(waits + 1) } }];
  }
  if (runs.length >= times) return [];
  const args = stdin === undefined ? { path } : { path, stdin };
  return [{ tool: 'run_program', args, where: (earlier) => earlier['path'] === path, times }];
};
