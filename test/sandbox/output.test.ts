import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Output } from '../../src/sandbox/output.ts';

const printed = (bytesMax: number, chunks: readonly Uint8Array[]): Output => {
  const output = new Output(bytesMax);
  for (const chunk of chunks) output.push(Buffer.from(chunk));
  return output;
};

test('O1 beginning and end are kept, and what is left out is counted', () => {
  const output = printed(10, [Buffer.from('12345678901234567890')]);
  expect(output.take(true)).toEqual({ text: '12345\n[... 10 bytes left out ...]\n67890', truncated: true });
  expect(output.total).toBe(20);
  expect(output.take(true)).toEqual({ text: '', truncated: false });
});

test('O1 what fits is there whole, however it is cut on its way', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 8 })), fc.nat(7), (texts, cut) => {
      const bytes = Buffer.from(texts.join(''));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += cut + 1) chunks.push(bytes.subarray(at, at + cut + 1));
      expect(printed(1_000, chunks).take(true)).toEqual({ text: texts.join(''), truncated: false });
    }),
  );
});

test('O2 no character is cut, neither where something is left out nor between two looks', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 20, maxLength: 60 }),
      fc.integer({ min: 4, max: 80 }),
      (text, max) => {
        const output = new Output(max);
        let seen = '';
        for (const byte of Buffer.from(text)) {
          output.push(Buffer.from([byte]));
          seen += output.take(false).text;
        }
        expect(seen + output.take(true).text).toBe(text);
        // What is shown is the beginning and the end of the text itself, which may have a U+FFFD of its own.
        const whole = printed(max, [Buffer.from(text)]).take(true).text;
        const [head = '', tail = ''] = whole.split(/\n\[\.{3} \d+ bytes left out \.{3}\]\n/u);
        expect({ head, tail }).toEqual({
          head: text.slice(0, head.length),
          tail: text.slice(text.length - tail.length),
        });
      },
    ),
  );
});

test('O1 bytes of any kind are counted exactly, and bounded', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.integer({ min: 2, max: 64 }), (chunks, max) => {
      const output = printed(max, chunks);
      const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      expect(output.total).toBe(total);
      const { text, truncated } = output.take(true);
      expect(truncated).toBe(total > max);
      // Every byte that is no text becomes one character of three bytes.
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(3 * max + 60);
    }),
  );
});
