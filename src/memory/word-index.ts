/**
 * The words of one scope: an inverted index in numbers, and BM25 over it (Robertson and Zaragoza, The Probabilistic
 * Relevance Framework, 2009; k1 = 1.2, b = 0.75, with an idf that is never negative). What it does not do: keep texts, know
 * what a memory is, or search by prefix.
 *
 * Invariants: I1 Documents are numbered in the order in which they came, and the postings of a term are in that order. I2 A
 * search looks at no more than `POSTINGS_MAX` postings, the rarest terms first. I3 A removed document is never found.
 */

const K1 = 1.2;
const B = 0.75;
/** Of one search: the rest of the terms are too common to matter. */
const POSTINGS_MAX = 60_000;
/** How often a term is in a document, at most, as far as it counts. */
const TIMES_MAX = 255;
const TIMES_BASE = 256;
/** Terms in more documents than this part are left out of searches in large scopes. */
const COMMON_SHARE = 0.4;
const LARGE = 2_000;
/** Bytes of a term with one document, and of a list, about. */
const TERM_BYTES = 64;
const LIST_BYTES = 200;
/** Removed documents for one that is left, before the index is packed. */
const REMOVED_SHARE = 0.5;

/** Documents that have a term: `document × 256 + times`, ascending. */
class Postings {
  items = new Uint32Array(4);
  count = 0;

  push(item: number): void {
    if (this.count === this.items.length) {
      const grown = new Uint32Array(this.count * 2);
      grown.set(this.items);
      this.items = grown;
    }
    this.items[this.count] = item;
    this.count += 1;
  }
}

export interface WordHit {
  readonly document: number;
  /** 1 for a document of average length with every word of the query once, at most 2.2. */
  readonly score: number;
}

export interface WordQuery {
  readonly terms: ReadonlySet<string>;
  readonly count: number;
  readonly allows: (document: number) => boolean;
}

/** Scores of documents while a search runs; shared by all indexes of a thread, and clean between searches. */
export class Scoreboard {
  scores = new Float32Array(1_024);
  touched = new Uint32Array(1_024);

  ensure(documents: number): void {
    if (this.scores.length >= documents) return;
    const size = 2 ** Math.ceil(Math.log2(documents));
    this.scores = new Float32Array(size);
    this.touched = new Uint32Array(size);
  }
}

/** A document fits into 24 bits: the other 8 hold how often. */
export const DOCUMENTS_MAX = 2 ** 24 - 1;

export class WordIndex {
  readonly #board: Scoreboard;
  /** A term that one document has needs no list. */
  #postings = new Map<string, number | Postings>();
  #lengths = new Uint16Array(16);
  #isThere = new Uint8Array(16);
  /** Documents numbered so far. */
  #size = 0;
  #removed = 0;
  #lengthSum = 0;
  #termBytes = 0;

  constructor(board: Scoreboard = new Scoreboard()) {
    this.#board = board;
  }

  /** Documents that can be found. */
  get count(): number {
    return this.#size - this.#removed;
  }

  get size(): number {
    return this.#size;
  }

  /** How many bytes it takes, about. */
  get bytes(): number {
    return this.#termBytes + this.#lengths.byteLength + this.#isThere.byteLength;
  }

