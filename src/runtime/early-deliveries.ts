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
import { WaitingById } from './waiting-by-id.ts';

/** How long a spawn may be behind what the journal delivers for its actor. */
export const EARLY_DELIVERY_MS = 5_000;
const LIMITS = { itemsMax: 16_384, waitMs: EARLY_DELIVERY_MS };
const LATE_MAX = 16_384;

export class EarlyDeliveries {
  readonly #waiting: WaitingById<Delivery>;
  /** Those that did not come in time: nothing waits for them any more. The journal may be asked for them after that. */
  readonly #late = new Set<number>();

  /** @param expired gets, in order, what waited for an actor that did not come */
  constructor(clock: Clock, expired: (deliveries: readonly Delivery[]) => void) {
    this.#waiting = new WaitingById(clock, LIMITS, (id, deliveries) => {
      if (this.#late.size >= LATE_MAX) this.#late.clear();
      this.#late.add(id);
      expired(deliveries);
    });
  }

  /** Keeps a delivery for the unknown actor `id`. False when nobody can be told of such an actor beforehand. */
  hold(id: number, delivery: Delivery): boolean {
    return id % ALLOCATORS_MAX === OUTSIDE_ALLOCATOR && !this.#late.has(id) && this.#waiting.hold(id, delivery);
  }

  /** The actor `id` is here. @returns what waited for it, in order */
  arrived(id: number): readonly Delivery[] {
    this.#late.delete(id);
    return this.#waiting.take(id);
  }
}
