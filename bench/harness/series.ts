/** Repeated measurements, and rows of them. It starts nothing itself. */
import { NO_PROC } from './proc.ts';
import { measuredRow, skippedRow, type Row, type RowKind } from './result.ts';

/** What repetitions gave, or why there are none. */
export type Measured<Run> = { readonly runs: readonly Run[] } | { readonly failed: string };

/** Repeats a measurement; the first that fails is what there is to say about all of them. */
export class Series<Run> {
  readonly #runs: Run[] = [];
  #failed: string | null = null;

  async add(measure: () => Promise<Run>): Promise<Run | null> {
    if (this.#failed !== null) return null;
    try {
      const run = await measure();
      this.#runs.push(run);
      return run;
    } catch (error) {
      this.#failed = error instanceof Error ? error.message : String(error);
      return null;
    }
  }

  get measured(): Measured<Run> {
    return this.#failed === null ? { runs: this.#runs } : { failed: this.#failed };
  }
}

/** A row of what each run gave; where one of them gave nothing, so does the row. */
export const rowOf = <Run>(
  kind: RowKind,
  runs: readonly Run[],
  valueOf: (run: Run) => number | null,
  reason = NO_PROC,
): Row => {
  const values = runs.map(valueOf).filter((value) => value !== null);
  return values.length < runs.length ? skippedRow(kind, reason) : measuredRow(kind, values);
};

/** A row of a series that may have failed. */
export const rowOfSeries = <Run>(
  kind: RowKind,
  measured: Measured<Run>,
  valueOf: (run: Run) => number | null,
  reason = NO_PROC,
): Row => ('failed' in measured ? skippedRow(kind, measured.failed) : rowOf(kind, measured.runs, valueOf, reason));
