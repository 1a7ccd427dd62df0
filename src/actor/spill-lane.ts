/**
 * What waits behind a full mailbox and is not in memory: positions of mail that a journal holds, as runs, and between
 * them the few items that are nowhere else. It reads nothing itself: its owner takes positions out to read them (`begin`)
 * and says when they have come (`end`).
 *
 * Invariants: S1 Positions and items come out in the order in which they went in; what is being read comes before the
 * rest. S2 Positions that follow each other cost one run, two numbers.
 */
import { Ring } from './ring.ts';

/** In place of the first position of a run: it is a run of items. */
const ITEMS = -1;
const NOTHING: readonly number[] = [];

export class SpillLane<Item> {
  /** All runs but the first and the last: position and length in turns. */
  readonly #runs = new Ring<number>();
  readonly #items = new Ring<Item>();
  #firstAt = 0;
  #firstLength = 0;
  #lastAt = 0;
  #lastLength = 0;
  #positions = 0;
  #reading: readonly number[] = NOTHING;

  /** Positions, also those that are being read, and items. */
  get length(): number {
    return this.#reading.length + this.#positions + this.#items.length;
  }

  /** Items: what is here in memory. */
  get items(): number {
    return this.#items.length;
  }

  get isReading(): boolean {
    return this.#reading.length > 0;
  }

  /** The position or the item that comes next. */
  peek(): number | Item | undefined {
    if (this.isReading) return this.#reading[0];
    if (!this.#hasFirst()) return undefined;
    return this.#firstAt === ITEMS ? this.#items.peek() : this.#firstAt;
  }

  pushPosition(position: number): void {
    this.#positions += 1;
    this.#extend(position, this.#lastAt !== ITEMS && this.#lastAt + this.#lastLength === position);
  }

  pushItem(item: Item): void {
    this.#items.push(item);
    this.#extend(ITEMS, this.#lastAt === ITEMS);
  }

  /** The next item, unless a position comes before it. */
  shiftItem(): Item | undefined {
    if (this.isReading || !this.#hasFirst() || this.#firstAt !== ITEMS) return undefined;
    this.#firstLength -= 1;
    return this.#items.shift();
  }

  /** Takes out at most `max` positions, up to the next item; they count as being read until `end`. */
  begin(max: number): readonly number[] {
    const positions: number[] = [];
    while (positions.length < max && this.#hasFirst() && this.#firstAt !== ITEMS) {
      positions.push(this.#firstAt);
      this.#firstAt += 1;
      this.#firstLength -= 1;
    }
    this.#positions -= positions.length;
    this.#reading = positions;
    return positions;
  }

  /** What was begun is read, and waits elsewhere now. */
  end(): void {
    this.#reading = NOTHING;
  }

  /** Removes and returns everything, oldest first. */
  drain(): (number | Item)[] {
    const all: (number | Item)[] = [...this.#reading];
    this.#reading = NOTHING;
    while (this.#hasFirst()) {
      if (this.#firstAt === ITEMS) all.push(this.#items.shift() as Item);
      else all.push(this.#firstAt++);
      this.#firstLength -= 1;
    }
    this.#positions = 0;
    return all;
  }

  #extend(at: number, follows: boolean): void {
    if (follows && this.#lastLength > 0) {
      this.#lastLength += 1;
      return;
    }
    if (this.#lastLength > 0) {
      this.#runs.push(this.#lastAt);
      this.#runs.push(this.#lastLength);
    }
    this.#lastAt = at;
    this.#lastLength = 1;
  }

  /** Makes sure that the first run is one with something in it. False when there is nothing. */
  #hasFirst(): boolean {
    if (this.#firstLength > 0) return true;
    if (this.#runs.length > 0) {
      this.#firstAt = this.#runs.shift() as number;
      this.#firstLength = this.#runs.shift() as number;
      return true;
    }
    this.#firstAt = this.#lastAt;
    this.#firstLength = this.#lastLength;
    this.#lastLength = 0;
    return this.#firstLength > 0;
  }
}
