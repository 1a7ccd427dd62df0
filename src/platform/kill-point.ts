/**
 * Places at which a test lets the whole process be killed: `MEGACTOR_KILL_AT=point:count` sends SIGKILL to the process at
 * the count-th passage of the point, from whichever thread passes it. Read only with `NODE_ENV=test`.
 *
 * Invariants: 1. Without the variable, or outside of tests, a passage is one comparison and nothing else. 2. Nothing runs
 * after the passage that kills: no handler, no flush, no answer. 3. Each thread counts its own passages; the journal's
 * points are all passed on the journal's thread, so that their counts are those of the process.
 */
export const KILL_POINTS = [
  /** The journal got an append and has decided nothing. */
  'append.before',
  /** The append is accepted and gathered into a group that is not written yet. */
  'append.after',
  /** A group is committed; nobody was told, nothing delivered. */
  'commit.after',
  /** An append or mail has reached its level; the answer has not left. */
  'ack.before',
  /** A service's change and result are committed; the service does not know yet. */
  'service.commit.after',
  /** A group with snapshots or marks was handed to the store and may or may not be written. */
  'snapshot',
  /** A compacted journal is written; is checked and about to replace the old one; has replaced it. */
  'compaction',
  /** A shard that holds something is opened, and none of what it holds was sent. */
  'recovery',
] as const;

export type KillPoint = (typeof KILL_POINTS)[number];

export interface KillAt {
  readonly point: KillPoint;
  /** The passage that kills, counted from 1. */
  readonly count: number;
}

const VARIABLE = 'MEGACTOR_KILL_AT';

/**
 * What the environment arms; null when nothing, or outside of tests.
 * @throws RangeError that says what to write, when it is not `point:count` or names no point
 */
export const readKillAt = (environment: Readonly<Record<string, string | undefined>>): KillAt | null => {
  const value = environment[VARIABLE];
  if (environment['NODE_ENV'] !== 'test' || value === undefined || value === '') return null;
  const [, name, digits] = /^([^:]+):([1-9]\d{0,8})$/u.exec(value) ?? [];
  const point = KILL_POINTS.find((known) => known === name);
  if (point === undefined) {
    const points = KILL_POINTS.join(' ');
    throw new RangeError(`${VARIABLE} is ${JSON.stringify(value)}, not point:count with a point of: ${points}`);
  }
  return { point, count: Number(digits) };
};

let armed: KillAt | null = null;
let passages = 0;

/** Arms what the environment names, for the points that this thread passes. @throws RangeError */
export const armKillPoints = (): void => {
  armed = readKillAt(process.env);
  passages = 0;
};

export const killPoint = (point: KillPoint): void => {
  if (armed === null || armed.point !== point) return;
  passages += 1;
  if (passages === armed.count) process.kill(process.pid, 'SIGKILL');
};
