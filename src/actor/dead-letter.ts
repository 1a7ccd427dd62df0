/** What becomes of a message that nobody will take: it is counted, kept for a while, and readable with its reason. */
import type { ActorAddress } from '../protocol/ids.ts';

export const DEAD_LETTER_REASONS = [
  'not-found',
  'no-routee',
  'stopped',
  'mailbox-full',
  'dropped-new',
  'link-full',
  'not-cloneable',
  'invalid',
  'unknown-type',
  'host-died',
  'journal-failed',
  'system-stopped',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly reason: DeadLetterReason;
  readonly to: ActorAddress;
  /** '' when the name of the receiver is not known where the letter died. */
  readonly toName: string;
  readonly from: ActorAddress | null;
  /** The message type. */
  readonly type: string;
}

/** The last `capacity` dead letters and the number of all of them. */
export class DeadLetterBox {
  readonly #capacity: number;
  readonly #letters: DeadLetter[] = [];
  #count = 0;

  constructor(capacity = 1_000) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#count;
  }

  add(letter: DeadLetter): void {
    this.#count += 1;
    this.#letters.push(letter);
    // Cut in halves, so that a flood costs a constant per letter.
    if (this.#letters.length > this.#capacity * 2) this.#letters.splice(0, this.#letters.length - this.#capacity);
  }

  /** Oldest first. */
  list(): readonly DeadLetter[] {
    return this.#letters.slice(-this.#capacity);
  }
}
