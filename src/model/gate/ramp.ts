/**
 * Slow start after everybody had to wait (a cool-down, an outage): a few calls at first, one more with each answer, so
 * twice as many each round trip, until nobody is held back by it any more (Jacobson, *Congestion Avoidance and Control*,
 * 1988). Without it a whole population would call in the moment in which the server comes back.
 */
const FIRST_CALLS = 4;

export class Ramp {
  #cap = Number.POSITIVE_INFINITY;

  /** Most calls in flight; Infinity outside of a ramp. */
  get calls(): number {
    return this.#cap;
  }

  begin(): void {
    this.#cap = FIRST_CALLS;
  }

  /** An answer came, with `waiting` calls held back and `inFlight` under way besides it. */
  answered(waiting: number, inFlight: number): void {
    if (!Number.isFinite(this.#cap)) return;
    this.#cap += 1;
    if (waiting === 0 && inFlight < this.#cap / 2) this.#cap = Number.POSITIVE_INFINITY;
  }
}