  /** @returns the number of the document */
  add(terms: readonly string[]): number {
    const document = this.#size;
    if (document >= DOCUMENTS_MAX) throw new RangeError(`a word index has at most ${DOCUMENTS_MAX} documents`);
    if (document === this.#lengths.length) {
      const lengths = new Uint16Array(document * 2);
      lengths.set(this.#lengths);
      this.#lengths = lengths;
      const isThere = new Uint8Array(document * 2);
      isThere.set(this.#isThere);
      this.#isThere = isThere;
    }
    const times = new Map<string, number>();
    for (const term of terms) times.set(term, (times.get(term) ?? 0) + 1);
    for (const [term, many] of times) this.#post(term, document * TIMES_BASE + Math.min(many, TIMES_MAX));
    this.#lengths[document] = Math.min(terms.length, 65_535);
    this.#isThere[document] = 1;
    this.#lengthSum += this.#lengths[document] ?? 0;
    this.#size += 1;
    return document;
  }

  #post(term: string, item: number): void {
    const known = this.#postings.get(term);
    if (known === undefined) {
      this.#postings.set(term, item);
      this.#termBytes += TERM_BYTES + term.length;
    } else if (typeof known === 'number') {
      const list = new Postings();
      list.push(known);
      list.push(item);
      this.#postings.set(term, list);
      this.#termBytes += LIST_BYTES;
    } else {
      const { byteLength } = known.items;
      known.push(item);
      this.#termBytes += known.items.byteLength - byteLength;
    }
  }

  remove(document: number): void {
    if (this.#isThere[document] !== 1) return;
    this.#isThere[document] = 0;
    this.#removed += 1;
    this.#lengthSum -= this.#lengths[document] ?? 0;
  }

  /** How many documents have a term; removed ones may count until the next packing. */
  frequency(term: string): number {
    const postings = this.#postings.get(term);
    if (postings === undefined) return 0;
    return typeof postings === 'number' ? 1 : postings.count;
  }

  /** Documents that have a term. */
  *having(term: string): Generator<number> {
    const postings = this.#postings.get(term);
    if (postings === undefined) return;
    const items = typeof postings === 'number' ? [postings] : postings.items.subarray(0, postings.count);
    for (const item of items) {
      const document = Math.floor(item / TIMES_BASE);
      if (this.#isThere[document] === 1) yield document;
    }
  }

  #idf(frequency: number): number {
    const within = Math.min(frequency, this.#size);
    return Math.log(1 + (this.#size - within + 0.5) / (within + 0.5));
  }

  /** The best documents for a query, best first; of equal ones the newest. */
  search({ terms, count, allows }: WordQuery): WordHit[] {
    if (this.count === 0 || count <= 0) return [];
    const board = this.#board;
    board.ensure(this.#size);
    const { scores, touched } = board;
    const wanted = [...terms].map((term) => ({ term, frequency: this.frequency(term) }));
    wanted.sort((left, right) => left.frequency - right.frequency);
    const average = Math.max(1, this.#lengthSum / Math.max(1, this.count));
    let reachable = 0;
    let looked = 0;
    let many = 0;
    for (const { term, frequency } of wanted) {
      const idf = this.#idf(frequency);
      reachable += idf;
      if (frequency === 0) continue;
      if (looked > 0 && (looked + frequency > POSTINGS_MAX || this.#isCommon(frequency))) continue;
      looked += frequency;
      const postings = this.#postings.get(term);
      const single = typeof postings === 'number';
      for (let at = 0; at < frequency; at += 1) {
        const item = single ? postings : (postings?.items[at] ?? 0);
        const document = Math.floor(item / TIMES_BASE);
        const times = item % TIMES_BASE;
        const norm = K1 * (1 - B + (B * (this.#lengths[document] ?? 0)) / average);
        const score = scores[document] ?? 0;
        if (score === 0) {
          touched[many] = document;
          many += 1;
        }
        scores[document] = score + (idf * times * (K1 + 1)) / (times + norm);
      }
    }
    const best = this.#best(many, count, allows);
    for (let at = 0; at < many; at += 1) scores[touched[at] ?? 0] = 0;
    return best.map(({ document, score }) => ({ document, score: score / reachable }));
  }

  #isCommon(frequency: number): boolean {
    return this.#size > LARGE && frequency > this.#size * COMMON_SHARE;
  }

  /** The `count` best of the touched documents, by insertion into a short list. */
  #best(many: number, count: number, allows: (document: number) => boolean): WordHit[] {
    const { scores, touched } = this.#board;
    const best: { document: number; score: number }[] = [];
    for (let at = 0; at < many; at += 1) {
      const document = touched[at] ?? 0;
      const score = scores[document] ?? 0;
      const worst = best.length < count ? undefined : best[count - 1];
      if (worst !== undefined && (score < worst.score || (score === worst.score && document < worst.document)))
        continue;
      if (this.#isThere[document] !== 1 || !allows(document)) continue;
      let place = best.length < count ? best.length : count - 1;
      while (place > 0) {
        const before = best[place - 1];
        if (before === undefined || before.score > score || (before.score === score && before.document > document))
          break;
        best[place] = before;
        place -= 1;
      }
      best[place] = { document, score };
    }
    return best;
  }

  /** Whether `pack` is worth its time. */
  get isLoose(): boolean {
    return this.#removed > 64 && this.#removed > this.count * REMOVED_SHARE;
  }

  /** Forgets removed documents, and numbers the others anew in their order. @returns old numbers by the new ones */
  pack(): number[] {
    const kept: number[] = [];
    const renumbered = new Int32Array(this.#size).fill(-1);
    for (let document = 0; document < this.#size; document += 1) {
      if (this.#isThere[document] !== 1) continue;
      renumbered[document] = kept.length;
      kept.push(document);
    }
    const postings = new Map<string, number | Postings>();
    let termBytes = 0;
    for (const [term, old] of this.#postings) {
      const items = typeof old === 'number' ? [old] : old.items.subarray(0, old.count);
      const moved: number[] = [];
      for (const item of items) {
        const document = renumbered[Math.floor(item / TIMES_BASE)] ?? -1;
        if (document >= 0) moved.push(document * TIMES_BASE + (item % TIMES_BASE));
      }
      const [only] = moved;
      if (only === undefined) continue;
      termBytes += TERM_BYTES + term.length + (moved.length === 1 ? 0 : LIST_BYTES + moved.length * 4);
      if (moved.length === 1) {
        postings.set(term, only);
        continue;
      }
      const list = new Postings();
      list.items = Uint32Array.from(moved);
      list.count = moved.length;
      postings.set(term, list);
    }
    const lengths = new Uint16Array(Math.max(16, kept.length));
    for (const [document, old] of kept.entries()) lengths[document] = this.#lengths[old] ?? 0;
    this.#postings = postings;
    this.#termBytes = termBytes;
    this.#lengths = lengths;
    this.#isThere = new Uint8Array(lengths.length).fill(1, 0, kept.length);
    this.#size = kept.length;
    this.#removed = 0;
    return kept;
  }
}
