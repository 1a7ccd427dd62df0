/**
 * Text to terms: what the words of a memory and of a query are for the index. Words in lower case without plural and
 * common endings; identifiers (`QX-4417`, `src/app.ts`, `maxRetries`, `a@b.org`) whole and in their parts; writing without
 * spaces in pairs of characters. Pure. English endings only: other languages are found by their words as they stand.
 */

/** Of one text; more is not indexed. */
export const TERMS_MAX = 512;
/** Characters of a text that are looked at. */
export const TEXT_CHARS_MAX = 8_000;

export interface Terms {
  /** Every term, in order, repetitions included. */
  readonly all: readonly string[];
  /** Those that name one thing: with a digit, or made of several parts. */
  readonly identifiers: ReadonlySet<string>;
}

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’._\-/:@#+][\p{L}\p{N}\p{M}]+)*/gu;
const PARTS = /['’._\-/:@#+]+/u;
const JOINT = /[._\-/:@#+]/u;
const DIGIT = /\p{N}/u;
const CAMEL = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const NO_SPACES = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]/u;
/** Plain words with a hyphen or an apostrophe between: no name of one thing. */
const PLAIN_JOINTS = /^[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*$/u;
const VOWEL = /[aeiouy]/u;

/** What words that say little are not even looked up for in a query. */
const STOP_WORDS = new Set(
  (
    'a an and are as at be been but by did do does for from had has have he her his how i if in is it its me my of on or our ' +
    'she so than that the their them then there these they this to us was we were what when where which who whom whose why ' +
    'will with would you your about can could should shall may might into out over under up down am any some such'
  ).split(' '),
);

export const isStopWord = (term: string): boolean => STOP_WORDS.has(term);

/** What every word that turns a sentence round becomes. */
export const NEGATION = 'not';
const NEGATIONS = new Set(
  "no not never none nobody nothing neither nor without cannot don't doesn't didn't isn't aren't wasn't weren't won't can't mustn't shouldn't".split(
    ' ',
  ),
);

/** Whether two texts that differ in this term say different things. */
export const isTelling = (term: string, identifiers: ReadonlySet<string>): boolean =>
  identifiers.has(term) || term === NEGATION || DIGIT.test(term);

const doubled = (word: string): boolean => word.at(-1) === word.at(-2) && !/[lsz]$/u.test(word);

/** A word without its plural or its `-ed` and `-ing`. Crude, and the same on both sides, which is all that counts. */
export const stem = (word: string): string => {
  if (word.length < 4 || DIGIT.test(word)) return word;
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x|z)es$/u.test(word)) return word.slice(0, -2);
  if (word.endsWith('s') && !/(?:ss|us|is)$/u.test(word)) return stem(word.slice(0, -1));
  for (const ending of ['ing', 'ed']) {
    const left = word.slice(0, -ending.length);
    if (!word.endsWith(ending) || left.length < 3 || !VOWEL.test(left)) continue;
    return doubled(left) ? left.slice(0, -1) : left;
  }
  return word.length > 4 && word.endsWith('e') ? word.slice(0, -1) : word;
};

const pairsOf = (text: string): string[] => {
  const characters = Array.from(text);
  if (characters.length < 3) return [text];
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
};

/** The terms of a text. */
export const termsOf = (text: string): Terms => {
  const all: string[] = [];
  const identifiers = new Set<string>();
  for (const [found] of text.slice(0, TEXT_CHARS_MAX).normalize('NFKC').matchAll(WORD)) {
    if (all.length >= TERMS_MAX) break;
    const word = found.toLowerCase();
    if (NO_SPACES.test(word)) {
      all.push(...pairsOf(word));
      continue;
    }
    const camel = found.split(CAMEL).length > 1;
    const isPlain = PLAIN_JOINTS.test(word);
    const isName =
      (!isPlain && JOINT.test(word)) || (camel && /\p{Ll}/u.test(found)) || (DIGIT.test(word) && word.length > 2);
    if (!isName) {
      if (NEGATIONS.has(word.replaceAll('’', "'"))) all.push(NEGATION);
      else if (!PARTS.test(word)) all.push(stem(word));
      else
        all.push(
          ...word
            .split(PARTS)
            .filter((part) => part.length > 1)
            .map(stem),
        );
      continue;
    }
    all.push(word);
    identifiers.add(word);
    const parts = found.split(PARTS).flatMap((part) => part.split(CAMEL));
    if (parts.length > 1) all.push(...parts.filter((part) => part !== '').map((part) => stem(part.toLowerCase())));
  }
  return { all: all.slice(0, TERMS_MAX), identifiers };
};
