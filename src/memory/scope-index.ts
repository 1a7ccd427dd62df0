/**
 * One scope in memory: its memories, their words, and their vectors once somebody has asked by meaning. Made from the
 * store's records and kept up with them. What it does not do: read the store, or decide when to leave memory (`scopes.ts`).
 *
 * Invariants: S1 Of memories with the same signature the newest is kept, and counts for all. S2 What was removed is never
 * found. S3 Memories stand in the order of their numbers.
 */
import { signatureOf } from './duplicates.ts';
import type { Candidate } from './fusion.ts';
import { NEGATION, termsOf, type Terms } from './terms.ts';
import type { MemoryKind, RecallQuery } from './types.ts';
import type { VectorSet } from './vector-set.ts';
import { WordIndex, type Scoreboard } from './word-index.ts';

export interface Entry {
  readonly scope: string;
  readonly ordinal: number;
  readonly text: string;
  readonly when: number;
  readonly kind: MemoryKind;
  readonly agent: string;
  readonly at: number | null;
  count: number;
}

export interface Found extends Candidate {
  readonly entry: Entry;
}

/** Taken from each ranker. */
const CANDIDATES = 40;
/** An identifier that more memories have than this part of them (or than the number, in small scopes) names no one thing. */
const IDENTIFIER_SHARE = 0.05;
const IDENTIFIER_COUNT = 8;

const BYTES_PER_ENTRY = 160;

/** What is left of the words of a memory that says the contrary: it has a negation and the query none, or the other way. */
const CONTRARY = 0.85;

interface Kept {
  readonly entry: Entry;
  readonly isNegated: boolean;
  readonly signature: number | null;
}

/** A query, read once for all its scopes. */
export interface ReadQuery {
  readonly terms: Terms;
  readonly wanted: ReadonlySet<string>;
  readonly vector: Float32Array | null;
  readonly ask: RecallQuery;
  readonly excluded: ReadonlySet<string>;
}

export const idOf = (scope: string, ordinal: number): string => `${scope}#${ordinal}`;

export class ScopeIndex {
  readonly #words: WordIndex;
  /** By document. */
  #kept: (Kept | null)[] = [];
  /** The number of each document, removed ones included. */
  #ordinals: number[] = [];
  readonly #bySignature = new Map<number, number>();
  #textBytes = 0;
  /** Null until they were asked for. */
  vectors: VectorSet | null = null;

  constructor(board: Scoreboard) {
    this.#words = new WordIndex(board);
  }

  get count(): number {
    return this.#words.count;
  }

  get bytes(): number {
    return this.#textBytes + this.#words.bytes + (this.vectors?.bytes ?? 0);
  }

  /** The memory that says the same, if there is one. */
  same(text: string): Entry | null {
    const signature = signatureOf(termsOf(text));
    const document = signature === null ? undefined : this.#bySignature.get(signature);
    return document === undefined ? null : (this.#kept[document]?.entry ?? null);
  }

  /** Takes a memory in; an older one that says the same goes. */
  add(entry: Entry): void {
    if (this.find(entry.ordinal) !== null) return;
    const terms = termsOf(entry.text);
    const signature = signatureOf(terms);
    const before = signature === null ? undefined : this.#bySignature.get(signature);
    const same = before === undefined ? null : (this.#kept[before]?.entry ?? null);
    if (same !== null) {
      entry.count += same.count;
      this.remove(same.ordinal);
    }
    const document = this.#words.add(terms.all);
    this.#kept[document] = { entry, signature, isNegated: terms.all.includes(NEGATION) };
    this.#ordinals[document] = entry.ordinal;
    if (signature !== null) this.#bySignature.set(signature, document);
    this.#textBytes += entry.text.length + BYTES_PER_ENTRY;
    if (this.#words.isLoose) this.#pack();
  }

  remove(ordinal: number): void {
    const document = this.#documentOf(ordinal);
    const kept = this.#kept[document];
    if (kept === undefined || kept === null) return;
    this.#words.remove(document);
    this.#kept[document] = null;
    this.#textBytes -= kept.entry.text.length + BYTES_PER_ENTRY;
    if (kept.signature !== null && this.#bySignature.get(kept.signature) === document) {
      this.#bySignature.delete(kept.signature);
    }
    this.vectors?.remove(ordinal);
  }

  find(ordinal: number): Entry | null {
    return this.#kept[this.#documentOf(ordinal)]?.entry ?? null;
  }

  *entries(): Generator<Entry> {
    for (const kept of this.#kept) if (kept !== null) yield kept.entry;
  }

  /** By halving; −1 when there is none. */
  #documentOf(ordinal: number): number {
    let low = 0;
    let high = this.#ordinals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const there = this.#ordinals[middle] ?? 0;
      if (there === ordinal) return middle;
      if (there < ordinal) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #pack(): void {
    const old = this.#words.pack();
    this.#kept = old.map((document) => this.#kept[document] ?? null);
    this.#ordinals = old.map((document) => this.#ordinals[document] ?? 0);
    this.#bySignature.clear();
    for (const [document, kept] of this.#kept.entries()) {
      if (kept?.signature !== null && kept?.signature !== undefined) this.#bySignature.set(kept.signature, document);
    }
  }

  /** What may answer a query: the best of each ranker, and everything with one of its identifiers. */
  candidates({ terms, wanted, vector, ask, excluded }: ReadQuery): Found[] {
    const { before, rankers = 'both' } = ask;
    const allows = (document: number): boolean => {
      const entry = this.#kept[document]?.entry;
      if (entry === undefined) return false;
      if (before !== undefined && entry.agent === before.agent && entry.at !== null && entry.at >= before.at)
        return false;
      return excluded.size === 0 || !excluded.has(idOf(entry.scope, entry.ordinal));
    };
    const found = new Map<number, { words: number | null; meaning: number | null; identifiers: number }>();
    const at = (document: number): { words: number | null; meaning: number | null; identifiers: number } => {
      const known = found.get(document) ?? { words: null, meaning: null, identifiers: 0 };
      found.set(document, known);
      return known;
    };
    if (rankers !== 'meaning') {
      const isNegated = terms.all.includes(NEGATION);
      for (const hit of this.#words.search({ terms: wanted, count: CANDIDATES, allows })) {
        const isContrary = this.#kept[hit.document]?.isNegated !== isNegated;
        at(hit.document).words = isContrary ? hit.score * CONTRARY : hit.score;
      }
      const most = Math.max(IDENTIFIER_COUNT, this.count * IDENTIFIER_SHARE);
      for (const identifier of terms.identifiers) {
        if (this.#words.frequency(identifier) > most) continue;
        for (const document of this.#words.having(identifier)) {
          if (allows(document)) at(document).identifiers += 1 / terms.identifiers.size;
        }
      }
    }
    // Those of another length are about to be read anew.
    const vectors = this.vectors?.dimensions === vector?.length ? this.vectors : null;
    if (vector !== null && rankers !== 'words' && vectors !== null) {
      const allowsOrdinal = (ordinal: number): boolean => allows(this.#documentOf(ordinal));
      for (const hit of vectors.search(vector, CANDIDATES, allowsOrdinal)) {
        at(this.#documentOf(hit.ordinal)).meaning = hit.cosine;
      }
    }
    return [...found].flatMap(([document, values]) => {
      const entry = this.#kept[document]?.entry;
      if (entry === undefined) return [];
      const isEmbedded = vector !== null && vectors?.has(entry.ordinal) === true;
      return [{ entry, when: entry.when, isEmbedded, ...values }];
    });
  }
}
