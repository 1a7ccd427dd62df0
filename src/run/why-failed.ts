/** Why the Boss has failed, where no error said so: from what the roster kept of it. Pure. */
import { MegactorError } from '../protocol/errors.ts';
import { BOSS, type RosterSummary } from '../society/index.ts';
import type { Outcome } from './controller.ts';

const causeOf = ({ rows, examples, systemReviews }: RosterSummary): string => {
  const boss = rows.find(({ name }) => name === BOSS);
  const crash = examples['crash']?.agent === BOSS ? examples['crash'] : undefined;
  if (crash !== undefined) return `the Boss stopped after repeated failures: ${crash.what}`;
  // The counts of an agent whose actor is gone are the roster's.
  if (boss !== undefined && boss.counters !== null) return 'the Boss stopped after repeated failures';
  const asked = systemReviews.length;
  if (asked === 0) return 'the Boss did not bring the work to its final review';
  return `the Boss did not approve the result, though it was asked for the final review ${asked === 1 ? 'once' : `${asked} times`}`;
};

/** The error of an outcome: its own, or what the roster knows of a Boss that failed; null where none ended the run. */
export const errorOfOutcome = ({ reason, error }: Outcome, roster: RosterSummary): MegactorError | null =>
  error !== null || reason !== 'boss-failed' ? error : new MegactorError('BOSS_FAILED', causeOf(roster));
