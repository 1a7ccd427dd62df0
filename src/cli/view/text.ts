/**
 * Text of others in a terminal: what may be shown of it, and how many columns that takes. Pure.
 *
 * Invariants: X1 What `shown` returns has no control, bidirectional or invisible characters and no line break, so that
 * it can neither move the cursor nor reorder or hide what stands beside it. X2 `fit` never returns more columns than
 * asked for, and `pad` exactly as many.
 */
import stringWidth from 'string-width';

/**
 * Printable ASCII, Latin letters and the view's own signs: harmless and one column each, which is nearly all that is
 * drawn. Only the rest is measured.
 */
const PLAIN = /^[\u0020-\u007E\u00A1-\u00AC\u00AE-\u024F…›←↑→↓─█▓▒░✗]*$/u;
/** Longer texts are cut before anything else is done with them. */
const CHARACTERS_MAX = 2_000;
const SPACES = /\s+/gu;
const LINE_ENDS = /\r\n|[\n\r\u0085\u2028\u2029]/u;
const OTHER_SPACES = /[^\S ]/gu;
/** Formats (bidirectional, zero width, tags) and variation selectors. */
const INVISIBLE = /[\p{Cf}\uFE00-\uFE0F\u{E0100}-\u{E01EF}\u115F\u1160\u3164\uFFA0]/gu;
/** Controls, private use, unassigned. */
const UNPRINTABLE = /[\p{Cc}\p{Co}\p{Cn}]/gu;
/** A heap of marks on one letter reaches into the lines above and below. */
const MARKS = /(\p{M}{2})\p{M}+/gu;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

const harmless = (text: string): string =>
  text.replace(INVISIBLE, '').replace(UNPRINTABLE, '\uFFFD').replace(MARKS, '$1');

/** One line of harmless text. */
export const shown = (text: string): string => {
  if (text.length < CHARACTERS_MAX && PLAIN.test(text)) return text;
  return harmless(text.slice(0, CHARACTERS_MAX).toWellFormed().replace(SPACES, ' '));
};

/** Harmless text with its lines and its spaces, for what has to be read whole: nothing is cut. */
export const shownLines = (text: string): readonly string[] =>
  text
    .toWellFormed()
    .split(LINE_ENDS)
    .map((line) => harmless(line.replaceAll('\t', '  ').replace(OTHER_SPACES, ' ')));

export const widthOf = (text: string): number => (PLAIN.test(text) ? text.length : stringWidth(text));

/** The beginning that fits, with `…` (or another mark of one column) in place of what was cut off. */
export const fit = (text: string, columns: number, mark = '…'): string => {
  if (columns <= 0) return '';
  if (PLAIN.test(text)) return text.length <= columns ? text : `${text.slice(0, columns - 1)}${mark}`;
  if (stringWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += stringWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}${mark}`;
};

/** All of a text, in lines of so many columns; a sign that is wider than a line has one to itself. */
export const wrap = (text: string, columns: number): readonly string[] => {
  const most = Math.max(1, columns);
  if (PLAIN.test(text)) {
    const count = Math.max(1, Math.ceil(text.length / most));
    return Array.from({ length: count }, (_, line) => text.slice(line * most, (line + 1) * most));
  }
  const lines: string[] = [];
  let current = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    const wide = stringWidth(segment);
    if (current !== '' && width + wide > most) {
      lines.push(current);
      current = '';
      width = 0;
    }
    current += segment;
    width += wide;
  }
  return [...lines, current];
};

/** Fitted, and filled up with spaces on the right. */
export const pad = (text: string, columns: number, mark?: string): string => {
  const fitted = fit(text, columns, mark);
  return fitted + ' '.repeat(Math.max(0, columns - widthOf(fitted)));
};

/** 5839682 → `5.84M`: at most five columns, for places without room. */
export const short = (value: number): string => {
  const units = ['', 'k', 'M', 'G', 'T'];
  let scaled = Math.max(0, value);
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  if (unit === 0) return String(Math.round(scaled));
  return `${scaled >= 99.95 ? scaled.toFixed(0) : scaled >= 9.995 ? scaled.toFixed(1) : scaled.toFixed(2)}${units[unit]}`;
};

/** `0:07`, `12:34`, `2:05:09`. */
export const clockTime = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
};
