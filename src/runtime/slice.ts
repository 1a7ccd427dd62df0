/**
 * How long a run loop goes on before the event loop has its turn. Reading the clock costs as much as a short turn, so while
 * turns are short one reading does for some of them. What it does not do: bound a single turn.
 *
 * Invariant: a slice ends at most `TURNS_PER_READING` turns after its time, and one turn after it when turns are long.
 */
import type { Clock } from '../platform/index.ts';

const TURNS_PER_READING = 16;
/** Turns between two readings that took no longer than this together are short. */
const SHORT_MS = 0.2;

export class Slice {
  readonly #clock: Clock;
  readonly #untilMs: number;
  #unread = 0;
  #readEvery = 1;
  /** The last reading of the monotonic clock. */
  nowMs: number;

  constructor(clock: Clock, lengthMs: number) {
    this.#clock = clock;
    this.nowMs = clock.monotonic();
    this.#untilMs = this.nowMs + lengthMs;
  }

  /** After a turn. True when the slice is over. */
  turnEnded(): boolean {
    this.#unread += 1;
    if (this.#unread < this.#readEvery) return false;
    const before = this.nowMs;
    this.nowMs = this.#clock.monotonic();
    this.#readEvery = this.nowMs - before < SHORT_MS ? Math.min(this.#readEvery * 2, TURNS_PER_READING) : 1;
    this.#unread = 0;
    return this.nowMs >= this.#untilMs;
  }
}
