/**
 * Slow start after everybody had to wait (a cool-down, an outage): a few calls at first, one more with each answer, so
 * twice as many each round trip, until nobody is held back by it any more (Jacobson, *Congestion Avoidance and Control*,
 * 1988). Without it a whole population would call in the moment in which the server comes back. After a window that was
 * used up it begins with a quarter of the most that were under way: that much the server bore, and the limits hold the rest.
 */
const FIRST_CALLS = 4;
const FIRST_PART = 1 / 4;
const MOST_KEPT = 0.999;

export class Ramp {
  #cap = Number.POSITIVE_INFINITY;
  /** Under way at once when an answer came; less with later answers. */
  #most = 0;

  /** Most calls in flight; Infinity outside of a ramp. */
  get calls(): number {
    return this.#cap;
  }

  /** @param usedUp only for a window that was used up */
  begin(usedUp = false): void {
    this.#cap = usedUp ? Math.max(FIRST_CALLS, Math.ceil(this.#most * FIRST_PART)) : FIRST_CALLS;
  }

  /** An answer came, with `waiting` calls held back and `inFlight` under way besides it. */
  answered(waiting: number, inFlight: number): void {
    this.#most = Math.max(inFlight + 1, this.#most * MOST_KEPT);
    if (!Number.isFinite(this.#cap)) return;
    this.#cap += 1;
    if (waiting === 0 && inFlight < this.#cap / 2) this.#cap = Number.POSITIVE_INFINITY;
  }
}
