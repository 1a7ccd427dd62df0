/**
 * Reads LMDB's data file without LMDB, for a file that LMDB must not open: what is damaged is skipped and counted, the
 * rest is found. Two ways: down the trees of a state (`walk`), and over all leaf pages whatever leads to them (`scan`).
 * It knows nothing of what keys and values mean, and writes nothing.
 *
 * Invariants: Q1 It ends on any input: no page is visited twice in a tree, and no byte outside of the file is read.
 * Q2 `whole` is true only when every page, node and key of the state is where LMDB looks for it.
 */
import { closeSync, openSync } from 'node:fs';
import {
  BIG_VALUE,
  BRANCH,
  DataFile,
  EMPTY_TREE,
  type Head,
  KIND_MASK,
  LEAF,
  NODE_HEADER,
  OVERFLOW,
  PAGE_HEADER,
  statesOf,
  SUB_TREE,
  TREE_BYTES,
  TREE_ROOT_AT,
} from '../data-file.ts';

/** Where a value lies in the file, in bytes; -1 when it cannot be told. */
export interface Located {
  readonly key: Buffer;
  readonly at: number;
  readonly length: number;
}

/** A part of a table that could not be read: keys from `from` to before `to`; null: no bound. */
export interface LostRange {
  readonly from: Buffer | null;
  readonly to: Buffer | null;
}

export interface WalkedTable {
  readonly rows: Located[];
  readonly lost: LostRange[];
}

export interface Walked {
  /** By name. */
  readonly tables: ReadonlyMap<string, WalkedTable>;
  readonly whole: boolean;
  readonly damagedPages: number;
}

/** A leaf page that was found by scanning, with the transaction that wrote it. */
export interface ScannedPage {
  readonly transaction: bigint;
  readonly rows: readonly Located[];
}

interface Node {
  readonly key: Buffer;
  /** Of a branch: the page below. */
  readonly child: bigint;
  readonly flags: number;
  readonly at: number;
  readonly length: number;
}

interface Span {
  readonly page: bigint;
  readonly from: Buffer | null;
  readonly to: Buffer | null;
}

/** A tree deeper than this is none: 4 KiB pages with two nodes each would reach any size before. */
const DEPTH_MAX = 64;

export class PageReader {
  readonly #descriptor: number;
  readonly file: DataFile;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
    this.file = new DataFile(this.#descriptor, path);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** The states that may be read, the newest first. */
  states(): Head[] {
    return this.file.empty ? [] : statesOf(this.file);
  }

  /** Whether the newest of the states is known to be so. */
  hasBothHeads(): boolean {
    try {
      this.file.newest();
      return true;
    } catch {
      return false;
    }
  }

  value({ at, length }: Located): Buffer | null {
    if (at < 0) return null;
    try {
      return this.file.read(at, length);
    } catch {
      return null;
    }
  }

  /** All tables of a state. */
  walk(head: Head): Walked {
    const faults = { pages: 0 };
    const tables = new Map<string, WalkedTable>();
    const [, main] = head.roots;
    const roots = new Map<string, bigint>();
    const names: WalkedTable = { rows: [], lost: [] };
    this.#tree(head, main ?? EMPTY_TREE, names, faults, (node, name) => {
      if (node.flags !== SUB_TREE || node.length !== TREE_BYTES) return false;
      roots.set(name, this.file.read(node.at + TREE_ROOT_AT, 8).readBigUInt64LE(0));
      return true;
    });
    for (const [name, root] of roots) {
      const table: WalkedTable = { rows: [], lost: [] };
      this.#tree(head, root, table, faults, null);
      tables.set(name, table);
    }
    return { tables, whole: faults.pages === 0 && this.#strict(head), damagedPages: faults.pages };
  }

  /** All leaf pages of the file, used or not, damaged ones left out. */
  *scan(pageBytes: number): Iterable<ScannedPage> {
    const pages = Math.floor(this.file.bytes / pageBytes);
    // A value may lie anywhere in the file, whatever the heads say of its size.
    const head: Head = { pageBytes, pages, transaction: 0n, roots: [], bootId: 0n };
    for (let number = 2; number < pages; number += 1) {
      const nodes = this.#nodes(head, BigInt(number), LEAF);
      if (nodes === null) continue;
      const rows: Located[] = [];
      for (const node of nodes.found) if (node.flags !== SUB_TREE) rows.push(this.#located(head, node));
      yield { transaction: this.file.read(number * pageBytes + 8, 8).readBigUInt64LE(0), rows };
    }
  }

  /** What LMDB itself trusts in, the list of free pages included. */
  #strict(head: Head): boolean {
    try {
      this.file.check(head);
      return true;
    } catch {
      return false;
    }
  }

