/**
 * How a memory uses its `ServiceStore`: keys and records. Scopes are encoded, so that no name is the beginning of
 * another's keys.
 *
 *     s/SCOPE            the range of its memories
 *     m/SCOPE/NUMBER     a memory
 *     v/SCOPE/NUMBER     its vector, with model and dimensions
 *     x/SCOPE            what the index file of the scope must look like to be believed
 *     p/NUMBER           a memory that waits for its vector, in the order of their coming
 *     q/next, q/done     the range of those
 *     q/model            the model that everything outside of `p/` has been embedded with; null: none
 *     q/dimensions       the length of those vectors; null: they are being embedded again, and may have several
 */
import { z } from 'zod';

/** The memories `first … next − 1` exist, but for those that were merged or dropped. */
export interface ScopeRecord {
  readonly first: number;
  readonly next: number;
}

/** text, when, 0 said or 1 done, agent, place in its history, near-duplicates that it stands for. */
export type MemoryRecord = readonly [string, number, 0 | 1, string, number | null, number];

export interface IndexRecord {
  /** Name of the file in the memory's directory. */
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  readonly model: string;
  readonly dimensions: number;
  /** Vectors of memories from here on are not in it. */
  readonly next: number;
  readonly count: number;
}

export const indexRecordSchema = z.object({
  file: z.string().regex(/^[0-9a-f-]+\.usearch$/u),
  bytes: z.number(),
  sha256: z.string(),
  model: z.string(),
  dimensions: z.int().positive(),
  next: z.int().nonnegative(),
  count: z.int().nonnegative(),
});

const DIGITS = 13;
const padded = (ordinal: number): string => String(ordinal).padStart(DIGITS, '0');
const encoded = (scope: string): string => encodeURIComponent(scope);

export const KEY = {
  scope: (scope: string): string => `s/${encoded(scope)}`,
  memory: (scope: string, ordinal: number): string => `m/${encoded(scope)}/${padded(ordinal)}`,
  vector: (scope: string, ordinal: number): string => `v/${encoded(scope)}/${padded(ordinal)}`,
  index: (scope: string): string => `x/${encoded(scope)}`,
  pending: (sequence: number): string => `p/${padded(sequence)}`,
  pendingNext: 'q/next',
  pendingDone: 'q/done',
  model: 'q/model',
  dimensions: 'q/dimensions',
} as const;

export const SCOPES = { from: 's/', to: 's0' } as const;

/** The name that a scope's key was made of. */
export const scopeOfKey = (key: string): string => decodeURIComponent(key.slice(2));

/** The number at the end of a memory's or a vector's key. */
export const ordinalOfKey = (key: string): number => Number(key.slice(-DIGITS));
