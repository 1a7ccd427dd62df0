/**
 * Scenario *chat*: no society. Every agent makes a set number of calls: `step {"i": 1}`, `step {"i": 2}` … and a text at
 * the end. For measuring clients and gates, whose work is then known beforehand.
 *
 * 1. The next step follows the highest one in the history, so answers that went wrong are made up for and a history
 *    that was cut at its beginning changes nothing.
 * 2. A request that offers tools, but not `step`, gets the text at once.
 */
import { waiting, type Decision, type Progress } from './progress.ts';
import type { RehearsalOptions } from './options.ts';

export const CALLS_DEFAULT = 5;

const NUMBER_AT_END = /(\d{1,15})$/u;

/**
 * Whether `agent` asks more than others. Only the name can tell, since nobody knows the whole population: heavy are
 * those whose name ends in a number from 1 to `heavy.agents`.
 */
export const isHeavy = (options: RehearsalOptions, agent: string): boolean => {
  const number = Number(NUMBER_AT_END.exec(agent)?.[1] ?? 0);
  return number >= 1 && number <= (options.heavy?.agents ?? 0);
};

/** Model calls that `agent` makes when nothing goes wrong, the last text included. */
export const callsOf = (options: RehearsalOptions, agent: string): number => {
  const calls = options.shape?.calls ?? CALLS_DEFAULT;
  return isHeavy(options, agent) ? Math.max(1, Math.round(calls * (options.heavy?.factor ?? 1))) : calls;
};

const stepsSoFar = (progress: Progress): number => {
  let highest = 0;
  for (const { tool, args } of progress.actions) {
    const step = tool === 'step' ? args?.['i'] : undefined;
    if (typeof step === 'number' && Number.isSafeInteger(step) && step > highest) highest = step;
  }
  return highest;
};

/** The next answer of an agent that chats. */
export const decideChat = (progress: Progress, options: RehearsalOptions, agent: string): Decision => {
  const calls = callsOf(options, agent);
  const step = stepsSoFar(progress) + 1;
  if (step < calls && progress.can('step'))
    return { calls: [{ tool: 'step', args: { i: step }, key: `step/${step}` }] };
  const text = `Done after ${calls} calls (synthetic).`;
  return progress.answers.some((answer) => answer.text === text)
    ? waiting('the chat is over')
    : { text, waiting: false };
};
