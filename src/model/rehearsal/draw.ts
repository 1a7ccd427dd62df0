/**
 * Randomness of the rehearsal: every draw is a function of the seed and of named things, never of a stream that others
 * read from as well, so that no order of calls changes it.
 */
import { hashString } from '../../protocol/ids.ts';
import { seededRandom, type Random } from '../../platform/index.ts';
import { LATENCY_MAX_MS, type Distribution } from './options.ts';

/** The random stream of one named thing. */
export const streamOf = (seed: number, ...names: readonly (string | number)[]): Random => {
  const text = names.join('\u0000');
  return seededRandom(hashString(text, seed | 0), hashString(text, 0x5bd1e995));
};

/** One number in [0, 1) for one named thing. */
export const draw = (seed: number, ...names: readonly (string | number)[]): number => streamOf(seed, ...names)();

/** One of `choices`, which is not empty. */
export const pick = <Choice>(random: Random, choices: readonly Choice[]): Choice =>
  choices[Math.floor(random() * choices.length)] as Choice;

/** `choices` in a random order (Fisher and Yates). */
export const shuffled = <Choice>(random: Random, choices: readonly Choice[]): Choice[] => {
  const result = [...choices];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as Choice, result[last] as Choice];
  }
  return result;
};

/** The 95th percentile of the standard normal distribution. */
const NORMAL_P95 = 1.6449;

/** A number drawn from `distribution`. */
export const sample = (distribution: Distribution, random: Random): number => {
  if (typeof distribution === 'number') return distribution;
  switch (distribution.distribution) {
    case 'uniform':
      return distribution.min + random() * Math.max(distribution.max - distribution.min, 0);
    case 'exponential':
      return -Math.log(1 - random()) * distribution.mean;
    case 'lognormal': {
      // Box and Muller.
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const sigma = Math.log(distribution.p95 / distribution.median) / NORMAL_P95;
      return distribution.median * Math.exp(sigma * normal);
    }
    default:
      return distribution satisfies never;
  }
};

/** A delay drawn from `distribution`, in milliseconds. */
export const sampleDelayMs = (distribution: Distribution, random: Random): number =>
  Math.min(sample(distribution, random), LATENCY_MAX_MS);
