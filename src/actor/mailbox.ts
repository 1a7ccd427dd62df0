/**
 * One actor's mailbox: a system lane that is always read first, and a bounded user lane. It stores; it does not
 * schedule turns, count dead letters or answer asks.
 *
 * Invariants: M1 Items of a lane come out in the order they went in. M2 The user lane never holds more than its
 * capacity, except for what was forced: signals, mail that the journal holds anyway, and stashed mail that comes back.
 */
import type { OverflowPolicy } from './definition.ts';
import { Ring } from './ring.ts';

export const MAILBOX_CAPACITY = 4_096;

export interface MailboxLimits {
  /** Most messages in the user lane. */
  readonly capacity: number;
  /** `spill` holds nothing back here: the journal has the mail already. */
  readonly overflow: OverflowPolicy;
}

/** `rejected`: the sender is told. `dropped`: the sender is not told. */
export type Offered = 'accepted' | 'rejected' | 'dropped';

export class Mailbox<Item> {
  readonly #limits: MailboxLimits;
  readonly #system = new Ring<Item>();
  readonly #user = new Ring<Item>();

  constructor(limits: MailboxLimits) {
    this.#limits = limits;
  }

  /** Items in both lanes. */
  get length(): number {
    return this.#system.length + this.#user.length;
  }

  get systemLength(): number {
    return this.#system.length;
  }

  offer(item: Item): Offered {
    const { capacity, overflow } = this.#limits;
    if (this.#user.length >= capacity) {
      if (overflow === 'reject') return 'rejected';
      if (overflow === 'drop-new') return 'dropped';
    }
    this.#user.push(item);
    return 'accepted';
  }

  /** Adds to the user lane, full or not. */
  force(item: Item): void {
    this.#user.push(item);
  }

  offerSystem(item: Item): void {
    this.#system.push(item);
  }

  /** The next item of the system lane, or else of the user lane. */
  take(): Item | undefined {
    return this.#system.shift() ?? this.#user.shift();
  }

  takeSystem(): Item | undefined {
    return this.#system.shift();
  }

  takeUser(): Item | undefined {
    return this.#user.shift();
  }

  peekSystem(): Item | undefined {
    return this.#system.peek();
  }

  peekUser(): Item | undefined {
    return this.#user.peek();
  }

  /** Puts items in front of the user lane, keeping their order. */
  putBack(items: readonly Item[]): void {
    for (let index = items.length - 1; index >= 0; index -= 1) this.#user.unshift(items[index] as Item);
  }

  /** Empties both lanes, system first. */
  drain(): Item[] {
    return [...this.#system.drain(), ...this.#user.drain()];
  }
}
