/** Draws: a stream of numbers per question, so that the answer to one does not depend on whether another was asked. */
import { seededRandom, type Random } from '../../src/platform/index.ts';
import { hashString } from '../../src/protocol/ids.ts';

export type { Random } from '../../src/platform/index.ts';

export const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

export const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;

export const chance = (random: Random, part: number): boolean => random() < part;

/** The stream of a question, which is named by words. */
export const streamOf = (seed: number, ...words: readonly (string | number)[]): Random =>
  seededRandom(seed, hashString(words.join('\u0000')));
