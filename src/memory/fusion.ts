/**
 * Two rankers made one, by rank (reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009), since the scores of
 * words and of meaning have nothing in common. Pure.
 *
 * Invariants: F1 What contains an identifier of the query goes before what does not, whatever its meaning: vectors do not
 * tell `QX-4417` from `QX-4471`. F2 Otherwise ranks decide, those of meaning with weight 1, those of words with a weight that
 * grows with how much of the query's words the memory has: hardly any where some words agree by chance, `WEIGHT_MAX` where
 * all are there. What has no vector yet is ranked by its words at weight 1.
 */

/** How fast a rank loses weight. 60 is for long lists of many rankers; here two decide about the first five. */
const RANK_CONSTANT = 8;
/** The part of the query's words at which both rankers count the same, and how steeply that changes around it. */
const COVERAGE_EVEN = 0.7;
const STEEPNESS = 12;
const WEIGHT_MAX = 8;

export interface Candidate {
  /** The weight of the query's words that it has, 1 for all of them; null: not among the best by words. */
  readonly words: number | null;
  /** Cosine; null: no vector, or not among the best by meaning. */
  readonly meaning: number | null;
  /** Whether it could have been found by its meaning. */
  readonly isEmbedded: boolean;
  /** The part of the query's identifiers that it contains, 0…1. */
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

/** What the words of a memory count for beside its meaning, which counts 1. @param coverage of the query's words, 1 for all */
export const wordsWeight = (coverage: number): number => Math.min(WEIGHT_MAX, (coverage / COVERAGE_EVEN) ** STEEPNESS);

/** The candidates, best first. */
export const fuse = <Entry extends Candidate>(candidates: readonly Entry[], options: FusionOptions): Entry[] => {
  const { recencyWeight } = options;
  const words = ranksOf(candidates, (candidate) => candidate.words);
  const meaning = ranksOf(candidates, (candidate) => candidate.meaning);
  const newest = recencyWeight > 0 ? ranksOf(candidates, (candidate) => candidate.when) : new Map<Entry, number>();
  const part = (ranks: Map<Entry, number>, candidate: Entry): number => {
    const rank = ranks.get(candidate);
    return rank === undefined ? 0 : 1 / (RANK_CONSTANT + rank);
  };
  const scored = candidates.map((candidate) => {
    const weight = meaning.size === 0 || !candidate.isEmbedded ? 1 : wordsWeight(candidate.words ?? 0);
    return { candidate, weight, score: weight * part(words, candidate) + part(meaning, candidate) };
  });
  if (recencyWeight > 0) {
    const scale = recencyWeight * (1 + Math.max(0, ...scored.map(({ weight }) => weight)));
    for (const one of scored) one.score += scale * part(newest, one.candidate);
  }
  scored.sort(
    (left, right) =>
      right.candidate.identifiers - left.candidate.identifiers ||
      right.score - left.score ||
      right.candidate.when - left.candidate.when,
  );
  return scored.map(({ candidate }) => candidate);
};
