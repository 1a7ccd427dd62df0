/**
 * Defects planted on purpose, one at a time, to prove that the kill suite would find them: `MEGACTOR_CANARY=name`, read
 * only with `NODE_ENV=test`. A place that calls `isCanary` is a deliberate defect and nothing else; it must stay one line.
 */

export const CANARIES = [
  /** Answers and deliveries leave the journal before their group is committed, which is written a little later. */
  'early-output',
  /** What is to be flushed is answered when it is committed. */
  'dropped-flush',
  /** A repeated effect id is executed again. */
  'missing-dedupe',
  /** The result of an effect, and so a model answer, is journaled only with the step that acted on it. */
  'effect-late',
  /** A step's outgoing mail is not in the commit of the step. */
  'lost-mail',
  /** The step that takes what a timer sent does not remove the timer in the journal. */
  'timer-twice',
  /** A snapshot leaves out the timers of its actor. */
  'timer-lost',
  /** A mark goes to the end of the log, although some actors' snapshots do not reach so far. */
  'mark-too-far',
] as const;

export type Canary = (typeof CANARIES)[number];

const planted = process.env['NODE_ENV'] === 'test' ? process.env['MEGACTOR_CANARY'] : undefined;

export const isCanary = (name: Canary): boolean => planted === name;
