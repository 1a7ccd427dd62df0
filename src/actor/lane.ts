/**
 * A queue for actors of whom most have one message at a time: the first entry lies in the lane itself, and only what waits
 * behind it needs an array. An entry is an item, or a tell in its three parts: millions of tells need no object each as
 * long as nobody wants to see them as one (`wholeOf`). What it does not do: bound itself; its owner does.
 *
 * Invariants: M1 The first entry, if there is one, is older than everything behind it. M4 A tell in parts comes out of
 * everything but `takeInto` as the item that `wholeOf` makes of it.
 */
import type { ActorRef } from './definition.ts';

/** Slots of one entry: the item or the type; the body; the sender, undefined for an item. */
const WIDTH = 3;
const CAPACITY_START = 4;
/** An empty array for more entries than this is given back. */
const CAPACITY_KEPT = 1_024;

/** Who sent a tell in parts: null from outside of any actor. */
export type Sender = ActorRef | null;

/** Where `takeInto` puts what it takes. One object serves all lanes of a thread. */
export class Hand {
  /** The item, or the type of a tell in parts. */
  head: unknown = undefined;
  body: unknown = undefined;
  /** undefined: `head` is an item. */
  from: Sender | undefined = undefined;
}

export class Lane<Item> {
  #first: unknown = undefined;
  #body: unknown = undefined;
  #from: Sender | undefined = undefined;
  /** Allocated with the first entry that waits behind another, because most actors of a large system are idle. */
  #rest: unknown[] | null = null;
  /** Of the entries in `#rest`: the slot where they begin, and how many there are. */
  #head = 0;
  #length = 0;

  /** Entries of the lane. */
  get userLength(): number {
    return this.#first === undefined ? this.#length : this.#length + 1;
  }

  /** Adds an item, whatever is there. @param item not undefined */
  force(item: Item): void {
    this.#add(item, undefined, undefined);
  }

  /** Adds a tell, whatever is there. */
  forceTell(type: string, body: unknown, from: Sender): void {
    this.#add(type, body, from);
  }

  peekUser(): Item | undefined {
    if (this.#first !== undefined) return this.#whole(this.#first, this.#body, this.#from);
    return this.#length === 0 ? undefined : this.#at(0);
  }

  takeUser(): Item | undefined {
    if (this.#first === undefined) {
      if (this.#length === 0) return undefined;
      const item = this.#at(0);
      this.#drop();
      return item;
    }
    const item = this.#whole(this.#first, this.#body, this.#from);
    this.#clearFirst();
    return item;
  }

  /** Takes the next entry as it is. False when there is none. */
  takeInto(hand: Hand): boolean {
    if (this.#first !== undefined) {
      hand.head = this.#first;
      hand.body = this.#body;
      hand.from = this.#from;
      this.#clearFirst();
      return true;
    }
    if (this.#length === 0) return false;
    const rest = this.#rest as unknown[];
    const at = this.#head;
    hand.head = rest[at];
    hand.body = rest[at + 1];
    hand.from = rest[at + 2] as Sender | undefined;
    this.#drop();
    return true;
  }

  /** Puts items in front of all, keeping their order. */
  putBack(items: readonly Item[]): void {
    for (let index = items.length - 1; index >= 0; index -= 1) {
      if (this.#first !== undefined) this.#pushBack();
      this.#first = items[index];
    }
  }

  /** Everything that is there, next first. */
  *held(): Iterable<Item> {
    if (this.#first !== undefined) yield this.#whole(this.#first, this.#body, this.#from);
    for (let index = 0; index < this.#length; index += 1) yield this.#at(index);
  }

  /** Removes and returns everything, next first. */
  drainUser(): Item[] {
    const all: Item[] = [];
    for (let item = this.takeUser(); item !== undefined; item = this.takeUser()) all.push(item);
    return all;
  }

  /** The item that a tell in parts stands for. */
  protected wholeOf(type: string, _body: unknown, _from: Sender): Item {
    throw new TypeError(`this lane takes no tells in parts ('${type}')`);
  }

  #whole(head: unknown, body: unknown, from: Sender | undefined): Item {
    return from === undefined ? (head as Item) : this.wholeOf(head as string, body, from);
  }

  #add(head: unknown, body: unknown, from: Sender | undefined): void {
    if (this.#first === undefined && this.#length === 0) {
      this.#first = head;
      this.#body = body;
      this.#from = from;
      return;
    }
    const rest = this.#room();
    let at = this.#head + this.#length * WIDTH;
    if (at >= rest.length) at -= rest.length;
    rest[at] = head;
    rest[at + 1] = body;
    rest[at + 2] = from;
    this.#length += 1;
  }

  /** Moves the first entry in front of the rest. */
  #pushBack(): void {
    const rest = this.#room();
    const at = (this.#head === 0 ? rest.length : this.#head) - WIDTH;
    this.#head = at;
    rest[at] = this.#first;
    rest[at + 1] = this.#body;
    rest[at + 2] = this.#from;
    this.#length += 1;
    this.#clearFirst();
  }

  #clearFirst(): void {
    this.#first = undefined;
    this.#body = undefined;
    this.#from = undefined;
  }

  /** @param index within the rest */
  #at(index: number): Item {
    const rest = this.#rest as unknown[];
    const at = (this.#head + index * WIDTH) % rest.length;
    return this.#whole(rest[at], rest[at + 1], rest[at + 2] as Sender | undefined);
  }

  /** Lets go of the first entry of the rest. */
  #drop(): void {
    const rest = this.#rest as unknown[];
    const at = this.#head;
    rest[at] = undefined;
    rest[at + 1] = undefined;
    rest[at + 2] = undefined;
    this.#head = at + WIDTH === rest.length ? 0 : at + WIDTH;
    this.#length -= 1;
    if (this.#length === 0 && rest.length > CAPACITY_KEPT * WIDTH) this.#rest = null;
  }

  /** The array of the rest, with room for one more. */
  #room(): unknown[] {
    const rest = this.#rest;
    if (rest !== null && this.#length * WIDTH < rest.length) return rest;
    const grown = Array.from<unknown>({ length: rest === null ? CAPACITY_START * WIDTH : rest.length * 2 });
    for (let index = 0; index < this.#length * WIDTH; index += 1) {
      grown[index] = (rest as unknown[])[(this.#head + index) % (rest as unknown[]).length];
    }
    this.#head = 0;
    this.#rest = grown;
    return grown;
  }
}
