/**
 * The children of one actor, in the order in which they were started. An ephemeral child on the shard of its parent is a
 * link of this list itself, so that a family costs no map; others have a link made for them and are found by a map.
 * What it does not do: start, stop or tell anybody.
 *
 * Invariants: F1 A child is in the list once. F2 Who is taken out while the list is walked through is passed over, unless
 * it was next.
 */
import type { ActorRef } from '../actor/index.ts';

/** A child as its parent knows it: a cell of its shard, or a `Link`. */
export interface Sibling {
  readonly ref: ActorRef;
  /** True when the journal knows of it. */
  readonly isDurable: boolean;
  /** The list it is in. */
  family: Children | null;
  before: Sibling | null;
  after: Sibling | null;
}

class Link implements Sibling {
  readonly ref: ActorRef;
  readonly isDurable: boolean;
  family: Children | null = null;
  before: Sibling | null = null;
  after: Sibling | null = null;

  constructor(ref: ActorRef, isDurable: boolean) {
    this.ref = ref;
    this.isDurable = isDurable;
  }
}

export class Children {
  /** Finds a cell of this shard. */
  readonly #cells: { get(id: number): Sibling | undefined };
  /** Those that are no cells of this shard, by id. */
  #links: Map<number, Link> | null = null;
  #first: Sibling | null = null;
  #last: Sibling | null = null;
  size = 0;

  constructor(cells: { get(id: number): Sibling | undefined }) {
    this.#cells = cells;
  }

  get(id: number): Sibling | undefined {
    const link = this.#links?.get(id);
    if (link !== undefined) return link;
    const cell = this.#cells.get(id);
    return cell?.family === this ? cell : undefined;
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  /** Adds a child by its ref, or puts what is known of it in the place of what was. */
  add(ref: ActorRef, isDurable: boolean): void {
    const known = this.get(ref.id);
    if (known?.ref === ref && known.isDurable === isDurable) return;
    const link = new Link(ref, isDurable);
    this.#links ??= new Map();
    if (known === undefined) this.adopt(link);
    else this.#replace(known, link);
    this.#links.set(ref.id, link);
  }

  /** Adds a child that is in no list yet. */
  adopt(child: Sibling): void {
    const last = this.#last;
    child.family = this;
    child.before = last;
    if (last === null) this.#first = child;
    else last.after = child;
    this.#last = child;
    this.size += 1;
  }

  delete(id: number): boolean {
    const child = this.get(id);
    if (child === undefined) return false;
    this.remove(child);
    return true;
  }

  /** @param child of this list */
  remove(child: Sibling): void {
    const { before, after } = child;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    child.family = null;
    child.before = null;
    child.after = null;
    this.#links?.delete(child.ref.id);
    this.size -= 1;
  }

  /** In the order of their start. The one that was given out last may be removed meanwhile. */
  *values(): Generator<Sibling, void> {
    let child = this.#first;
    while (child !== null) {
      const next: Sibling | null = child.after;
      yield child;
      // Whoever is no longer in the list says nothing of who follows.
      child = child.family === this ? child.after : next?.family === this ? next : null;
    }
  }

  #replace(known: Sibling, link: Link): void {
    const { before, after } = known;
    link.family = this;
    link.before = before;
    link.after = after;
    if (before === null) this.#first = link;
    else before.after = link;
    if (after === null) this.#last = link;
    else after.before = link;
    known.family = null;
    known.before = null;
    known.after = null;
  }
}
