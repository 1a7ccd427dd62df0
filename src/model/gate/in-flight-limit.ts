/**
 * How many model calls may be in flight: additive increase, multiplicative decrease (Chiu and Jain 1989). What it does
 * not do: count what is in flight (the gate does).
 *
 * 1. Without a configured limit there is none until the first pressure (a 429 or a timeout).
 * 2. The limit is at least 1 and never above the configured one.
 * 3. Requests that were under way together lower it once.
 */
export class InFlightLimit {
  readonly #max: number;
  #value: number;
  /** Number of the last start when the limit was lowered; failures of earlier starts are the same congestion. */
  #loweredAtStart = 0;

  constructor(max: number = Number.POSITIVE_INFINITY) {
    this.#max = max;
    this.#value = max;
  }

  /** Whole calls; Infinity while there is no limit. */
  get calls(): number {
    return Math.floor(this.#value);
  }

  /** An answer came while `inFlight` calls, it included, were under way: one more per limit's worth of them. */
  answered(inFlight: number): void {
    if (Number.isFinite(this.#value) && inFlight >= this.calls) {
      this.#value = Math.min(this.#max, this.#value + 1 / this.#value);
    }
  }

  /** The request of start number `start` met pressure, after `starts` starts, with `inFlight` under way, it included. */
  pressed(start: number, starts: number, inFlight: number): void {
    if (start <= this.#loweredAtStart) return;
    this.#loweredAtStart = starts;
    this.#value = Math.max(1, Math.floor(Math.min(this.#value, inFlight) / 2));
  }
}
