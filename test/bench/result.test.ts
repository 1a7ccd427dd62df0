import { describe, expect, test } from 'vitest';
import {
  machine,
  measuredRow,
  resultSchema,
  rowSchema,
  skippedRow,
  type BenchResult,
  type Row,
  type RowKind,
} from '../../bench/harness/result.ts';
import { tableOf } from '../../bench/harness/table.ts';

const WALL: RowKind = {
  name: 'wall',
  unit: 's',
  baseline: { name: 'path', value: 2 },
  target: { is: 'ratio', limit: 3 },
};
const PATH = measuredRow({ name: 'path', unit: 's' }, [2]);

const resultOf = (rows: Row[]): BenchResult => ({
  bench: 'society',
  machine: machine(),
  runs: 3,
  settings: {},
  rows,
});

describe('rows', () => {
  test('a measured one has the median, its neighbours and the ratio', () => {
    expect(measuredRow(WALL, [8, 4, 5])).toEqual({
      name: 'wall',
      value: 5,
      unit: 's',
      higherIsBetter: false,
      min: 4,
      max: 8,
      baseline: 'path',
      ratio: 2.5,
      target: 3,
      targetIs: 'ratio',
      met: true,
      skipped: null,
    });
  });

  test.each<[string, RowKind, number, boolean]>([
    ['a ratio at its limit', WALL, 6, true],
    ['a ratio above it', WALL, 6.1, false],
    ['enough', { name: 'rate', unit: '1/s', higherIsBetter: true, target: { is: 'value', limit: 5_000 } }, 5_000, true],
    [
      'too little',
      { name: 'rate', unit: '1/s', higherIsBetter: true, target: { is: 'value', limit: 5_000 } },
      4_999,
      false,
    ],
    ['too much', { name: 'memory', unit: 'MB', target: { is: 'value', limit: 100 } }, 101, false],
  ])('%s', (_name, kind, value, met) => {
    const row = measuredRow(kind, [value]);
    expect(row.met).toBe(met);
    expect(rowSchema.parse(row)).toEqual(row);
  });

  test('a target is judged before rounding', () => {
    expect(measuredRow(WALL, [6.000_01]).met).toBe(false);
  });

  test('a skipped one keeps its target and says why', () => {
    const row = skippedRow(WALL, 'no server');
    expect(row).toMatchObject({ value: null, min: null, ratio: null, target: 3, met: null, skipped: 'no server' });
    expect(rowSchema.parse(row)).toEqual(row);
  });

  test('a ratio as target needs a baseline', () => {
    expect(() => measuredRow({ name: 'x', unit: 's', target: { is: 'ratio', limit: 1 } }, [1])).toThrow(/no baseline/u);
  });

  const row = measuredRow(WALL, [4]);
  test.each<[string, object]>([
    ['neither value nor reason', { value: null, min: null, max: null, met: null }],
    ['value and reason', { skipped: 'no' }],
    ['no min', { min: null }],
    ['a ratio of nothing', { baseline: null }],
    ['a target of no kind', { targetIs: null }],
    ['met without a target', { target: null, targetIs: null }],
    ['a target without a verdict', { met: null }],
    ['another field', { note: 'x' }],
    ['an empty name', { name: '' }],
  ])('%s is refused', (_name, change) => {
    expect(rowSchema.safeParse({ ...row, ...change }).success).toBe(false);
  });
});

describe('result', () => {
  test('has a machine, and baselines that were measured', () => {
    const result = resultOf([PATH, measuredRow(WALL, [4])]);
    expect(resultSchema.parse(result)).toEqual(result);
    expect(resultSchema.safeParse(resultOf([measuredRow(WALL, [4])])).success).toBe(false);
    expect(resultSchema.safeParse(resultOf([PATH, PATH])).success).toBe(false);
  });

  test('the table has every number of the rows, and what is missing below', () => {
    const table = tableOf(
      resultOf([PATH, measuredRow(WALL, [7, 4, 9]), skippedRow({ name: 'peer', unit: 's' }, 'not installed')]),
    );
    expect(table).toMatch(/^wall +7 +4 +9 +s +3\.5× +ratio ≤ 3: NOT met$/mu);
    expect(table).toMatch(/^not measured: peer: not installed$/mu);
    const nothing = resultOf(['a', 'b'].map((name) => skippedRow({ name, unit: 's' }, 'no server')));
    expect(tableOf(nothing)).toMatch(/^bench [^\n]+\n\nnot measured: a, b: no server\n$/u);
    expect(table).toContain('median of 3 runs');
  });
});
