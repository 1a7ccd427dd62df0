/**
 * What counts as said twice. Two texts are near-duplicates when their words agree but for case, endings, punctuation and
 * words that say little; never when a number, an identifier, a negation or the order of words differs. Pure.
 */
import { hashString } from '../protocol/ids.ts';
import { isStopWord, isTelling, type Terms } from './terms.ts';

/** How alike the neighbouring words of two memories are, from which on one answer does not need both. */
const ALIKE = 0.8;
/** Shorter texts are alike only when they are the same. */
const PAIRS_MIN = 6;

const tellingOf = ({ all, identifiers }: Terms): string[] =>
  all.filter((term) => isTelling(term, identifiers) || !isStopWord(term));

/** The same number for texts that say the same in the same order; texts without a word have none. */
export const signatureOf = (terms: Terms): number | null => {
  const telling = tellingOf(terms);
  const said = telling.length === 0 ? terms.all : telling;
  if (said.length === 0) return null;
  const text = said.join(' ');
  // 53 bits: two 32-bit hashes, cut to what a number holds.
  return (hashString(text) & 0x1f_ffff) * 4_294_967_296 + hashString(text, 0x9e3779b9);
};

/** What `areAlike` compares. */
export interface Shape {
  readonly telling: ReadonlySet<string>;
  readonly pairs: ReadonlySet<string>;
}

export const shapeOf = (terms: Terms): Shape => {
  const words = tellingOf(terms);
  return {
    telling: new Set(words.filter((term) => isTelling(term, terms.identifiers))),
    pairs: new Set(words.slice(1).map((word, index) => `${words[index]} ${word}`)),
  };
};

const commonOf = (left: ReadonlySet<string>, right: ReadonlySet<string>): number => {
  let common = 0;
  for (const one of left) if (right.has(one)) common += 1;
  return common;
};

const equal = (left: ReadonlySet<string>, right: ReadonlySet<string>): boolean =>
  left.size === right.size && commonOf(left, right) === left.size;

/** Whether an answer that has one of them gains nothing by the other. */
export const areAlike = (left: Shape, right: Shape): boolean => {
  if (!equal(left.telling, right.telling)) return false;
  if (Math.min(left.pairs.size, right.pairs.size) < PAIRS_MIN) return equal(left.pairs, right.pairs);
  const common = commonOf(left.pairs, right.pairs);
  return common >= ALIKE * (left.pairs.size + right.pairs.size - common);
};
