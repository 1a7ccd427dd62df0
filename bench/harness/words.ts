/** The words of a `megactor run` that is measured or killed: everything that decides what it does is stated. */

export interface StatedRun {
  readonly goal: string;
  /** Default: the rehearsal, over HTTP. */
  readonly model?: string;
  readonly agents: number;
  readonly seed: number;
  readonly runDir: string;
  /** Default: programs are not offered. */
  readonly sandbox?: 'off' | 'none' | 'bwrap';
}

/** @param more words that only this run has */
export const runWords = (
  { goal, model = 'openai:rehearsal', agents, seed, runDir, sandbox = 'off' }: StatedRun,
  ...more: readonly string[]
): string[] => {
  const words = ['run', goal, '--model', model, '--sandbox', sandbox, '--max-agents', String(agents)];
  return [...words, '--seed', String(seed), '--run-dir', runDir, ...more];
};
