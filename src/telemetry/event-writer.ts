/**
 * Writes events as lines of JSON. Lines are collected while a write runs; beyond a limit of bytes they are dropped and
 * counted, so that a slow disk costs events and not memory. The drop count is written as an event of its own.
 */
import type { EventRecord } from '../protocol/event.ts';

const PENDING_CHARACTERS_MAX = 16 * 1_024 * 1_024;

/** Where lines go: a file opened for appending fits (`node:fs/promises`). */
export interface LineSink {
  appendFile(text: string): Promise<void>;
  close(): Promise<void>;
}

export class EventWriter {
  readonly #sink: LineSink;
  #pending: string[] = [];
  #pendingCharacters = 0;
  #writing: Promise<void> | null = null;
  #dropped = 0;
  #droppedReported = 0;
  #failure: unknown = null;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** What made the writer give up, or null. */
  get failure(): unknown {
    return this.#failure;
  }

  write(event: EventRecord): void {
    if (this.#failure !== null || this.#pendingCharacters > PENDING_CHARACTERS_MAX) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > this.#droppedReported) {
      this.#add({ time: event.time, type: 'limit', limit: 'events', dropped: this.#dropped - this.#droppedReported });
      this.#droppedReported = this.#dropped;
    }
    this.#add(event);
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything written so far is in the file. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#sink.close();
  }

  #add(event: EventRecord): void {
    const line = `${JSON.stringify(event)}\n`;
    this.#pending.push(line);
    this.#pendingCharacters += line.length;
  }

  async #drain(): Promise<void> {
    try {
      // Wait a moment, so that events of the same tick share a write.
      await Promise.resolve();
      while (this.#pending.length > 0) {
        const text = this.#pending.join('');
        this.#pending = [];
        this.#pendingCharacters = 0;
        await this.#sink.appendFile(text);
      }
    } catch (thrown) {
      // Telemetry must not end a run: the failure is kept for the report.
      this.#failure = thrown;
    } finally {
      this.#writing = null;
    }
  }
}
