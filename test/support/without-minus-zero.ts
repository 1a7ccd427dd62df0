/**
 * Values for what passes a codec: -0 comes out of it as 0, wherever it stands but in a typed array, and `toEqual` tells the
 * two apart. What it does not do: draw anything else differently, so that a seed finds what it found.
 */
import type * as fc from 'fast-check';

const replaced = (value: unknown): unknown => {
  // Minus zero plus zero is zero; every other number stays what it is.
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(replaced);
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [replaced(key), replaced(inner)]));
  if (value instanceof Set) return new Set([...value].map(replaced));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]));
};

/** What `drawn` draws, with 0 for every -0 in it: in arrays, maps, sets and plain objects, however deep. */
export const withoutMinusZero = <Value>(drawn: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  drawn.map((value) => replaced(value) as Value);
