/**
 * Wall-clock time for waiting: it follows the wall clock forwards, also when that jumps (somebody set it, or the machine
 * slept), and passes by the monotonic clock when the wall clock is set back, so that nobody waits twice. Durable timers
 * wait by it. It notices a jump when it is read. What it does not do: give moments that mean anything to others.
 *
 * Invariant: it does not go back by more than `JUMP_MS`, the correction that passes for drift.
 */
import type { Clock } from '../platform/index.ts';

/** A difference between the clocks above this is a jump; below, it is the wall clock being corrected. */
export const JUMP_MS = 1_000;

export class ShardTime {
  readonly #clock: Clock;
  #wallMs: number;
  #monotonicMs: number;
  /** How far the wall clock was set back in all. */
  #backMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallMs = clock.now();
    this.#monotonicMs = clock.monotonic();
  }

  read(): number {
    const wallMs = this.#clock.now();
    const monotonicMs = this.#clock.monotonic();
    const lostMs = monotonicMs - this.#monotonicMs - (wallMs - this.#wallMs);
    if (lostMs > JUMP_MS) this.#backMs += lostMs;
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    return wallMs + this.#backMs;
  }

  /** The moment `wallMs` of the wall clock, in this time. */
  of(wallMs: number): number {
    return wallMs + this.#backMs;
  }
}
