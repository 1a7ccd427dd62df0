/**
 * The events of a run, or what else it tells as it goes, as an async iterable for one reader. A reader who is slower than
 * the run loses the oldest, counted in `dropped`; nobody who does not read costs anything but the buffer.
 */
import type { EventRecord } from '../protocol/event.ts';

const BUFFER_MAX = 10_000;

export interface ChannelOptions {
  /** Items that wait for the reader; default 10,000. */
  readonly most?: number;
  /** Called once, when nothing more will come or the reader has gone. */
  readonly onClose?: () => void;
}

export class EventChannel<Item = EventRecord> implements AsyncIterable<Item> {
  readonly #buffer: Item[] = [];
  readonly #most: number;
  readonly #onClose: (() => void) | undefined;
  #waiting: ((result: IteratorResult<Item>) => void) | null = null;
  #closed = false;
  /** Items that no reader came for in time. */
  dropped = 0;

  constructor({ most = BUFFER_MAX, onClose }: ChannelOptions = {}) {
    this.#most = most;
    this.#onClose = onClose;
  }

  push(item: Item): void {
    if (this.#closed) return;
    if (this.#waiting !== null) {
      const resolve = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: item });
      return;
    }
    if (this.#buffer.length >= this.#most) {
      // Half at once, so that a full buffer does not cost a shift per item.
      const half = Math.ceil(this.#most / 2);
      this.dropped += half;
      this.#buffer.splice(0, half);
    }
    this.#buffer.push(item);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
    this.#onClose?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return {
      next: () => {
        const item = this.#buffer.shift();
        if (item !== undefined) return Promise.resolve({ done: false, value: item });
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
