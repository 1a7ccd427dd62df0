/**
 * Looks at LMDB's data file before LMDB does. LMDB trusts what it has mapped: a file that is cut off or overwritten ends
 * the whole process with a signal (SIGBUS, SIGSEGV, a failed assertion) where an error is wanted. This walks the trees
 * of the newest state: heads, branch and leaf pages, where overflow pages lie. It does not read values; they have
 * checksums of their own (`codec.ts`), and it changes nothing.
 *
 * The layout is that of LMDB 1.0 as lmdb-js 3.5 builds it, little endian: pages begin with a header of 24 bytes (page
 * number, transaction, padding, flags, and either lower and upper bound or a number of pages). Pages 0 and 1 are heads;
 * half a page behind the first lies the head of the last state that was flushed, to which LMDB returns after a power
 * loss, which it tells by the boot id. Another layout ends up as `JOURNAL_DAMAGED`, so the version of lmdb is pinned.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { damaged } from './codec.ts';

const PAGE_SIZES: readonly number[] = [4_096, 8_192, 16_384, 32_768];
const MAGIC = 0xbeef_c0de;
const DATA_VERSION = 2;
export const PAGE_HEADER = 24;
export const BRANCH = 1;
export const LEAF = 2;
export const OVERFLOW = 4;
/** Administration bits that may be set besides the kind. */
export const KIND_MASK = 0x1fff;
export const NODE_HEADER = 8;
export const BIG_VALUE = 1;
export const SUB_TREE = 2;
/** Where the root lies in the description of a tree, and how long that is. */
export const TREE_ROOT_AT = 40;
export const TREE_BYTES = 48;
export const EMPTY_TREE = 0xffff_ffff_ffff_ffffn;
const HEAD_BYTES = 168;
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

export interface Head {
  readonly pageBytes: number;
  readonly pages: number;
  readonly transaction: bigint;
  readonly roots: readonly bigint[];
  readonly bootId: bigint;
}

export class DataFile {
  readonly #descriptor: number;
  readonly #file: string;
  #bytes: number;

  constructor(descriptor: number, file: string) {
    this.#descriptor = descriptor;
    this.#file = file;
    this.#bytes = fstatSync(descriptor).size;
  }

