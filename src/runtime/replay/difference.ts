/** Where two values first differ, in words that fit on a line. Pure. */
import { canonicalBytes } from '../../journal/index.ts';

export interface Difference {
  /** `counters.steps`, `2.content`; empty for the values themselves. */
  readonly path: string;
  /** JSON, cut short; of the parts at `path`. */
  readonly expected: string;
  readonly actual: string;
}

const SHOWN_MAX = 240;
/** How far two long texts agree is left out of what is shown of them. */
const BEFORE_MAX = 40;

/** As JSON, cut short; `from` is how much of the beginning says nothing. */
const shown = (value: unknown, from = 0): string => {
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) as
    string | undefined;
  if (text === undefined) return 'undefined';
  const start = from > BEFORE_MAX && text.length > SHOWN_MAX ? from - BEFORE_MAX : 0;
  const cut = text.slice(start, start + SHOWN_MAX);
  return `${start > 0 ? '…' : ''}${cut}${start + SHOWN_MAX < text.length ? '…' : ''}`;
};

const agreeing = (left: string, right: string): number => {
  const end = Math.min(left.length, right.length);
  let index = 0;
  while (index < end && left[index] === right[index]) index += 1;
  return index;
};

export const isSame = (left: unknown, right: unknown): boolean =>
  Buffer.compare(canonicalBytes(left), canonicalBytes(right)) === 0;

const isComposite = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype);

/** Where `actual` first differs from `expected`, in the order of keys; null when it does not. */
export const firstDifference = (expected: unknown, actual: unknown, path = ''): Difference | null => {
  if (isSame(expected, actual)) return null;
  if (isComposite(expected) && isComposite(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const inner = firstDifference(expected[key], actual[key], path === '' ? key : `${path}.${key}`);
      if (inner !== null) return inner;
    }
  }
  const from = typeof expected === 'string' && typeof actual === 'string' ? agreeing(expected, actual) : 0;
  return { path, expected: shown(expected, from), actual: shown(actual, from) };
};
