/**
 * The vectors of one scope: a block that is searched exactly while there are few, an index above `exactMax`. What it does
 * not do: read or write files (`index-file.ts`), or know texts.
 *
 * Invariants: X2 All vectors are of one length; what is not is refused before the index sees it. X3 While an index is being
 * made of the block, the block answers.
 */
import { MegactorError } from '../protocol/errors.ts';
import { newIndex, THREADS, type Index, type Usearch } from './usearch.ts';

/** Vectors that are searched one by one: 0.3 ms at 512 dimensions, as long as the rest of a recall. */
export const EXACT_MAX = 4_096;

export interface VectorHit {
  readonly ordinal: number;
  readonly cosine: number;
}

/** What is asked of the index beyond `count`, so that enough is left when some are not allowed. */
const OVERFETCH = 2;

export class VectorSet {
  readonly #usearch: Usearch;
  readonly #exactMax: number;
  readonly dimensions: number;
  /** Rows of the block; null when the index has everything. */
  #block: Float32Array | null;
  #ordinals: number[] = [];
  /** What of the block is searched, and what is not any more. */
  readonly #rows = new Set<number>();
  readonly #removed = new Set<number>();
  #index: Index | null = null;
  /** Rows of the block that the index has. */
  #indexed = 0;

  /** @param index one that holds vectors already @param exactMax vectors that are searched one by one */
  constructor(usearch: Usearch, dimensions: number, index: Index | null = null, exactMax = EXACT_MAX) {
    this.#usearch = usearch;
    this.#exactMax = exactMax;
    this.dimensions = dimensions;
    this.#index = index;
    this.#block = index === null ? new Float32Array(dimensions * 16) : null;
  }

  get count(): number {
    return this.#block === null ? (this.#index?.size() ?? 0) : this.#rows.size;
  }

  get bytes(): number {
    const index = this.#index === null ? 0 : this.#index.size() * (this.dimensions * 2 + 200);
    return index + (this.#block?.byteLength ?? 0) + this.#ordinals.length * 48;
  }

  /** The index when it holds everything, for its file. */
  get index(): Index | null {
    return this.#block === null ? this.#index : null;
  }

  /** More vectors than an exact search should look at, and no index yet: `buildSome` is to be called until it is false. */
  get wantsIndex(): boolean {
    return this.#block !== null && this.#ordinals.length > this.#exactMax;
  }

  has(ordinal: number): boolean {
    if (this.#block === null) return this.#index?.contains(BigInt(ordinal)) === true;
    return this.#rows.has(ordinal);
  }

  /** @param vector of length 1 */
  add(ordinal: number, vector: Float32Array): void {
    if (vector.length !== this.dimensions || !Number.isFinite(vector[0])) {
      throw new MegactorError(
        'EMBEDDER_FAILED',
        `a vector of ${vector.length} dimensions among those of ${this.dimensions}`,
      );
    }
    if (this.#block === null) {
      const key = BigInt(ordinal);
      if (this.#index?.contains(key) === true) this.#index.remove(key);
      this.#index?.add(key, vector, THREADS);
      return;
    }
    const at = this.#ordinals.length * this.dimensions;
    if (at === this.#block.length) {
      const grown = new Float32Array(this.#block.length * 2);
      grown.set(this.#block);
      this.#block = grown;
    }
    this.#block.set(vector, at);
    this.#ordinals.push(ordinal);
    this.#rows.add(ordinal);
  }

  remove(ordinal: number): void {
    if (this.#block === null) {
      if (this.#index?.contains(BigInt(ordinal)) === true) this.#index.remove(BigInt(ordinal));
    } else if (this.#rows.delete(ordinal)) {
      this.#removed.add(ordinal);
    }
  }

  /** Puts up to `count` rows of the block into the index; with the last one the block goes. */
  buildSome(count: number): void {
    if (this.#block === null) return;
    this.#index ??= newIndex(this.#usearch, this.dimensions);
    const until = Math.min(this.#ordinals.length, this.#indexed + count);
    for (; this.#indexed < until; this.#indexed += 1) {
      const ordinal = this.#ordinals[this.#indexed] ?? 0;
      if (this.#removed.has(ordinal)) continue;
      this.#index.add(BigInt(ordinal), this.#row(this.#block, this.#indexed), THREADS);
    }
    if (this.#indexed < this.#ordinals.length) return;
    this.#block = null;
    for (const ordinal of this.#removed) this.remove(ordinal);
    this.#removed.clear();
    this.#rows.clear();
    this.#ordinals = [];
  }

  #row(block: Float32Array, row: number): Float32Array {
    return block.subarray(row * this.dimensions, (row + 1) * this.dimensions);
  }

  /** The nearest, best first. @param query of length 1 */
  search(query: Float32Array, count: number, allows: (ordinal: number) => boolean): VectorHit[] {
    const total = this.#block === null ? (this.#index?.size() ?? 0) : this.#ordinals.length;
    if (total === 0 || query.length !== this.dimensions) return [];
    let wanted = Math.min(total, count * OVERFETCH);
    for (;;) {
      const hits = this.#nearest(query, wanted).filter(({ ordinal }) => !this.#removed.has(ordinal) && allows(ordinal));
      if (hits.length >= count || wanted === total) return hits.slice(0, count);
      // Most of the nearest are not allowed: the recent past of an agent that goes on about one thing.
      wanted = Math.min(total, wanted * 4);
    }
  }

  #nearest(query: Float32Array, count: number): VectorHit[] {
    const { exactSearch, MetricKind } = this.#usearch;
    if (this.#block === null) {
      const found = this.#index?.search(query, count, THREADS);
      const distances = found?.distances ?? [];
      return Array.from(found?.keys ?? [], (key, at) => ({ ordinal: Number(key), cosine: 1 - (distances[at] ?? 1) }));
    }
    const rows = this.#block.subarray(0, this.#ordinals.length * this.dimensions);
    const found = exactSearch(rows, query, this.dimensions, count, MetricKind.IP, THREADS);
    const { keys, distances } = found;
    return Array.from(keys, (key, at) => ({
      ordinal: this.#ordinals[Number(key)] ?? -1,
      cosine: 1 - (distances[at] ?? 1),
    }));
  }
}
