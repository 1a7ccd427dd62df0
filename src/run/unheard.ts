/**
 * Agents whose actors have failed for good, and of whom the roster has not heard: the turn of their supervisor that tells it
 * did not begin any more, or nobody is above them. A report, or a look from outside, says of them what is true; whoever goes
 * on with the run hears of it as ever. What it does not do: change the roster.
 *
 * Invariant V2: nobody is said to work who has failed for good, and what such an agent had done is counted.
 */
import type { UnheardFailure } from '../runtime/index.ts';
import { agentStateSchema, BOSS, type RosterRow } from '../society/index.ts';

const isOpen = ({ status }: RosterRow): boolean => status === 'working' || status === 'review';

const lastWordsSchema = agentStateSchema.pick({ counters: true });

const failedRow = (row: RosterRow, last: unknown): RosterRow => {
  const known = lastWordsSchema.safeParse(last);
  const counters = row.counters ?? (known.success ? known.data.counters : null);
  return isOpen(row)
    ? { ...row, status: 'failed', held: null, questions: [], asks: 0, counters }
    : { ...row, counters };
};

/** Of whom the roster says nothing that explains why they have no actor. @param there ids of the actors that exist */
export const missingOf = (rows: readonly RosterRow[], there: ReadonlySet<number>): readonly RosterRow[] =>
  rows.filter((row) => !there.has(row.id) && (isOpen(row) || row.counters === null));

/** The rows as they would be if everybody had been heard. Who is missing and has not failed is about to be spawned. */
export const withUnheard = (
  rows: readonly RosterRow[],
  missing: readonly RosterRow[],
  failures: readonly UnheardFailure[],
): readonly RosterRow[] => {
  const unheard = new Map(failures.map((failure) => [failure.child.id, failure]));
  // When the Boss has crashed nobody hears of those under it.
  const leaderless = rows.some(
    (row) => row.name === BOSS && (row.counters !== null || (row.status === 'failed' && missing.includes(row))),
  );
  const failed = missing.filter((row) => leaderless || row.counters !== null || unheard.has(row.id));
  const ids = new Set(failed.map(({ id }) => id));
  return rows.map((row) => (ids.has(row.id) ? failedRow(row, unheard.get(row.id)?.last) : row));
};
