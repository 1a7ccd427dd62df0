/**
 * Credits between shards: how many envelopes of one sender are under way to each receiving shard. The receiver
 * acknowledges what has *arrived*, whatever becomes of it, so that two shards that flood each other cannot wait for
 * each other. What it does not do: stop anybody; the sender looks at `blocked` before it starts a turn.
 */

/** Unacknowledged envelopes to one shard beyond which a sender starts no turn. */
export const CREDIT_LIMIT = 16_384;
/** An acknowledgement leaves at the latest after this many arrivals. */
export const CREDIT_BATCH = 256;

export class CreditBook {
  readonly #limit: number;
  readonly #underWay = new Map<number, number>();
  #over = 0;

  constructor(limit = CREDIT_LIMIT) {
    this.#limit = limit;
  }

  get blocked(): boolean {
    return this.#over > 0;
  }

  /** To all shards together. */
  get total(): number {
    return [...this.#underWay.values()].reduce((sum, count) => sum + count, 0);
  }

  underWay(shard: number): number {
    return this.#underWay.get(shard) ?? 0;
  }

  sent(shard: number): void {
    const count = this.underWay(shard) + 1;
    this.#underWay.set(shard, count);
    if (count === this.#limit + 1) this.#over += 1;
  }

  credited(shard: number, count: number): void {
    const before = this.underWay(shard);
    const after = Math.max(0, before - count);
    this.#underWay.set(shard, after);
    if (before > this.#limit && after <= this.#limit) this.#over -= 1;
  }

  /** The receiver died: nothing is under way any more. @returns what was */
  forget(shard: number): number {
    const before = this.underWay(shard);
    this.credited(shard, before);
    return before;
  }
}
