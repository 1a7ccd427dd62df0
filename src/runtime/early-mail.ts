/**
 * What arrives for an actor before its spawn does: a third actor may hear of a new actor over a faster way than the
 * spawn takes. Ids of one allocator reach a shard in growing order, so an id above the largest seen may still come; one
 * below it will not. What it does not do: decide what becomes of envelopes that waited in vain.
 *
 * Invariant: A4 Both the number of envelopes and their time are bounded.
 */
import type { Clock } from '../platform/index.ts';
import { ALLOCATORS_MAX } from '../protocol/ids.ts';
import type { Envelope } from './envelope.ts';
import { WaitingById } from './waiting-by-id.ts';

/** How long a spawn may be behind. */
export const EARLY_MAIL_MS = 500;
const LIMITS = { itemsMax: 16_384, waitMs: EARLY_MAIL_MS };

export class EarlyMail {
  /** By allocator. */
  readonly #largest = new Float64Array(ALLOCATORS_MAX);
  readonly #waiting: WaitingById<Envelope>;

  /** @param expired gets every envelope whose actor did not come */
  constructor(clock: Clock, expired: (envelope: Envelope) => void) {
    this.#waiting = new WaitingById(clock, LIMITS, (id, envelopes) => {
      this.#see(id);
      for (const late of envelopes) expired(late);
    });
  }

  /** Keeps an envelope for the unknown actor `id`. False when that actor will not come any more. */
  hold(id: number, envelope: Envelope): boolean {
    return !this.wasSeen(id) && this.#waiting.hold(id, envelope);
  }

  /** True when an actor of this id, or of a later one of the same allocator, was here. */
  wasSeen(id: number): boolean {
    return id <= (this.#largest[id % ALLOCATORS_MAX] as number);
  }

  /** The actor `id` is here, or will never be. @returns what waited for it, in order */
  arrived(id: number): readonly Envelope[] {
    this.#see(id);
    return this.#waiting.take(id);
  }

  #see(id: number): void {
    const allocator = id % ALLOCATORS_MAX;
    if (id > (this.#largest[allocator] as number)) this.#largest[allocator] = id;
  }
}
