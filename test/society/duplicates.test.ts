/** Messages that are not sent again: F2, F3 of `duplicates.ts`. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forget, gistOf, markOf, remember, SENT_MAX, systemMail } from '../../src/society/index.ts';

describe('the same in other clothes', () => {
  test.each([
    ['Please send the report.', 'send report'],
    ['Please send the report.', 'Please,  send the report!'],
    ['Hello. The file is ready', 'Hello! the file is ready.'],
    ['Thanks!', ' Thanks! '],
  ])('%j and %j', (left, right) => expect(markOf('A', left)).toBe(markOf('A', right)));
});

describe('never held back (F2): what differs in', () => {
  test.each([
    ['a number', 'Chapter 3 is ready', 'Chapter 4 is ready'],
    ['a sign', 'Change it by -5', 'Change it by 5'],
    ['a path', 'See docs/a.md', 'See docs/b.md'],
    ['a path by a dot', 'See ./a', 'See ../a'],
    ['an identifier', 'Call readFile', 'Call readfile'],
    ['a name', 'Ask Athens about it', 'Ask Sparta about it'],
    ['a negation', 'The plan is approved', 'The plan is not approved'],
    ['the order', 'A waits for B', 'B waits for A'],
    ['a question', 'It is ready.', 'It is ready?'],
    ['a word', 'Run it', 'Run it again'],
    ['politeness alone', 'Thanks', 'Hello'],
  ])('%s', (_, left, right) => expect(markOf('A', left)).not.toBe(markOf('A', right)));

  test('the receiver', () => expect(markOf('A', 'go')).not.toBe(markOf('B', 'go')));

  test('any word of its own with a digit, a slash, an underscore or a capital within', () => {
    const odd = fc.stringMatching(/^[a-z]{0,4}[0-9_/A-Z][a-z0-9]{1,4}$/u);
    const words = fc.array(fc.stringMatching(/^[a-z]{3,8}$/u), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(words, odd, odd, fc.nat(), (around, left, right, at) => {
        const place = 1 + (at % around.length);
        const text = (word: string): string => [...around.slice(0, place), word, ...around.slice(place)].join(' ');
        expect(gistOf(text(left)) === gistOf(text(right))).toBe(left === right);
      }),
    );
  });
});

test('what is remembered is bounded, and forgotten when the runtime reports of the receiver (F3)', () => {
  const many = Array.from({ length: SENT_MAX + 40 }, (_, index) => markOf('A', `text ${index}`));
  expect(remember(many.slice(0, 100), many.slice(100))).toEqual(many.slice(40));
  const marks = [markOf('A', 'go on'), markOf('B', 'go on')];
  expect(forget(marks, [{ from: 'A', kind: null, text: 'what?' }])).toEqual(marks);
  expect(forget(marks, [systemMail('remedy', '', { agent: 'A', why: 'unfinished' })])).toEqual([marks[1]]);
  expect(forget(marks, [systemMail('nudge', '')])).toEqual([]);
  expect(forget(marks, [{ from: 'user', kind: null, text: 'tell them again' }])).toEqual([]);
});
