/**
 * The names of the options of a run: whoever writes JavaScript learns of a misspelt one. What it does not do: look at their
 * values, which `settings.ts` parses.
 */
import { MegactorError } from '../protocol/errors.ts';
import type { ResumeOptions, RunOptions } from './types.ts';

type Names<Options> = Readonly<Record<keyof Options, true>>;

export const RESUME_OPTIONS: Names<ResumeOptions> = {
  budgetCalls: true,
  budgetTokens: true,
  budgetUsd: true,
  config: true,
  deadline: true,
  durability: true,
  signal: true,
  threads: true,
  waitForAnswers: true,
};

export const RUN_OPTIONS: Names<RunOptions> = {
  ...RESUME_OPTIONS,
  approve: true,
  deterministic: true,
  embedder: true,
  maxAgents: true,
  model: true,
  noAgentHeaders: true,
  plan: true,
  planOnly: true,
  prompts: true,
  record: true,
  rehearsal: true,
  review: true,
  runDir: true,
  sandbox: true,
  sandboxNetwork: true,
  seed: true,
  shards: true,
  template: true,
  workspace: true,
};

/** @throws USAGE with every name that no option has */
export const checkOptions = (names: Readonly<Record<string, true>>, options: object): void => {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(names, name));
  if (unknown.length === 0) return;
  throw new MegactorError('USAGE', `there is no option ${unknown.slice(0, 5).join(', ')}`, {
    hint: `There are: ${Object.keys(names).toSorted().join(', ')}.`,
  });
};
