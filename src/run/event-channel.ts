/**
 * The events of a run as an async iterable for one reader. A reader who is slower than the run loses the oldest
 * events, counted in `dropped`; nobody who does not read costs anything but the buffer.
 */
import type { EventRecord } from '../protocol/event.ts';

const BUFFER_MAX = 10_000;

export class EventChannel implements AsyncIterable<EventRecord> {
  readonly #buffer: EventRecord[] = [];
  #waiting: ((result: IteratorResult<EventRecord>) => void) | null = null;
  #closed = false;
  /** Events that no reader came for in time. */
  dropped = 0;

  push(event: EventRecord): void {
    if (this.#closed) return;
    if (this.#waiting !== null) {
      const resolve = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: event });
      return;
    }
    if (this.#buffer.length >= BUFFER_MAX) {
      // Half at once, so that a full buffer does not cost a shift per event.
      this.dropped += BUFFER_MAX / 2;
      this.#buffer.splice(0, BUFFER_MAX / 2);
    }
    this.#buffer.push(event);
  }

  close(): void {
    this.#closed = true;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
  }

  [Symbol.asyncIterator](): AsyncIterator<EventRecord> {
    return {
      next: () => {
        const event = this.#buffer.shift();
        if (event !== undefined) return Promise.resolve({ done: false, value: event });
        if (this.#closed) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => {
          // A second pending `next` ends the first one: there is one reader.
          this.#waiting?.({ done: true, value: undefined });
          this.#waiting = resolve;
        });
      },
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
