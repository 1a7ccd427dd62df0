/**
 * One actor's mailbox: a system lane that is always read first, and a bounded user lane. Mail of a durable actor that
 * does not fit waits behind the user lane as a position of its journal (`put`), and comes back into it through
 * `beginRefill` and `endRefill`. It stores; it does not read the journal, schedule turns, count dead letters or answer asks.
 *
 * Invariants: M1 Items of a lane come out in the order they went in, also when they had been spilled. M2 The user lane
 * never holds more than its capacity, except for what was forced and for what comes back: stashed mail, and the rest of a
 * batch. M3 Something is spilled only while the user lane has at least `refillBelow` items or a refill is under way, as
 * long as its owner begins a refill after everything that takes or puts.
 */
import type { OverflowPolicy } from './definition.ts';
import { Lane, type Hand, type Sender } from './lane.ts';
import { Ring } from './ring.ts';
import { SpillLane } from './spill-lane.ts';

export const MAILBOX_CAPACITY = 4_096;
/** Most positions of one refill. */
export const REFILL_MAX = 1_024;

export interface MailboxLimits {
  /** Most messages in the user lane. */
  readonly capacity: number;
  /** `spill`: the journal has the mail, and `put` keeps positions of what does not fit. */
  readonly overflow: OverflowPolicy;
}

/** `rejected`: the sender is told. `dropped`: the sender is not told. */
export type Offered = 'accepted' | 'rejected' | 'dropped';

const NOTHING: readonly number[] = [];

/** Lanes that most mailboxes never have. */
class RareLanes<Item> {
  system: Ring<Item> | null = null;
  spill: SpillLane<Item> | null = null;
}

/** The user lane is what it extends: an object of its own would cost every actor more than all that is in it. */
export class Mailbox<Item> extends Lane<Item> {
  readonly #limits: MailboxLimits;
  #rare: RareLanes<Item> | null = null;

  constructor(limits: MailboxLimits) {
    super();
    this.#limits = limits;
  }

  /** Items in both lanes: what can be taken now. */
  get length(): number {
    return this.systemLength + this.userLength;
  }

  /** What waits behind the user lane. */
  get spilled(): number {
    return this.#rare?.spill?.length ?? 0;
  }

  /** Items among what is spilled: no journal holds them. */
  get behind(): number {
    return this.#rare?.spill?.items ?? 0;
  }

  /** Everything that waits. */
  get waitingLength(): number {
    return this.length + this.spilled;
  }

  get systemLength(): number {
    return this.#rare === null || this.#rare.system === null ? 0 : this.#rare.system.length;
  }

  offer(item: Item): Offered {
    const offered = this.userLength < this.#limits.capacity ? 'accepted' : this.offeredToFull();
    if (offered === 'accepted') this.force(item);
    return offered;
  }

  offerTell(type: string, body: unknown, from: Sender): Offered {
    const offered = this.userLength < this.#limits.capacity ? 'accepted' : this.offeredToFull();
    if (offered === 'accepted') this.forceTell(type, body, from);
    return offered;
  }

  /**
   * Adds to the user lane of a durable actor, or behind it when it is full or something is behind it already.
   * @param position of the item in the journal; negative when it is not there
   * @returns false when it was spilled
   */
  put(item: Item, position: number): boolean {
    if (this.spilled === 0 && this.userLength < this.#limits.capacity) {
      this.force(item);
      return true;
    }
    if (position >= 0) this.spill(position);
    else {
      this.lanes.spill ??= new SpillLane<Item>();
      this.lanes.spill.pushItem(item);
    }
    return false;
  }

  /** Adds a position behind the user lane. */
  spill(position: number): void {
    this.lanes.spill ??= new SpillLane<Item>();
    this.lanes.spill.pushPosition(position);
  }

  /**
   * Moves items back that are next, if there is room.
   * @param batchMax how many items the actor takes at a time; a refill leaves no fewer, as far as the capacity goes
   * @returns positions to be read now, none when enough is there or a refill is under way
   */
  beginRefill(batchMax: number): readonly number[] {
    const spill = this.#rare?.spill ?? null;
    if (spill === null || spill.isReading) return NOTHING;
    const { capacity } = this.#limits;
    const refillBelow = Math.max(Math.ceil(capacity / 2), Math.min(batchMax, capacity));
    if (this.userLength >= refillBelow) return NOTHING;
    this.moveItems(spill);
    return this.userLength >= capacity ? NOTHING : spill.begin(Math.min(capacity - this.userLength, REFILL_MAX));
  }

  /** @param items of the positions that were to be read, in their order */
  endRefill(items: readonly Item[]): void {
    this.#rare?.spill?.end();
    for (const item of items) this.force(item);
  }

  /** Whether positions were taken by `beginRefill` and have not come back. */
  get isRefilling(): boolean {
    return this.#rare?.spill?.isReading ?? false;
  }

  offerSystem(item: Item): void {
    this.lanes.system ??= new Ring<Item>();
    this.lanes.system.push(item);
  }

  /** The next item of the system lane, or else of the user lane. */
  take(): Item | undefined {
    return this.#rare?.system?.shift() ?? this.takeUser();
  }

  /** `take`, with the parts of a tell as they are. False when nothing is there. */
  takeNext(hand: Hand): boolean {
    if (this.#rare === null || this.systemLength === 0) return this.takeInto(hand);
    hand.head = this.#rare.system?.shift();
    hand.from = undefined;
    return true;
  }

  peekSystem(): Item | undefined {
    return this.#rare?.system?.peek();
  }

  /** The position or the item that is next behind the user lane. */
  peekSpilled(): number | Item | undefined {
    return this.#rare?.spill?.peek();
  }

  /** Empties both lanes, system first. */
  drain(): Item[] {
    return [...(this.#rare?.system?.drain() ?? []), ...this.drainUser()];
  }

  /** Empties what is behind them; a refill that is under way comes to nothing. */
  drainSpilled(): (number | Item)[] {
    return this.#rare?.spill?.drain() ?? [];
  }

  private get lanes(): RareLanes<Item> {
    this.#rare ??= new RareLanes<Item>();
    return this.#rare;
  }

  private offeredToFull(): Offered {
    const { overflow } = this.#limits;
    if (overflow === 'reject') return 'rejected';
    return overflow === 'drop-new' ? 'dropped' : 'accepted';
  }

  private moveItems(spill: SpillLane<Item>): void {
    while (this.userLength < this.#limits.capacity) {
      const item = spill.shiftItem();
      if (item === undefined) return;
      this.force(item);
    }
  }
}
