/**
 * Sends what a thread's event buffer holds: a while after the first event, or at once when there are many. A thread
 * without events sets no timer, so that it sleeps. What it does not do: drop; the buffer does.
 */
import type { Clock, TimerHandle } from '../platform/index.ts';
import { EventBuffer, type EventBatch, type EventInput } from './event-buffer.ts';

/** How long an event waits for others. */
export const EVENTS_WAIT_MS = 50;
export const EVENTS_PER_BATCH = 1_024;

export class EventOutlet {
  readonly #clock: Clock;
  readonly #buffer: EventBuffer;
  readonly #send: (batch: EventBatch) => void;
  #open = false;
  #timer: TimerHandle | null = null;

  constructor(clock: Clock, send: (batch: EventBatch) => void) {
    this.#clock = clock;
    this.#buffer = new EventBuffer(clock);
    this.#send = send;
  }

  add(event: EventInput): void {
    this.#buffer.add(event);
    if (!this.#open) return;
    if (this.#buffer.length >= EVENTS_PER_BATCH) this.flush();
    else this.#wait();
  }

  /** What came before waits no longer than what comes now. Until then nothing is sent. */
  open(): void {
    this.#open = true;
    if (this.#buffer.length > 0) this.#wait();
  }

  /** Sends what is there. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const batch = this.#buffer.take();
    if (batch !== null) this.#send(batch);
  }

  #wait(): void {
    this.#timer ??= this.#clock.after(EVENTS_WAIT_MS, () => this.flush());
  }
}
