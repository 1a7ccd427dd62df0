/**
 * The timers of many actors in one binary heap of flat arrays: 32 bytes each, whatever their number. It keeps no time and
 * fires nothing. Entries are not removed when a timer is cancelled: their owner tells them apart when they come up, and
 * when the arrays are full those that mean nothing any more are left out before the arrays grow.
 *
 * Invariants: H1 entries come out by due time, those of one moment in the order in which they went in. H2 there are at
 * most twice as many entries as meant something at the last growth.
 */

const CAPACITY_START = 64;
/** An empty heap larger than this gives its memory back. */
const CAPACITY_KEPT = 65_536;

/** Whether the entry still means something. */
export type IsCurrent<What> = (actor: number, what: What) => boolean;

export class TimerHeap<What> {
  readonly #isCurrent: IsCurrent<What>;
  #dues = new Float64Array(CAPACITY_START);
  #orders = new Float64Array(CAPACITY_START);
  #actors = new Float64Array(CAPACITY_START);
  #whats: (What | undefined)[] = [];
  #length = 0;
  #order = 0;

  constructor(isCurrent: IsCurrent<What>) {
    this.#isCurrent = isCurrent;
  }

  /** Entries, current or not. */
  get length(): number {
    return this.#length;
  }

  /** When the first entry is due; Infinity when there is none. */
  get nextMs(): number {
    return this.#length === 0 ? Infinity : (this.#dues[0] as number);
  }

  push(dueMs: number, actor: number, what: What): void {
    if (this.#length === this.#dues.length) this.#makeRoom();
    this.#order += 1;
    this.#length += 1;
    this.#place(this.#rise(this.#length - 1, dueMs, this.#order), dueMs, this.#order, actor, what);
  }

  /** Takes the first entry out. */
  pop(): { readonly actor: number; readonly what: What } | undefined {
    if (this.#length === 0) return undefined;
    const first = { actor: this.#actors[0] as number, what: this.#whats[0] as What };
    const last = this.#length - 1;
    this.#length = last;
    const dueMs = this.#dues[last] as number;
    const order = this.#orders[last] as number;
    const actor = this.#actors[last] as number;
    const what = this.#whats[last] as What;
    this.#whats.length = last;
    if (last === 0 && this.#dues.length > CAPACITY_KEPT) this.#resize(CAPACITY_START);
    else if (last > 0) this.#place(this.#sink(dueMs, order), dueMs, order, actor, what);
    return first;
  }

  #place(at: number, dueMs: number, order: number, actor: number, what: What): void {
    this.#dues[at] = dueMs;
    this.#orders[at] = order;
    this.#actors[at] = actor;
    this.#whats[at] = what;
  }

  #isBefore(at: number, dueMs: number, order: number): boolean {
    const due = this.#dues[at] as number;
    return due < dueMs || (due === dueMs && (this.#orders[at] as number) < order);
  }

  #move(from: number, to: number): void {
    this.#place(
      to,
      this.#dues[from] as number,
      this.#orders[from] as number,
      this.#actors[from] as number,
      this.#whats[from] as What,
    );
  }

  /** Moves the ancestors of `at` down that come later. @returns the free place */
  #rise(at: number, dueMs: number, order: number): number {
    let place = at;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#isBefore(parent, dueMs, order)) break;
      this.#move(parent, place);
      place = parent;
    }
    return place;
  }

  /** Moves children up from the first place that come earlier. @returns the free place */
  #sink(dueMs: number, order: number): number {
    let place = 0;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= this.#length) return place;
      const right = child + 1;
      if (right < this.#length && this.#isBefore(right, this.#dues[child] as number, this.#orders[child] as number)) {
        child = right;
      }
      if (!this.#isBefore(child, dueMs, order)) return place;
      this.#move(child, place);
      place = child;
    }
  }

  #resize(capacity: number): void {
    this.#dues = new Float64Array(capacity);
    this.#orders = new Float64Array(capacity);
    this.#actors = new Float64Array(capacity);
    this.#whats = [];
  }

  #makeRoom(): void {
    const dues = this.#dues;
    const orders = this.#orders;
    const actors = this.#actors;
    const whats = this.#whats;
    const kept: number[] = [];
    for (let at = 0; at < this.#length; at += 1) {
      if (this.#isCurrent(actors[at] as number, whats[at] as What)) kept.push(at);
    }
    const capacity = kept.length * 2 > dues.length ? dues.length * 2 : dues.length;
    this.#resize(capacity);
    this.#length = 0;
    for (const at of kept) {
      const dueMs = dues[at] as number;
      const order = orders[at] as number;
      this.#length += 1;
      this.#place(this.#rise(this.#length - 1, dueMs, order), dueMs, order, actors[at] as number, whats[at] as What);
    }
  }
}
