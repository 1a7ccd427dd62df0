/**
 * Defects planted on purpose, one at a time, to prove that the suites of faults would find them: `MEGACTOR_CANARY=name`, read
 * only with `NODE_ENV=test`. A place that calls `isCanary` is a deliberate defect and nothing else; it must stay one line.
 */

/** For the kill suite. */
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

/** For the suite of threads that end. */
export const THREAD_CANARIES = [
  /** Asks of the main thread are not settled when the host of their actor dies. */
  'ask-unsettled',
  /** The same for asks of an actor on another host. */
  'peer-ask-unsettled',
  /** A host that replaces another is not told what the main thread watches. */
  'watch-unsettled',
  /** A blocked host is never noticed. */
  'blocked-unnoticed',
  /** Nobody is charged with the end of a host. */
  'charge-lost',
  /** A host that replaces another has no way to the others. */
  'link-forgotten',
] as const;

/** For the simulation. */
export const SIM_CANARIES = [
  /** An actor whose turn ended with mail left is not queued again. */
  'lost-wake-up',
  /** What arrives together from another thread is taken in reverse. */
  'swapped-order',
  /** One restart more than the intensity allows. */
  'restart-off-by-one',
  /** An acknowledgement between shards is for one envelope less than arrived. */
  'leaked-credit',
  /** Who watches an actor that is gone already is not told. */
  'unsettled-watch',
] as const;

/** For the soak: something is kept although nobody needs it any more. */
export const LEAKS = [
  /** The entry of an ask that is settled. */
  'kept-ask',
  /** A child that has stopped, by its parent. */
  'kept-child',
  /** Whom an actor watched, after it has heard of the end. */
  'kept-watch',
  /** The thread of a service, after the system has stopped. */
  'kept-thread',
] as const;

export type Canary = (typeof CANARIES)[number];
export type ThreadCanary = (typeof THREAD_CANARIES)[number];
export type SimCanary = (typeof SIM_CANARIES)[number];
export type Leak = (typeof LEAKS)[number];

const planted = process.env['NODE_ENV'] === 'test' ? process.env['MEGACTOR_CANARY'] : undefined;

export const isCanary = (name: Canary | ThreadCanary | SimCanary | Leak): boolean => planted === name;
