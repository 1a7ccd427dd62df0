/** What is said of repeated measurements: the median, and how far they lie apart. Pure. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param values at least one @throws RangeError without values, or for one that is no finite number */
export const spreadOf = (values: readonly number[]): Spread => {
  if (values.length === 0) throw new RangeError('a spread needs at least one value');
  if (!values.every((value) => Number.isFinite(value))) throw new RangeError(`not all finite: ${values.join(', ')}`);
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
  return { median, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
};

/** Four digits are more than any figure here is good for; whole numbers stay whole. */
export const rounded = (value: number): number =>
  Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
