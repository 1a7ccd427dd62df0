/**
 * Journaled mail for an actor whose spawn is not journaled yet. A service may hand out an id, and tell others of it, before
 * the step that spawns the actor commits; a crash in between makes that as long as a restart. Such
 * ids (`OUTSIDE_ALLOCATOR`) reach a shard in any order, so that only time tells that an actor will not come.
 * What it does not do: decide what becomes of mail that waited in vain.
 *
 * Invariants: A4 both the number of deliveries and their time are bounded. D1 what waits stays in the journal until it was
 * handed on or dropped.
 */
import type { Delivery } from '../journal/shard-log.ts';
import type { Clock } from '../platform/index.ts';
import { ALLOCATORS_MAX, OUTSIDE_ALLOCATOR } from '../protocol/ids.ts';

/** How long a spawn may be behind what the journal delivers for its actor. */
export const EARLY_DELIVERY_MS = 5_000;
const DELIVERIES_MAX = 16_384;
const NOTHING: readonly Delivery[] = [];

export class EarlyDeliveries {
  readonly #clock: Clock;
  readonly #expired: (deliveries: readonly Delivery[]) => void;
  readonly #waiting = new Map<number, Delivery[]>();
  /** Those that did not come in time: nothing waits for them any more. The journal may be asked for them after that. */
  readonly #late = new Set<number>();
  #count = 0;

  /** @param expired gets, in order, what waited for an actor that did not come */
  constructor(clock: Clock, expired: (deliveries: readonly Delivery[]) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Keeps a delivery for the unknown actor `id`. False when nobody can be told of such an actor beforehand. */
  hold(id: number, delivery: Delivery): boolean {
    if (id % ALLOCATORS_MAX !== OUTSIDE_ALLOCATOR || this.#count >= DELIVERIES_MAX) return false;
    if (this.#late.has(id)) return false;
    this.#count += 1;
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.push(delivery);
      return true;
    }
    const line = [delivery];
    this.#waiting.set(id, line);
    this.#clock.after(EARLY_DELIVERY_MS, () => {
      if (this.#waiting.get(id) !== line) return;
      const waited = this.arrived(id);
      if (this.#late.size >= DELIVERIES_MAX) this.#late.clear();
      this.#late.add(id);
      this.#expired(waited);
    });
    return true;
  }

  /** The actor `id` is here. @returns what waited for it, in order */
  arrived(id: number): readonly Delivery[] {
    this.#late.delete(id);
    if (this.#waiting.size === 0) return NOTHING;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return NOTHING;
    this.#waiting.delete(id);
    this.#count -= waiting.length;
    return waiting;
  }
}
