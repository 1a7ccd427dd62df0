import { describe, expect, test } from 'vitest';
import { fuse, wordsWeight, type Candidate } from '../../src/memory/fusion.ts';

const candidate = (name: string, values: Partial<Candidate>): Candidate & { name: string } => ({
  name,
  words: null,
  meaning: null,
  isEmbedded: true,
  identifiers: 0,
  when: 0,
  ...values,
});

const order = (candidates: readonly (Candidate & { name: string })[], recencyWeight = 0): string =>
  fuse(candidates, { recencyWeight })
    .map(({ name }) => name)
    .join(' ');

describe('fusion', () => {
  test('F1 an identifier of the query goes first', () => {
    expect(
      order([
        candidate('near', { words: 0.9, meaning: 0.9 }),
        candidate('named', { words: 0.1, meaning: 0.1, identifiers: 0.5 }),
        candidate('both', { words: 0.1, identifiers: 1 }),
      ]),
    ).toBe('both named near');
  });

  test('F2 where hardly a word is found, meaning decides; where all are, words do', () => {
    const few = [candidate('w', { words: 0.1, meaning: 0.2 }), candidate('m', { words: 0.05, meaning: 0.8 })];
    expect(order(few)).toBe('m w');
    const all = [candidate('w', { words: 1, meaning: 0.2 }), candidate('m', { words: 0.05, meaning: 0.8 })];
    expect(order(all)).toBe('w m');
    expect(wordsWeight(0.7)).toBe(1);
  });

  test('F2 what has no vector yet is not behind everything that has one', () => {
    const others = Array.from({ length: 9 }, (_, at) => candidate(`m${at}`, { meaning: 0.5 - at / 100 }));
    const fresh = candidate('fresh', { words: 0.3, isEmbedded: false, when: 1 });
    expect(order([...others, fresh]).split(' ')[0]).toBe('fresh');
    expect(
      order([...others, { ...fresh, isEmbedded: true }])
        .split(' ')
        .at(-1),
    ).toBe('fresh');
  });

  test('words alone, meaning alone', () => {
    expect(order([candidate('a', { words: 0.1 }), candidate('b', { words: 0.3 })])).toBe('b a');
    expect(order([candidate('a', { meaning: 0.1 }), candidate('b', { meaning: 0.3 })])).toBe('b a');
  });

  test('recency is no matter unless it is asked for', () => {
    const old = candidate('old', { words: 0.5, when: 1 });
    const recent = candidate('new', { words: 0.45, when: 9 });
    expect(order([old, recent])).toBe('old new');
    expect(order([old, recent], 2)).toBe('new old');
  });
});
