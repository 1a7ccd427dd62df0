/**
 * A queue for actors of whom most have one message at a time: the first item lies in the lane itself, and only what waits
 * behind it needs an array. What it does not do: bound itself; its owner does.
 *
 * Invariant: M1 The first item, if there is one, is older than everything behind it.
 */
import { Ring } from './ring.ts';

export class Lane<Item> {
  #first: Item | undefined = undefined;
  #rest: Ring<Item> | null = null;

  get length(): number {
    const rest = this.#rest;
    return (this.#first === undefined ? 0 : 1) + (rest === null ? 0 : rest.length);
  }

  /** @param item not undefined */
  push(item: Item): void {
    const rest = this.#rest;
    if (rest === null) {
      if (this.#first === undefined) this.#first = item;
      else this.#behind().push(item);
    } else if (this.#first === undefined && rest.length === 0) this.#first = item;
    else rest.push(item);
  }

  peek(): Item | undefined {
    return this.#first ?? this.#rest?.peek();
  }

  /** Puts an item in front of all. */
  unshift(item: Item): void {
    if (this.#first !== undefined) this.#behind().unshift(this.#first);
    this.#first = item;
  }

  shift(): Item | undefined {
    const first = this.#first;
    if (first === undefined) return this.#rest === null ? undefined : this.#rest.shift();
    this.#first = undefined;
    return first;
  }

  /** Everything that is there, oldest first. */
  *items(): Iterable<Item> {
    if (this.#first !== undefined) yield this.#first;
    if (this.#rest !== null) yield* this.#rest.items();
  }

  /** Removes and returns everything, oldest first. */
  drain(): Item[] {
    const first = this.shift();
    return first === undefined ? [] : [first, ...(this.#rest?.drain() ?? [])];
  }

  #behind(): Ring<Item> {
    this.#rest ??= new Ring<Item>();
    return this.#rest;
  }
}
