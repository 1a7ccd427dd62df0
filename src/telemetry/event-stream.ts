/**
 * The event stream of a run, where all threads' batches come together: listeners see every event as it comes, readers
 * (`for await`) have a bounded buffer of their own each, and what does not fit is counted, never waited for.
 *
 * Invariants: E1 A reader sees events in order. E2 `dropped` counts every event that some thread or reader lost.
 */
import type { EventRecord } from '../protocol/event.ts';
import { EVENTS_BUFFERED_MAX, type EventBatch } from './event-buffer.ts';

export type EventListener = (event: EventRecord) => void;

class Reader {
  readonly #capacity: number;
  readonly #buffer: EventRecord[] = [];
  #waiting: ((result: IteratorResult<EventRecord>) => void) | null = null;
  #ended = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** False when the event did not fit. */
  put(event: EventRecord): boolean {
    if (this.#waiting !== null) {
      const resolve = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: event });
      return true;
    }
    if (this.#buffer.length >= this.#capacity) return false;
    this.#buffer.push(event);
    return true;
  }

  end(): void {
    this.#ended = true;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = null;
  }

  next(): Promise<IteratorResult<EventRecord>> {
    const value = this.#buffer.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

export class EventStream {
  readonly #listeners = new Set<EventListener>();
  readonly #readers = new Set<Reader>();
  readonly #capacity: number;
  #dropped = 0;
  #ended = false;

  /** @param capacity most events that one reader may be behind */
  constructor(capacity = EVENTS_BUFFERED_MAX) {
    this.#capacity = capacity;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(event: EventRecord): void {
    if (this.#ended) return;
    for (const listener of this.#listeners) listener(event);
    for (const reader of this.#readers) if (!reader.put(event)) this.#dropped += 1;
  }

  addBatch(batch: EventBatch): void {
    this.#dropped += batch.dropped;
    for (const event of batch.events) this.add(event);
  }

  /** @returns takes the listener off again */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Events from now on. */
  [Symbol.asyncIterator](): AsyncIterableIterator<EventRecord> {
    const reader = new Reader(this.#capacity);
    if (this.#ended) reader.end();
    else this.#readers.add(reader);
    return {
      next: () => reader.next(),
      return: () => {
        this.#readers.delete(reader);
        reader.end();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
    this.#listeners.clear();
  }
}