  fail(what: string): Error {
    return damaged(`${this.#file} ${what}`, { file: this.#file });
  }

  read(at: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    if (!this.#reaches(at + length) || readSync(this.#descriptor, buffer, 0, length, at) < length) {
      throw this.fail('is cut off');
    }
    return buffer;
  }

  /** A live writer lets the file grow before it says so in a head. */
  #reaches(end: number): boolean {
    if (end > this.#bytes) this.#bytes = fstatSync(this.#descriptor).size;
    return end <= this.#bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  /** @param checked false for the head of the flushed state, which has no magic number */
  head(at: number, checked = true): Head {
    const bytes = this.read(at, HEAD_BYTES);
    const version = bytes.readUInt32LE(28) & 0xffff;
    if (checked && (bytes.readUInt32LE(24) !== MAGIC || version !== DATA_VERSION)) {
      throw this.fail('is not a journal');
    }
    const pageBytes = bytes.readUInt32LE(48);
    const lastPage = Number(bytes.readBigUInt64LE(144));
    if (!PAGE_SIZES.includes(pageBytes) || lastPage * pageBytes > Number.MAX_SAFE_INTEGER) {
      throw this.fail('has a head that makes no sense');
    }
    return {
      pageBytes,
      pages: lastPage + 1,
      transaction: bytes.readBigUInt64LE(152),
      roots: [bytes.readBigUInt64LE(48 + TREE_ROOT_AT), bytes.readBigUInt64LE(48 + TREE_BYTES + TREE_ROOT_AT)],
      bootId: bytes.readBigInt64LE(160),
    };
  }

  newest(): Head {
    const first = this.head(0);
    const second = this.head(first.pageBytes);
    return second.transaction > first.transaction ? second : first;
  }

  /** Walks all trees of a state. */
  check(head: Head): void {
    const waiting = head.roots.filter((root) => root !== EMPTY_TREE);
    let seen = 0;
    for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
      seen += 1;
      if (seen > head.pages) throw this.fail('has pages that lead in a circle');
      for (const child of this.#children(head, page)) waiting.push(child);
    }
  }

  #children(head: Head, number: bigint): bigint[] {
    const page = this.#page(head, number, head.pageBytes);
    const where = `has a damaged page ${number}`;
    const kind = page.readUInt16LE(18) & KIND_MASK;
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    const room = head.pageBytes - PAGE_HEADER;
    const sane = lower % 2 === 0 && lower <= upper && upper <= room;
    if ((kind !== BRANCH && kind !== LEAF) || !sane) throw this.fail(where);
    const children: bigint[] = [];
    for (let index = 0; index < lower / 2; index += 1) {
      const at = page.readUInt16LE(PAGE_HEADER + 2 * index);
      if (at < upper || at + NODE_HEADER > room) throw this.fail(where);
      const node = page.subarray(PAGE_HEADER + at);
      const keyEnd = NODE_HEADER + node.readUInt16LE(6);
      if (keyEnd > node.length) throw this.fail(where);
      if (kind === BRANCH) children.push(BigInt(node.readUInt32LE(0)) | (BigInt(node.readUInt16LE(4)) << 32n));
      else this.#leafNode(head, node, keyEnd, children, where);
    }
    return children;
  }

  #leafNode(head: Head, node: Buffer, keyEnd: number, children: bigint[], where: string): void {
    const flags = node.readUInt16LE(4);
    const valueBytes = node.readUInt32LE(0);
    const stored = flags === BIG_VALUE ? 24 : valueBytes;
    if (flags > SUB_TREE || keyEnd + stored > node.length) throw this.fail(where);
    if (flags === BIG_VALUE) {
      const first = node.readBigUInt64LE(keyEnd);
      const count = Number(node.readBigUInt64LE(keyEnd + 16));
      const page = this.#page(head, first, PAGE_HEADER);
      const fits = count * head.pageBytes >= valueBytes + PAGE_HEADER && Number(first) + count <= head.pages;
      if ((page.readUInt16LE(18) & KIND_MASK) !== OVERFLOW || page.readUInt32LE(20) !== count || !fits) {
        throw this.fail(`has a damaged page ${first}`);
      }
      if (!this.#reaches((Number(first) + count) * head.pageBytes)) throw this.fail('is cut off');
    } else if (flags === SUB_TREE) {
      if (valueBytes !== TREE_BYTES) throw this.fail(where);
      const root = node.readBigUInt64LE(keyEnd + TREE_ROOT_AT);
      if (root !== EMPTY_TREE) children.push(root);
    }
  }

  #page(head: Head, number: bigint, length: number): Buffer {
    if (number < 2n || number >= BigInt(head.pages)) throw this.fail(`points to page ${number}, which is not there`);
    const page = this.read(Number(number) * head.pageBytes, length);
    if (page.readBigUInt64LE(0) !== number) throw this.fail(`has a damaged page ${number}`);
    return page;
  }
}

/** As LMDB reads it: the first group of hexadecimal digits. 0 when the system has none. */
export const currentBootId = (): bigint => {
  try {
    return BigInt(Number.parseInt(readFileSync(BOOT_ID_FILE, 'utf8'), 16));
  } catch {
    return 0n;
  }
};

/** The states that LMDB could open, the one that it would take first; none when there is no head left. */
export const statesOf = (file: DataFile): Head[] => {
  const heads: Head[] = [];
  const add = (at: number, checked: boolean): void => {
    try {
      heads.push(file.head(at, checked));
    } catch {
      // Damaged, which is why there is more than one.
    }
  };
  add(0, true);
  const sizes = heads[0] === undefined ? PAGE_SIZES : [heads[0].pageBytes];
  for (const size of sizes) add(size, true);
  heads.sort((left, right) => (left.transaction < right.transaction ? 1 : -1));
  for (const size of heads[0] === undefined ? PAGE_SIZES : [heads[0].pageBytes]) add(size / 2, false);
  return heads;
};

const check = (file: DataFile): void => {
  if (file.empty) return;
  const newest = file.newest();
  try {
    file.check(newest);
  } catch (error) {
    // A live writer commits while we look: what we saw was between two states, and its own start has checked the file.
    if (file.newest().transaction !== newest.transaction) return;
    // After a power loss the newest state may be torn; LMDB goes back to the flushed one.
    const bootId = currentBootId();
    if (bootId === 0n || newest.bootId === bootId) throw error;
    file.check(file.head(newest.pageBytes / 2, false));
  }
};

/**
 * True after a power loss, until a writer opens the file: the newest state may be torn, and LMDB is going back to the
 * flushed one. Only a writer does so; somebody who opens the file to read is shown the newest one.
 */
export const isUnflushed = (file: string): boolean => {
  const descriptor = openSync(file, 'r');
  try {
    const data = new DataFile(descriptor, file);
    if (data.empty) return false;
    const newest = data.newest();
    const bootId = currentBootId();
    if (bootId === 0n || newest.bootId === bootId) return false;
    return data.head(newest.pageBytes / 2, false).transaction < newest.transaction;
  } finally {
    closeSync(descriptor);
  }
};

/** @throws JOURNAL_DAMAGED when LMDB could not open or read `file` without harm; a file that is not there is fine */
export const checkDataFile = (file: string): void => {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, 'r');
  try {
    check(new DataFile(descriptor, file));
  } finally {
    closeSync(descriptor);
  }
};
