/**
 * The thread's end of the event stream: keeps events until the next batch leaves, and counts what did not fit.
 * What it does not do: decide when a batch leaves; its owner calls `take`.
 */
import type { Clock } from '../platform/index.ts';
import type { EventRecord } from '../protocol/event.ts';

export const EVENTS_BUFFERED_MAX = 16_384;

/** Events on their way to another thread, with the number that were dropped before them. */
export interface EventBatch {
  readonly events: readonly EventRecord[];
  readonly dropped: number;
}

/** An event before it gets its time. */
export type EventInput = Omit<EventRecord, 'time'>;

/** @param nowMs milliseconds since the epoch */
export const eventAt = (nowMs: number, event: EventInput): EventRecord =>
  ({ time: new Date(nowMs).toISOString(), ...event }) as EventRecord;

export class EventBuffer {
  readonly #clock: Clock;
  readonly #capacity: number;
  #events: EventRecord[] = [];
  #dropped = 0;

  constructor(clock: Clock, capacity = EVENTS_BUFFERED_MAX) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#events.length;
  }

  add(event: EventInput): void {
    if (this.#events.length >= this.#capacity) {
      this.#dropped += 1;
      return;
    }
    this.#events.push(eventAt(this.#clock.now(), event));
  }

  /** Null when there is nothing to send. */
  take(): EventBatch | null {
    if (this.#events.length === 0 && this.#dropped === 0) return null;
    const batch = { events: this.#events, dropped: this.#dropped };
    this.#events = [];
    this.#dropped = 0;
    return batch;
  }
}
