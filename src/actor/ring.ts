/**
 * A double-ended queue in one array: the storage of mailboxes and run queues. Grows by doubling and lets go of a large
 * array once it is empty. What it does not do: bound itself; its owner does.
 */

const CAPACITY_START = 8;
/** An empty ring larger than this gives its memory back. */
const CAPACITY_KEPT = 1_024;

export class Ring<Item> {
  // Allocated with the first item, because most actors of a large system are idle.
  #items: (Item | undefined)[] | null = null;
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: Item): void {
    const items = this.#room();
    items[(this.#head + this.#length) & (items.length - 1)] = item;
    this.#length += 1;
  }

  peek(): Item | undefined {
    return this.#length === 0 ? undefined : (this.#items as (Item | undefined)[])[this.#head];
  }

  unshift(item: Item): void {
    const items = this.#room();
    this.#head = (this.#head - 1) & (items.length - 1);
    items[this.#head] = item;
    this.#length += 1;
  }

  shift(): Item | undefined {
    if (this.#length === 0) return undefined;
    const items = this.#items as (Item | undefined)[];
    const item = items[this.#head];
    items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (items.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && items.length > CAPACITY_KEPT) this.#items = null;
    return item;
  }

  /** Everything that is there, oldest first. */
  *items(): Iterable<Item> {
    for (let index = 0; index < this.#length; index += 1) {
      const items = this.#items as (Item | undefined)[];
      yield items[(this.#head + index) & (items.length - 1)] as Item;
    }
  }

  /** Removes and returns everything, oldest first. */
  drain(): Item[] {
    const all: Item[] = [];
    while (this.#length > 0) all.push(this.shift() as Item);
    return all;
  }

  #room(): (Item | undefined)[] {
    const items = this.#items;
    if (items === null) {
      this.#head = 0;
      this.#items = Array.from<Item | undefined>({ length: CAPACITY_START });
      return this.#items;
    }
    if (this.#length < items.length) return items;
    const grown = Array.from<Item | undefined>({ length: items.length * 2 });
    for (let index = 0; index < this.#length; index += 1) {
      grown[index] = items[(this.#head + index) & (items.length - 1)];
    }
    this.#head = 0;
    this.#items = grown;
    return grown;
  }
}
