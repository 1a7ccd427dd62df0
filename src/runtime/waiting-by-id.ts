/**
 * What waits for an id that is not known yet, in order, for a limited time. What it does not do: know which ids may still
 * come, or decide what becomes of what waited in vain.
 *
 * Invariants: A4 both the number of items and their time are bounded. Whatever was held is given back once: taken, or
 * expired.
 */
import type { Clock } from '../platform/index.ts';

export interface WaitingLimits {
  /** Most items, of all ids together. */
  readonly itemsMax: number;
  /** How long the first item of an id waits, and with it those that came later. */
  readonly waitMs: number;
}

const NOTHING: readonly never[] = [];

export class WaitingById<Item> {
  readonly #clock: Clock;
  readonly #limits: WaitingLimits;
  readonly #expired: (id: number, items: readonly Item[]) => void;
  readonly #waiting = new Map<number, Item[]>();
  #count = 0;

  /** @param expired gets, in order, what waited for `id` for too long; nothing waits for it then */
  constructor(clock: Clock, limits: WaitingLimits, expired: (id: number, items: readonly Item[]) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#expired = expired;
  }

  /** Keeps an item for `id`. False when there are too many. */
  hold(id: number, item: Item): boolean {
    if (this.#count >= this.#limits.itemsMax) return false;
    this.#count += 1;
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.push(item);
      return true;
    }
    const line = [item];
    this.#waiting.set(id, line);
    this.#clock.after(this.#limits.waitMs, () => {
      // A line that was taken may have a successor, which has a time of its own.
      if (this.#waiting.get(id) === line) this.#expired(id, this.take(id));
    });
    return true;
  }

  /** @returns what waited for `id`, in order; it does not wait any more */
  take(id: number): readonly Item[] {
    if (this.#waiting.size === 0) return NOTHING;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return NOTHING;
    this.#waiting.delete(id);
    this.#count -= waiting.length;
    return waiting;
  }
}
