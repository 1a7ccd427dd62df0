import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rounded, spreadOf } from '../../bench/harness/statistics.ts';

describe('spread', () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[9, 1, 5], { median: 5, min: 1, max: 9 }],
    [[4, 1, 3, 2], { median: 2.5, min: 1, max: 4 }],
    // Compared as numbers, not as words.
    [[10, 9, 100], { median: 10, min: 9, max: 100 }],
  ])('%j', (values, expected) => {
    expect(spreadOf(values)).toEqual(expected);
  });

  test('no values and no numbers are refused', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
    expect(() => spreadOf([1, Number.NaN])).toThrow(RangeError);
  });

  test('half of the values are on each side of the median, in whatever order they came', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 30 }), (values) => {
        const before = [...values];
        const { median, min, max } = spreadOf(values);
        expect(values).toEqual(before);
        expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(values.length / 2);
        expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
      }),
    );
  });
});

test.each([
  [1.23456, 1.235],
  [0.000123456, 0.0001235],
  [123_456.7, 123_457],
  [490, 490],
  [0, 0],
])('%d is shown as %d', (value, shown) => {
  expect(rounded(value)).toBe(shown);
});
