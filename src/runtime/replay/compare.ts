/**
 * Compares a step that was run again with the one that the log has. Pure.
 *
 * What was recorded with a step was asked for by the very try that ended it, so the replay has to ask for it as well. What
 * was recorded on its own may be of an earlier try, which a failure that is in no log has ended, and need not come again.
 */
import type { StepEntry } from '../../journal/shard-log.ts';
import { OWN_PREFIX } from '../effects.ts';
import type { Current, Outcome } from './current.ts';
import { type Difference, firstDifference } from './difference.ts';

/** The part of a step in which a replay differs from the log. */
export type Differing = 'step' | 'taken' | 'effects' | 'history' | 'state' | 'timers' | 'open' | 'sent' | 'failure';

export interface StepDifference extends Difference {
  readonly what: Differing;
}

/** What the log knows of a step before its end: keys of calls that were begun, and results. */
export interface Begun {
  readonly step: number;
  readonly keys: Set<string>;
  readonly effects: Map<string, unknown>;
}

export const differing = (what: Differing, expected: unknown, actual: unknown): StepDifference | null => {
  const difference = firstDifference(expected, actual);
  return difference === null ? null : { what, ...difference };
};

const listed = (keys: Iterable<string>): string => [...keys].join(' ');

const compareEffects = (
  recorded: StepEntry,
  entry: StepEntry,
  begun: Begun,
  keys: Iterable<string>,
): StepDifference | null => {
  const known = new Set([...begun.effects.keys(), ...recorded.effects.map(([key]) => key)]);
  const asked = new Set([...keys, ...entry.effects.map(([key]) => key)]);
  const more = [...asked].filter((key) => !known.has(key) && !begun.keys.has(key));
  if (more.length > 0) return differing('effects', listed(known), listed(more));
  // The time may have been asked for by a call that is not made again.
  const own = recorded.effects.map(([key]) => key).filter((key) => !key.startsWith(OWN_PREFIX));
  return own.every((key) => asked.has(key)) ? null : differing('effects', listed(own), listed(asked));
};

/** Where the outcome differs first, but for what was sent; null: nowhere. */
export const compareStep = (
  recorded: StepEntry,
  { entry, error }: Outcome,
  begun: Begun,
  { keys, missed }: Pick<Current, 'keys' | 'missed'>,
): StepDifference | null => {
  if (error !== null) {
    if (missed.length > 0) return differing('effects', listed(begun.effects.keys()), listed(missed));
    return differing('failure', null, `${error.code}: ${error.message}`);
  }
  if (entry === null) return differing('step', recorded.step, null);
  return (
    differing('step', recorded.step, entry.step) ??
    differing('taken', recorded.taken, entry.taken) ??
    compareEffects(recorded, entry, begun, keys) ??
    differing('history', recorded.history, entry.history) ??
    differing('state', recorded.state, entry.state) ??
    differing('timers', recorded.timers ?? [], entry.timers ?? []) ??
    differing('open', [recorded.open, recorded.stopped], [entry.open, entry.stopped])
  );
};
