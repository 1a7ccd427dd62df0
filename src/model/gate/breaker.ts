/**
 * A circuit breaker for one model on one server (Nygard, *Release It!*): after a row of failures nothing is sent for a
 * while, then one call tries, and its outcome decides for all. What it does not do: count limits (a 429 says that the
 * server lives) or keep time (its caller brings it).
 *
 * 1. Closed: everything may go. It opens after `failuresMax` failures in a row, of calls that were sent since it closed.
 * 2. Open: nothing may go until `opensAgainAtMs`, twice as long after each failed try, up to `openMaxMs`, with jitter.
 * 3. Half open: exactly one call is under way.
 */
import type { Random } from '../../platform/index.ts';

export interface BreakerOptions {
  readonly failuresMax: number;
  readonly openMs: number;
  readonly openMaxMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #random: Random;
  #state: BreakerState = 'closed';
  #failures = 0;
  /** Tries that failed since it opened. */
  #tries = 0;
  #retryAtMs = 0;
  /** Number of the start that tries. */
  #tryStart = 0;
  /** Number of the first start since it closed; failures of earlier ones are the old trouble. */
  #closedAtStart = 0;
  /** Since when nobody got an answer; null while closed. */
  #openSinceMs: number | null = null;

  constructor(options: BreakerOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** How long it has been open, tries included; 0 while closed. */
  openForMs(nowMs: number): number {
    return this.#openSinceMs === null ? 0 : nowMs - this.#openSinceMs;
  }

  /** 0: a call may be sent now; else how long to wait; Infinity: until the one under way has ended. */
  waitMs(nowMs: number): number {
    if (this.#state === 'closed') return 0;
    return this.#state === 'half-open' ? Number.POSITIVE_INFINITY : Math.max(0, this.#retryAtMs - nowMs);
  }

  /** Start number `start` is sent; after `waitMs` said 0. */
  sent(start: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'half-open';
    this.#tryStart = start;
  }

  /** The server answered, even if only to say that it is asked too much. @returns whether that closed it */
  answered(starts: number): boolean {
    this.#failures = 0;
    if (this.#state === 'closed') return false;
    this.#state = 'closed';
    this.#tries = 0;
    this.#openSinceMs = null;
    this.#closedAtStart = starts + 1;
    return true;
  }

  /** Start number `start` failed for the server's or the network's fault. @returns whether that opened it, or kept it open */
  failed(start: number, nowMs: number): boolean {
    if (this.#state === 'half-open') {
      // One from before the trouble was noticed says nothing new.
      if (start !== this.#tryStart) return false;
      this.#tries += 1;
      this.#open(nowMs);
      return true;
    }
    if (this.#state === 'open' || start < this.#closedAtStart) return false;
    this.#failures += 1;
    if (this.#failures < this.#options.failuresMax) return false;
    this.#open(nowMs);
    return true;
  }

  /** Start number `start` ended without saying anything about the server: if it was the try, somebody else may. */
  givenUp(start: number, nowMs: number): void {
    if (this.#state !== 'half-open' || start !== this.#tryStart) return;
    this.#state = 'open';
    this.#retryAtMs = nowMs;
  }

  #open(nowMs: number): void {
    const { openMs, openMaxMs } = this.#options;
    this.#state = 'open';
    this.#failures = 0;
    this.#openSinceMs ??= nowMs;
    const mostMs = Math.min(openMaxMs, openMs * 2 ** this.#tries);
    // From half to the whole, so that many processes do not try at the same moments.
    this.#retryAtMs = nowMs + mostMs * (0.5 + this.#random() / 2);
  }
}
