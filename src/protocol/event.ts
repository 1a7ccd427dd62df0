/** The event stream of a run: one JSON line each in `events.jsonl`. */

export const EVENT_TYPES = [
  'run',
  'spawned',
  'hired',
  'retired',
  'turn',
  'step',
  'modelCall',
  'tool',
  'message',
  'commit',
  'review',
  'remedy',
  'restart',
  'deadLetter',
  'limit',
  'human',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export interface EventRecord {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly type: EventType;
  /** Name of the agent or actor concerned; absent for events of the run. */
  readonly agent?: string | undefined;
  readonly [field: string]: unknown;
}
