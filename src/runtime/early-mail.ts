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

/** How long a spawn may be behind. */
export const EARLY_MAIL_MS = 500;
const ENVELOPES_MAX = 16_384;

export class EarlyMail {
  readonly #clock: Clock;
  readonly #expired: (envelope: Envelope) => void;
  /** By allocator. */
  readonly #largest = new Float64Array(ALLOCATORS_MAX);
  readonly #waiting = new Map<number, Envelope[]>();
  #count = 0;

  /** @param expired gets every envelope whose actor did not come */
  constructor(clock: Clock, expired: (envelope: Envelope) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Keeps an envelope for the unknown actor `id`. False when that actor will not come any more. */
  hold(id: number, envelope: Envelope): boolean {
    if (this.wasSeen(id) || this.#count >= ENVELOPES_MAX) return false;
    const waiting = this.#waiting.get(id);
    this.#count += 1;
    if (waiting !== undefined) {
      waiting.push(envelope);
      return true;
    }
    this.#waiting.set(id, [envelope]);
    this.#clock.after(EARLY_MAIL_MS, () => {
      for (const late of this.arrived(id)) this.#expired(late);
    });
    return true;
  }

  /** True when an actor of this id, or of a later one of the same allocator, was here. */
  wasSeen(id: number): boolean {
    return id <= (this.#largest[id % ALLOCATORS_MAX] as number);
  }

  /** The actor `id` is here, or will never be. @returns what waited for it, in order */
  arrived(id: number): readonly Envelope[] {
    const allocator = id % ALLOCATORS_MAX;
    if (id > (this.#largest[allocator] as number)) this.#largest[allocator] = id;
    if (this.#waiting.size === 0) return NOTHING;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return NOTHING;
    this.#waiting.delete(id);
    this.#count -= waiting.length;
    return waiting;
  }
}

const NOTHING: readonly Envelope[] = [];
