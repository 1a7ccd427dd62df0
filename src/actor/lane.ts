/**
 * A queue for actors of whom most have one message at a time: the first entry lies in the lane itself, and only what waits
 * behind it needs an array. An entry is an item, or a tell in its three parts: millions of tells need no object each as
 * long as nobody wants to see them as one (`wholeOf`). What it does not do: bound itself; its owner does.
 *
 * Its methods are not private by `#`: one such method costs every object of the class a slot, and every call a check.
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

/** What waits behind the first entry: entries in an array that is used as a ring. */
class Rest {
  slots: unknown[] = Array.from<unknown>({ length: CAPACITY_START * WIDTH });
  /** The slot where they begin. */
  head = 0;
  /** Entries. */
  length = 0;
}

export class Lane<Item> {
  #first: unknown = undefined;
  #body: unknown = undefined;
  #from: Sender | undefined = undefined;
  /** Made with the first entry that waits behind another, because most actors of a large system are idle. */
  #rest: Rest | null = null;

  /** Entries of the lane. */
  get userLength(): number {
    const behind = this.#rest === null ? 0 : this.#rest.length;
    return this.#first === undefined ? behind : behind + 1;
  }

  /** Adds an item, whatever is there. @param item not undefined */
  force(item: Item): void {
    this.add(item, undefined, undefined);
  }

  /** Adds a tell, whatever is there. */
  forceTell(type: string, body: unknown, from: Sender): void {
    this.add(type, body, from);
  }

  peekUser(): Item | undefined {
    if (this.#first !== undefined) return this.whole(this.#first, this.#body, this.#from);
    return this.#rest === null || this.#rest.length === 0 ? undefined : this.at(this.#rest, 0);
  }

  takeUser(): Item | undefined {
    const item = this.peekUser();
    if (this.#first !== undefined) this.clearFirst();
    else if (item !== undefined) this.drop(this.#rest as Rest);
    return item;
  }

  /** Takes the next entry as it is. False when there is none. */
  takeInto(hand: Hand): boolean {
    if (this.#first !== undefined) {
      hand.head = this.#first;
      hand.body = this.#body;
      hand.from = this.#from;
      this.clearFirst();
      return true;
    }
    const rest = this.#rest;
    if (rest === null || rest.length === 0) return false;
    const { slots, head: at } = rest;
    hand.head = slots[at];
    hand.body = slots[at + 1];
    hand.from = slots[at + 2] as Sender | undefined;
    this.drop(rest);
    return true;
  }

  /** Puts items in front of all, keeping their order. */
  putBack(items: readonly Item[]): void {
    for (let index = items.length - 1; index >= 0; index -= 1) {
      if (this.#first !== undefined) this.pushBack();
      this.#first = items[index];
    }
  }

  /** Everything that is there, next first. */
  *held(): Iterable<Item> {
    if (this.#first !== undefined) yield this.whole(this.#first, this.#body, this.#from);
    const rest = this.#rest;
    if (rest === null) return;
    for (let index = 0; index < rest.length; index += 1) yield this.at(rest, index);
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

  private whole(head: unknown, body: unknown, from: Sender | undefined): Item {
    return from === undefined ? (head as Item) : this.wholeOf(head as string, body, from);
  }

  private add(head: unknown, body: unknown, from: Sender | undefined): void {
    if (this.#first === undefined && (this.#rest === null || this.#rest.length === 0)) {
      this.#first = head;
      this.#body = body;
      this.#from = from;
      return;
    }
    const rest = this.room();
    const { slots } = rest;
    let at = rest.head + rest.length * WIDTH;
    if (at >= slots.length) at -= slots.length;
    slots[at] = head;
    slots[at + 1] = body;
    slots[at + 2] = from;
    rest.length += 1;
  }

  /** Moves the first entry in front of the rest. */
  private pushBack(): void {
    const rest = this.room();
    const { slots } = rest;
    const at = (rest.head === 0 ? slots.length : rest.head) - WIDTH;
    rest.head = at;
    slots[at] = this.#first;
    slots[at + 1] = this.#body;
    slots[at + 2] = this.#from;
    rest.length += 1;
    this.clearFirst();
  }

  private clearFirst(): void {
    this.#first = undefined;
    this.#body = undefined;
    this.#from = undefined;
  }

  private at({ slots, head }: Rest, index: number): Item {
    const at = (head + index * WIDTH) % slots.length;
    return this.whole(slots[at], slots[at + 1], slots[at + 2] as Sender | undefined);
  }

  /** Lets go of the first entry of the rest. */
  private drop(rest: Rest): void {
    const { slots, head: at } = rest;
    slots[at] = undefined;
    slots[at + 1] = undefined;
    slots[at + 2] = undefined;
    rest.head = at + WIDTH === slots.length ? 0 : at + WIDTH;
    rest.length -= 1;
    if (rest.length === 0 && slots.length > CAPACITY_KEPT * WIDTH) this.#rest = null;
  }

  /** The rest, with room for one more. */
  private room(): Rest {
    this.#rest ??= new Rest();
    const rest = this.#rest;
    const { slots, head } = rest;
    if (rest.length * WIDTH < slots.length) return rest;
    const inOrder = slots.slice(head).concat(slots.slice(0, head));
    rest.head = 0;
    rest.slots = inOrder.concat(inOrder).fill(undefined, inOrder.length);
    return rest;
  }
}
