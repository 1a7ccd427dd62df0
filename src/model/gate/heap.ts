/**
 * A binary heap whose items may leave from the middle: each item knows its place. One heap per `place` field, so that an
 * item can be in several heaps. What it does not do: bound itself, or notice an item whose order changed (take it out
 * first).
 */

/** The fields of an item in which heaps note its place; -1 while it is in none. */
export type Placed<Field extends string> = { [Key in Field]: number };

export class Heap<Field extends string, Item extends Placed<Field>> {
  readonly #items: Item[] = [];
  readonly #field: Field;
  readonly #before: (a: Item, b: Item) => boolean;

  constructor(field: Field, before: (a: Item, b: Item) => boolean) {
    this.#field = field;
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item; it stays. */
  peek(): Item | undefined {
    return this.#items[0];
  }

  has(item: Item): boolean {
    const place: number = item[this.#field];
    return place >= 0 && this.#items[place] === item;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#up(this.#items.length - 1, item);
  }

  remove(item: Item): void {
    const place: number = item[this.#field];
    if (place < 0 || this.#items[place] !== item) return;
    const last = this.#items.pop() as Item;
    this.#note(item, -1);
    if (last === item) return;
    this.#up(place, last);
    this.#down(last[this.#field], last);
  }

  #note(item: Item, place: number): void {
    (item as Placed<string>)[this.#field] = place;
  }

  #up(from: number, item: Item): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#items[parentIndex] as Item;
      if (!this.#before(item, parent)) break;
      this.#items[index] = parent;
      this.#note(parent, index);
      index = parentIndex;
    }
    this.#items[index] = item;
    this.#note(item, index);
  }

  #down(from: number, item: Item): void {
    const items = this.#items;
    let index = from;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= items.length) break;
      const right = left + 1;
      const child = right < items.length && this.#before(items[right] as Item, items[left] as Item) ? right : left;
      const candidate = items[child] as Item;
      if (!this.#before(candidate, item)) break;
      items[index] = candidate;
      this.#note(candidate, index);
      index = child;
    }
    items[index] = item;
    this.#note(item, index);
  }
}
