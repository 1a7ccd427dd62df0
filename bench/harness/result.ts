/**
 * What a benchmark prints: rows, and the machine and the settings they belong to. Makes rows of measurements; measures
 * nothing itself.
 *
 * 1. A row has either a value or the reason why it has none. `min` and `max` go with the value, `baseline` with `ratio`,
 *    and `target` with `targetIs`; `met` needs a target and a value.
 * 2. A baseline is a row of the same run that has a value.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { z } from 'zod';
import { rounded, spreadOf } from './statistics.ts';

const together = (...values: readonly unknown[]): boolean =>
  values.every((value) => value === null) || values.every((value) => value !== null);

export const rowSchema = z
  .strictObject({
    name: z.string().min(1),
    /** The median of all runs. */
    value: z.number().nullable(),
    unit: z.string(),
    higherIsBetter: z.boolean(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    /** The name of the row that `ratio` divides by. */
    baseline: z.string().nullable(),
    ratio: z.number().nullable(),
    target: z.number().nullable(),
    targetIs: z.enum(['value', 'ratio']).nullable(),
    met: z.boolean().nullable(),
    /** Why there is no value. */
    skipped: z.string().min(1).nullable(),
  })
  .refine((row) => (row.value === null) !== (row.skipped === null), 'a row has a value or a reason for having none')
  .refine((row) => together(row.value, row.min, row.max), 'min and max go with the value')
  .refine((row) => row.value === null || together(row.baseline, row.ratio), 'baseline and ratio go together')
  .refine((row) => together(row.target, row.targetIs), 'target and targetIs go together')
  .refine((row) => (row.met !== null) === (row.target !== null && row.value !== null), 'met needs target and value');

export const resultSchema = z
  .strictObject({
    bench: z.string(),
    machine: z.strictObject({
      cpu: z.string(),
      cores: z.int().positive(),
      memoryGiB: z.number().positive(),
      node: z.string(),
    }),
    runs: z.int().positive(),
    settings: z.record(z.string(), z.unknown()),
    rows: z.array(rowSchema),
  })
  .refine(({ rows }) => new Set(rows.map((row) => row.name)).size === rows.length, 'two rows have the same name')
  .refine(({ rows }) => {
    const measured = new Set(rows.filter((row) => row.value !== null).map((row) => row.name));
    return rows.every((row) => row.baseline === null || row.ratio === null || measured.has(row.baseline));
  }, 'a baseline is a row with a value');

export type Row = z.infer<typeof rowSchema>;
export type BenchResult = z.infer<typeof resultSchema>;

/** What a row is about, before it is measured. */
export interface RowKind {
  readonly name: string;
  readonly unit: string;
  readonly higherIsBetter?: boolean;
  readonly baseline?: { readonly name: string; readonly value: number };
  readonly target?: { readonly is: 'value' | 'ratio'; readonly limit: number };
}

const EMPTY = { baseline: null, ratio: null, target: null, targetIs: null, met: null } as const;

export const measuredRow = (kind: RowKind, values: readonly number[]): Row => {
  const { name, unit, higherIsBetter = false, baseline, target } = kind;
  const { median, min, max } = spreadOf(values);
  const ratio = baseline === undefined ? null : median / baseline.value;
  const compared = target?.is === 'ratio' ? ratio : median;
  if (target !== undefined && compared === null) throw new Error(`the row "${name}" has no baseline for its target`);
  return {
    name,
    value: rounded(median),
    unit,
    higherIsBetter,
    min: rounded(min),
    max: rounded(max),
    ...EMPTY,
    ...(baseline === undefined || ratio === null ? {} : { baseline: baseline.name, ratio: rounded(ratio) }),
    ...(target === undefined || compared === null
      ? {}
      : {
          target: target.limit,
          targetIs: target.is,
          met: higherIsBetter ? compared >= target.limit : compared <= target.limit,
        }),
    skipped: null,
  };
};

export const skippedRow = (kind: RowKind, reason: string): Row => {
  const { name, unit, higherIsBetter = false, target } = kind;
  return {
    name,
    value: null,
    unit,
    higherIsBetter,
    min: null,
    max: null,
    ...EMPTY,
    ...(target === undefined ? {} : { target: target.limit, targetIs: target.is }),
    skipped: reason,
  };
};

export const machine = (): BenchResult['machine'] => ({
  cpu: cpus()[0]?.model.trim() || 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
  node: process.versions.node,
});
