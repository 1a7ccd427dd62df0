/**
 * The actors of a shard by id. Ids are counters of a few allocators, so a table of pages finds an actor with three reads,
 * where a map would hash, and cost twice the memory. What it does not do: hand out ids.
 *
 * Invariants: T1 It answers as a `Map` from ids to cells would, but for the order of its values: by allocator and id,
 * the main thread's first; then those with ids beyond the pages, as they came. T2 A page without actors is given back.
 */
import { ALLOCATORS_MAX, MAIN_ALLOCATOR } from '../protocol/ids.ts';
import type { ActorCell } from './cell.ts';

/** An id within 31 bits is in a page: the counter in steps of the page, the counter within it, the allocator. */
const ALLOCATOR_BITS = Math.log2(ALLOCATORS_MAX);
const ALLOCATOR_MASK = ALLOCATORS_MAX - 1;
const PAGE_BITS = 9;
const PAGE_MASK = 2 ** PAGE_BITS - 1;
const PAGE_SHIFT = ALLOCATOR_BITS + PAGE_BITS;

interface Page {
  readonly cells: (ActorCell | undefined)[];
  count: number;
}

export class CellTable {
  /** By allocator, then by the upper bits of the counter. */
  readonly #directories: (Page | undefined)[][] = Array.from({ length: ALLOCATORS_MAX }, () => []);
  /** Ids beyond 31 bits: after eight million spawns of one allocator. */
  readonly #far = new Map<number, ActorCell>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): ActorCell | undefined {
    if ((id | 0) !== id || id < 0) return this.#far.get(id);
    const page = (this.#directories[id & ALLOCATOR_MASK] as (Page | undefined)[])[id >> PAGE_SHIFT];
    return page === undefined ? undefined : page.cells[(id >> ALLOCATOR_BITS) & PAGE_MASK];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, cell: ActorCell): void {
    const known = this.get(id) !== undefined;
    if (!known) this.#size += 1;
    if ((id | 0) !== id || id < 0) {
      this.#far.set(id, cell);
      return;
    }
    const directory = this.#directories[id & ALLOCATOR_MASK] as (Page | undefined)[];
    const at = id >> PAGE_SHIFT;
    // Without holes, so that reading beyond the end is the only miss.
    while (directory.length <= at) directory.push(undefined);
    let page = directory[at];
    if (page === undefined) {
      page = { cells: Array.from({ length: PAGE_MASK + 1 }), count: 0 };
      directory[at] = page;
    }
    page.cells[(id >> ALLOCATOR_BITS) & PAGE_MASK] = cell;
    if (!known) page.count += 1;
  }

  delete(id: number): boolean {
    if (this.get(id) === undefined) return false;
    this.#size -= 1;
    if ((id | 0) !== id || id < 0) return this.#far.delete(id);
    const directory = this.#directories[id & ALLOCATOR_MASK] as (Page | undefined)[];
    const page = directory[id >> PAGE_SHIFT] as Page;
    page.cells[(id >> ALLOCATOR_BITS) & PAGE_MASK] = undefined;
    page.count -= 1;
    if (page.count === 0) directory[id >> PAGE_SHIFT] = undefined;
    return true;
  }

  /** Those that are there when they are come to; the table may change meanwhile. */
  *values(): Generator<ActorCell, void> {
    // Whom the main thread has spawned is above the others.
    for (const directory of [
      ...this.#directories.slice(MAIN_ALLOCATOR),
      ...this.#directories.slice(0, MAIN_ALLOCATOR),
    ]) {
      for (let at = 0; at < directory.length; at += 1) {
        const cells = directory[at]?.cells ?? NOBODY;
        for (let index = 0; index < cells.length; index += 1) {
          const cell = cells[index];
          if (cell !== undefined) yield cell;
        }
      }
    }
    yield* this.#far.values();
  }
}

const NOBODY: readonly undefined[] = [];
