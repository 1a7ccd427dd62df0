/** A result as a table for people. Pure; the numbers are those of the JSON line, nothing is computed here. */
import type { BenchResult, Row } from './result.ts';

const HEAD = ['', 'median', 'min', 'max', 'unit', 'ratio', 'target'] as const;
/** Columns of words; the others hold numbers and are flush right. */
const LEFT = new Set([0, 4, 6]);

const text = (value: number | null): string => (value === null ? '' : String(value));

const targetText = ({ target, targetIs, met, higherIsBetter }: Row): string => {
  if (target === null) return '';
  const wanted = `${targetIs === 'ratio' ? 'ratio ' : ''}${higherIsBetter ? '≥' : '≤'} ${target}`;
  return met === null ? wanted : `${wanted}: ${met ? 'met' : 'NOT met'}`;
};

export const tableOf = (result: BenchResult): string => {
  const { machine, rows, runs } = result;
  const cells = rows
    .filter((row) => row.skipped === null)
    .map((row) => [
      row.name,
      text(row.value),
      text(row.min),
      text(row.max),
      row.unit,
      row.ratio === null ? '' : `${row.ratio}×`,
      targetText(row),
    ]);
  const all = [[...HEAD], ...cells];
  const widths = HEAD.map((_, column) => Math.max(...all.map((line) => (line[column] ?? '').length)));
  const lines = all.map((line) =>
    line
      .map((cell, column) => (LEFT.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const reasons = new Map<string, string[]>();
  for (const { name, skipped } of rows) {
    if (skipped !== null) reasons.set(skipped, [...(reasons.get(skipped) ?? []), name]);
  }
  const missing = [...reasons].map(([reason, names]) => `not measured: ${names.join(', ')}: ${reason}`);
  return [
    `bench ${result.bench}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}; ` +
      (runs === 1 ? '1 run' : `median of ${runs} runs`),
    '',
    ...(cells.length === 0 ? [] : lines),
    ...(missing.length === 0 ? [] : [...(cells.length === 0 ? [] : ['']), ...missing]),
    '',
  ].join('\n');
};
