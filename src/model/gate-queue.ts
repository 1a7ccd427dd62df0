/**
 * The gate's queue: a binary heap ordered by level, then by arrival. What it does not do: bound itself (the gate refuses
 * before it adds), start calls.
 */
export interface Queued {
  readonly level: number;
  /** Order of arrival; unique. */
  readonly sequence: number;
}

const before = (a: Queued, b: Queued): boolean => (a.level === b.level ? a.sequence < b.sequence : a.level < b.level);

export class LevelQueue<Item extends Queued> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  push(item: Item): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(item);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Item;
      if (!before(item, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = item;
  }

  pop(): Item | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right] as Item, heap[left] as Item) ? right : left;
      const candidate = heap[child] as Item;
      if (!before(candidate, last)) break;
      heap[index] = candidate;
      index = child;
    }
    heap[index] = last;
    return first;
  }

  /** Takes everything out, in order. */
  takeAll(): Item[] {
    return this.#heap.splice(0).sort((a, b) => (before(a, b) ? -1 : 1));
  }

  /** Takes `item` out; cancelled calls are few, so this looks through all of them. */
  remove(item: Item): void {
    const rest = this.#heap.splice(0).filter((other) => other !== item);
    for (const other of rest) this.push(other);
  }
}
