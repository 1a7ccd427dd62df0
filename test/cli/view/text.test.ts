/** Text of others: X1 harmless, X2 as wide as asked for. */
import * as fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { clockTime, fit, pad, short, shown, shownLines, widthOf, wrap } from '../../../src/cli/view/text.ts';

describe('what is shown (X1)', () => {
  test.each([
    ['an escape sequence', '\u001B[2J\u001B[1;1Hgone', '\uFFFD[2J\uFFFD[1;1Hgone'],
    ['a sequence of eight bits', '\u009B2J', '\uFFFD2J'],
    ['line breaks and tabs', 'a\r\nb\tc\u2028d', 'a b c d'],
    ['reordered text', 'a\u202Eb\u2066c\u200Fd', 'abcd'],
    ['invisible text', 'a\u200Bb\u2060c\u{E0041}d\u00ADe\uFE0F', 'abcde'],
    ['a heap of marks', `a${'\u0301'.repeat(50)}`, 'a\u0301\u0301'],
    ['half a character', 'a\uD800b', 'a\uFFFDb'],
    ['ordinary text', 'Grüße, 国 and 🎉', 'Grüße, 国 and 🎉'],
  ])('%s', (_, raw, harmless) => {
    expect(shown(raw)).toBe(harmless);
  });

  test('what is to be read whole keeps its lines and spaces, and nothing is cut off', () => {
    expect(shownLines('a\r\n  b\tc\u2028\u202Ed\u00A0e\u001B[2J')).toEqual(['a', '  b  c', 'd e\uFFFD[2J']);
    expect(shownLines('x'.repeat(30_000))).toEqual(['x'.repeat(30_000)]);
  });

  test('whatever there is: no control, bidirectional or invisible character is left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (raw) => {
        for (const line of [shown(raw), ...shownLines(raw)])
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

describe('widths (X2)', () => {
  test('wide characters are not cut in half', () => {
    expect(fit('国国国', 6)).toBe('国国国');
    expect(fit('国国国', 5)).toBe('国国…');
    expect(fit('国国国', 4)).toBe('国…');
    expect(pad('国国国', 4)).toBe('国… ');
  });

  test('any text fits any width, and padding fills it', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 50 }), (raw, columns) => {
        const harmless = shown(raw);
        expect(stringWidth(fit(harmless, columns))).toBeLessThanOrEqual(columns);
        expect(stringWidth(pad(harmless, columns))).toBe(columns);
        expect(widthOf(harmless)).toBe(stringWidth(harmless));
        const lines = wrap(harmless, columns);
        expect(lines.join('')).toBe(harmless);
        // A sign that is wider than a line has one to itself.
        const wide = lines.filter((line) => stringWidth(line) > columns);
        for (const line of wide) expect([...graphemes.segment(line)]).toHaveLength(1);
      }),
    );
  });

  test.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1.00k'],
    [9_999, '10.0k'],
    [325_877, '326k'],
    [999_600, '1.00M'],
    [5_839_682, '5.84M'],
  ])('%i is short for %s', (value, text) => {
    expect(short(value)).toBe(text);
  });

  test('time as on a clock', () => {
    expect([0, 59.9, 754, 7_509].map(clockTime)).toEqual(['0:00', '0:59', '12:34', '2:05:09']);
  });
});
