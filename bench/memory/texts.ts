/** Texts for the speed of a memory: sentences of words whose frequencies fall as in a language, each with a number of its own. */
import type { Random } from '../../src/platform/index.ts';

const VOCABULARY = 20_000;
const SYLLABLES = [
  'ba',
  'do',
  'fe',
  'gi',
  'hu',
  'ka',
  'lo',
  'me',
  'ni',
  'pu',
  'ra',
  'so',
  'te',
  'vi',
  'zu',
  'cho',
  'dra',
  'sten',
];

/** The word of a rank. */
const wordOf = (rank: number): string => {
  let text = '';
  for (let left = rank + SYLLABLES.length; left > 0; left = Math.floor(left / SYLLABLES.length)) {
    text += SYLLABLES[left % SYLLABLES.length];
  }
  return text;
};

/** Ranks are as frequent as one by their number (Zipf). */
export const wordsOf = (random: Random, count: number): string[] =>
  Array.from({ length: count }, () => wordOf(Math.floor(VOCABULARY ** random())));

const WORDS_MIN = 10;
const WORDS_MORE = 30;

export const memoryText = (random: Random, number: number): string =>
  `${wordsOf(random, WORDS_MIN + Math.floor(random() * WORDS_MORE)).join(' ')} no-${number}`;

const QUERY_WORDS = 15;

export const queryText = (random: Random): string => wordsOf(random, QUERY_WORDS).join(' ');
