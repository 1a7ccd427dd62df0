/**
 * Two rankings made one, by rank alone (reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009), since the
 * scores of words and of meaning have nothing in common. Pure.
 *
 * Invariants: R1 What contains an identifier of the query goes before what does not, whatever its meaning: vectors do not
 * tell `QX-4417` from `QX-4471`. R2 Only ranks, and how much of the query's words was found at all, decide otherwise.
 */

/** How fast a rank loses weight. 60 is for long lists of many rankers; here two decide about the first five. */
const RANK_CONSTANT = 8;
/** The best match of words in proportion to the whole query, at which both rankers count the same. */
const COVERAGE_EVEN = 0.5;
const WEIGHT_MIN = 0.25;
const WEIGHT_MAX = 4;

export interface Candidate {
  /** 0…1, of the words that the query has; null: not among the best by words. */
  readonly words: number | null;
  /** Cosine; null: no vector, or not among the best by meaning. */
  readonly meaning: number | null;
  /** The weight of the query's identifiers that it contains, 0…1. */
  readonly identifiers: number;
  readonly when: number;
}

export interface FusionOptions {
  /** 0: no matter. */
  readonly recencyWeight: number;
}

type Value<Entry> = (candidate: Entry) => number | null;

/** The rank of each candidate that has a value, from 1; equal values share a rank. */
const ranksOf = <Entry extends Candidate>(candidates: readonly Entry[], value: Value<Entry>): Map<Entry, number> => {
  const ranked = candidates.filter((candidate) => value(candidate) !== null);
  ranked.sort((left, right) => (value(right) ?? 0) - (value(left) ?? 0));
  const ranks = new Map<Entry, number>();
  let rank = 0;
  let last: number | null = null;
  for (const [index, candidate] of ranked.entries()) {
    if (value(candidate) !== last) rank = index + 1;
    last = value(candidate);
    ranks.set(candidate, rank);
  }
  return ranks;
};

/** What words count for beside meaning, which counts 1: little when hardly a word of the query was found. */
export const wordsWeight = (bestCoverage: number): number =>
  Math.min(WEIGHT_MAX, Math.max(WEIGHT_MIN, (bestCoverage / COVERAGE_EVEN) ** 2));

/** The candidates, best first. */
export const fuse = <Entry extends Candidate>(candidates: readonly Entry[], options: FusionOptions): Entry[] => {
  const words = ranksOf(candidates, (candidate) => candidate.words);
  const meaning = ranksOf(candidates, (candidate) => candidate.meaning);
  const newest =
    options.recencyWeight > 0 ? ranksOf(candidates, (candidate) => candidate.when) : new Map<Entry, number>();
  const coverage = Math.max(0, ...candidates.map((candidate) => candidate.words ?? 0));
  const weight = meaning.size === 0 ? 1 : wordsWeight(coverage);
  const part = (ranks: Map<Entry, number>, candidate: Entry): number => {
    const rank = ranks.get(candidate);
    return rank === undefined ? 0 : 1 / (RANK_CONSTANT + rank);
  };
  const scored = candidates.map((candidate) => ({
    candidate,
    score:
      weight * part(words, candidate) +
      part(meaning, candidate) +
      options.recencyWeight * (weight + 1) * part(newest, candidate),
  }));
  scored.sort(
    (left, right) =>
      right.candidate.identifiers - left.candidate.identifiers ||
      right.score - left.score ||
      right.candidate.when - left.candidate.when,
  );
  return scored.map(({ candidate }) => candidate);
};
