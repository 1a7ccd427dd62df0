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
/** Formats (bidirectional, zero width, tags) and variation selectors. */
const INVISIBLE = /[\p{Cf}\uFE00-\uFE0F\u{E0100}-\u{E01EF}\u115F\u1160\u3164\uFFA0]/gu;
/** Controls, private use, unassigned. */
const UNPRINTABLE = /[\p{Cc}\p{Co}\p{Cn}]/gu;
/** A heap of marks on one letter reaches into the lines above and below. */
const MARKS = /(\p{M}{2})\p{M}+/gu;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** One line of harmless text. */
export const shown = (text: string): string => {
  if (text.length < CHARACTERS_MAX && PLAIN.test(text)) return text;
  return text
    .slice(0, CHARACTERS_MAX)
    .toWellFormed()
    .replace(SPACES, ' ')
    .replace(INVISIBLE, '')
    .replace(UNPRINTABLE, '\uFFFD')
    .replace(MARKS, '$1');
};

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
