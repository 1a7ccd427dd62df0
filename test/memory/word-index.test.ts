import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WordIndex } from '../../src/memory/word-index.ts';

const found = (index: WordIndex, words: string, count = 10): number[] =>
  index.search({ terms: new Set(words.split(' ')), count, allows: () => true }).map(({ document }) => document);

const indexOf = (...texts: string[]): WordIndex => {
  const index = new WordIndex();
  for (const text of texts) index.add(text.split(' '));
  return index;
};

describe('word index', () => {
  test('rare words weigh more, short texts more than long ones, and of equals the newest is first', () => {
    const index = indexOf('a b', 'a c', 'a d e f g h i j k l', 'a d', 'a d');
    expect(found(index, 'a c')[0]).toBe(1);
    expect(found(index, 'd')).toEqual([4, 3, 2]);
    expect(found(index, 'nothing')).toEqual([]);
  });

  test('a score says which part of the query is there, whatever else the index holds', () => {
    const [whole] = indexOf('x y z', 'q', 'r').search({
      terms: new Set(['x', 'y', 'z']),
      count: 1,
      allows: () => true,
    });
    const [part] = indexOf('x', 'q', 'r').search({ terms: new Set(['x', 'y', 'z']), count: 1, allows: () => true });
    expect(whole?.score).toBeGreaterThan((part?.score ?? 1) * 1.5);
    expect(whole?.score).toBeLessThanOrEqual(2.2);
  });

  test('I3 what was removed or is not allowed is not found, before and after packing', () => {
    const index = indexOf(...Array.from({ length: 300 }, (_, at) => `all n${at}`));
    for (let at = 0; at < 200; at += 1) index.remove(at);
    expect(found(index, 'n7')).toEqual([]);
    expect(index.isLoose).toBe(true);
    const old = index.pack();
    expect(index.size).toBe(100);
    expect(old[0]).toBe(200);
    expect(found(index, 'n207')).toEqual([7]);
    expect(found(index, 'n7')).toEqual([]);
    const odd = index.search({ terms: new Set(['all']), count: 5, allows: (document) => document % 2 === 1 });
    expect(odd.map(({ document }) => document)).toEqual([99, 97, 95, 93, 91]);
  });

  test('finds what a search through all texts finds (I1, I3)', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const text = fc.array(word, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), fc.array(fc.nat(39)), text, (texts, removed, query) => {
        const index = new WordIndex();
        for (const one of texts) index.add(one);
        const gone = new Set(removed.filter((document) => document < texts.length));
        for (const document of gone) index.remove(document);
        const expected = texts.flatMap((one, document) =>
          !gone.has(document) && one.some((term) => query.includes(term)) ? [document] : [],
        );
        const hits = index.search({ terms: new Set(query), count: 100, allows: () => true });
        expect(hits.map(({ document }) => document).sort((left, right) => left - right)).toEqual(expected);
        for (const [at, { score }] of hits.entries()) expect(score).toBeLessThanOrEqual(hits[at - 1]?.score ?? 2.2);
        const best = index.search({ terms: new Set(query), count: 3, allows: () => true });
        expect(best).toEqual(hits.slice(0, 3));
      }),
    );
  });
});
