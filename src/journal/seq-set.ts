/**
 * A set of inbox positions at about one bit each. Positions are added in growing order and mostly leave in that order,
 * so whole pages come and go; a `Set` of numbers would cost some 40 bytes a mail with a million mails waiting.
 */
const PAGE_BITS = 4_096;

interface Page {
  readonly words: Uint32Array;
  count: number;
}

export class SeqSet {
  readonly #pages = new Map<number, Page>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(seq: number): boolean {
    const page = this.#pages.get(Math.floor(seq / PAGE_BITS));
    if (page === undefined) return false;
    const bit = seq % PAGE_BITS;
    return ((page.words[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  add(seq: number): void {
    if (this.has(seq)) return;
    const number = Math.floor(seq / PAGE_BITS);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { words: new Uint32Array(PAGE_BITS / 32), count: 0 };
      this.#pages.set(number, page);
    }
    const bit = seq % PAGE_BITS;
    page.words[bit >>> 5] = (page.words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    page.count += 1;
    this.#size += 1;
  }

  /** False when `seq` was not there. */
  delete(seq: number): boolean {
    if (!this.has(seq)) return false;
    const number = Math.floor(seq / PAGE_BITS);
    const page = this.#pages.get(number) as Page;
    const bit = seq % PAGE_BITS;
    page.words[bit >>> 5] = (page.words[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
    page.count -= 1;
    if (page.count === 0) this.#pages.delete(number);
    this.#size -= 1;
    return true;
  }

  /** The members as runs in growing order: gap to the end of the run before, length; two numbers each. */
  runs(): number[] {
    const runs: number[] = [];
    let end = 0;
    let length = 0;
    for (const seq of this.members()) {
      if (length > 0 && seq === end) {
        length += 1;
        runs[runs.length - 1] = length;
      } else {
        runs.push(seq - end, 1);
        length = 1;
      }
      end = seq + 1;
    }
    return runs;
  }

  /** Adds what `runs` gave. */
  addRuns(runs: readonly number[]): void {
    let at = 0;
    for (let index = 0; index < runs.length; index += 2) {
      at += runs[index] ?? 0;
      const end = at + (runs[index + 1] ?? 0);
      for (; at < end; at += 1) this.add(at);
    }
  }

  /** In growing order. */
  *members(): Iterable<number> {
    // Pages are mostly added in this order already.
    for (const number of [...this.#pages.keys()].sort((left, right) => left - right)) {
      for (const [index, word] of (this.#pages.get(number) as Page).words.entries()) {
        for (let rest = word; rest !== 0; rest &= rest - 1) {
          yield number * PAGE_BITS + index * 32 + (31 - Math.clz32(rest & -rest));
        }
      }
    }
  }
}

/** How many members there are in `runs`. */
export const sizeOfRuns = (runs: readonly number[]): number =>
  runs.reduce((size, run, index) => (index % 2 === 1 ? size + run : size), 0);