  /** @param onNode takes the nodes of the table of tables; false when one makes no sense */
  #tree(
    head: Head,
    root: bigint,
    table: WalkedTable,
    faults: { pages: number },
    onNode: ((node: Node, name: string) => boolean) | null,
  ): void {
    if (root === EMPTY_TREE) return;
    const seen = new Set<bigint>();
    let last: Buffer | null = null;
    const visit = ({ page, from, to }: Span, depth: number): void => {
      const nodes = seen.has(page) || depth > DEPTH_MAX ? null : this.#nodes(head, page, null);
      seen.add(page);
      if (nodes === null) {
        faults.pages += 1;
        table.lost.push({ from, to });
        return;
      }
      if (nodes.damaged) {
        faults.pages += 1;
        table.lost.push({ from, to });
      }
      for (const [index, node] of nodes.found.entries()) {
        const first = index === 0 && nodes.branch;
        const key = first ? from : node.key;
        const next = nodes.found[index + 1]?.key ?? to;
        if (nodes.branch) {
          visit({ page: node.child, from: key, to: next }, depth + 1);
          continue;
        }
        const outside = (from !== null && node.key.compare(from) < 0) || (to !== null && node.key.compare(to) >= 0);
        if (outside || (last !== null && node.key.compare(last) <= 0)) {
          faults.pages += 1;
          table.lost.push({ from, to });
        } else last = node.key;
        if (onNode === null) this.#row(head, node, table, faults);
        else if (!onNode(node, node.key.toString('utf8').replace(/\0+$/u, ''))) faults.pages += 1;
      }
    };
    visit({ page: root, from: null, to: null }, 0);
  }

  #row(head: Head, node: Node, table: WalkedTable, faults: { pages: number }): void {
    const located = this.#located(head, node);
    if (located.at < 0) faults.pages += 1;
    table.rows.push(located);
  }

  #located(head: Head, node: Node): Located {
    const { key, flags } = node;
    if (flags === 0) return { key, at: node.at, length: node.length };
    try {
      const first = Number(this.file.read(node.at, 8).readBigUInt64LE(0));
      const at = first * head.pageBytes;
      const page = this.file.read(at, PAGE_HEADER);
      const isOverflow = (page.readUInt16LE(18) & KIND_MASK) === OVERFLOW && page.readBigUInt64LE(0) === BigInt(first);
      const fits = at + PAGE_HEADER + node.length <= this.file.bytes;
      return { key, at: isOverflow && fits && first > 1 ? at + PAGE_HEADER : -1, length: node.length };
    } catch {
      return { key, at: -1, length: 0 };
    }
  }

  #nodes(
    head: Head,
    number: bigint,
    only: number | null,
  ): { readonly branch: boolean; readonly damaged: boolean; readonly found: Node[] } | null {
    if (number < 2n || number >= BigInt(head.pages)) return null;
    const start = Number(number) * head.pageBytes;
    if (start + head.pageBytes > this.file.bytes) return null;
    const page = this.file.read(start, head.pageBytes);
    const kind = page.readUInt16LE(18) & KIND_MASK;
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    const room = head.pageBytes - PAGE_HEADER;
    if (page.readBigUInt64LE(0) !== number || (kind !== BRANCH && kind !== LEAF)) return null;
    if (only !== null && kind !== only) return null;
    if (lower % 2 !== 0 || lower > upper || upper > room) return null;
    const found: Node[] = [];
    let damaged = false;
    for (let index = 0; index < lower / 2; index += 1) {
      const offset = page.readUInt16LE(PAGE_HEADER + 2 * index);
      const node = offset < upper || offset + NODE_HEADER > room ? null : nodeAt(page, offset, kind);
      if (node === null) damaged = true;
      else found.push({ ...node, at: start + node.at });
    }
    return { branch: kind === BRANCH, damaged, found };
  }
}

const nodeAt = (page: Buffer, offset: number, kind: number): Node | null => {
  const start = PAGE_HEADER + offset;
  const keyStart = start + NODE_HEADER;
  const at = keyStart + page.readUInt16LE(start + 6);
  if (at > page.length) return null;
  const key = Buffer.from(page.subarray(keyStart, at));
  const child = BigInt(page.readUInt32LE(start)) | (BigInt(page.readUInt16LE(start + 4)) << 32n);
  if (kind === BRANCH) return { key, child, flags: 0, at, length: 0 };
  const flags = page.readUInt16LE(start + 4);
  const length = page.readUInt32LE(start);
  const stored = flags === BIG_VALUE ? 24 : length;
  if (flags > SUB_TREE || at + stored > page.length) return null;
  return { key, child: 0n, flags, at, length };
};
