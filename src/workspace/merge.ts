/**
 * Merging of one file, line by line: three ways on what the writer had read, or a comparison of two texts when there
 * is nothing in common. Lines keep their carriage returns, so a merge never changes line ends.
 *
 * Unlike `git merge`, two replaced lines that only touch are no clash: agents often fill neighbouring rows of a table.
 *
 * Invariants: M1 a clean merge holds every line that either side added and none that either side removed. M2 a clash is
 * reported only where both sides changed the same lines, or inserted at the same place, differently. M3 the time is
 * bounded whatever the texts: past `CELLS_MAX` the changed region counts as one change.
 */
import { diffIndices } from 'node-diff3';
import type { Hunk } from './results.ts';

/** Most comparisons that one diff may cost; about 50 ms. */
const CELLS_MAX = 16_000_000;

/** Lines `start` to before `end` of the base become `lines`. */
export interface LineChange {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

export type MergeOutcome =
  { readonly clean: true; readonly content: string } | { readonly clean: false; readonly hunks: readonly Hunk[] };

/** What makes `to` of `from`, in the order of the lines. */
export const diffLines = (from: readonly string[], to: readonly string[]): LineChange[] => {
  const shorter = Math.min(from.length, to.length);
  let head = 0;
  while (head < shorter && from[head] === to[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail += 1;
  const left = from.slice(head, from.length - tail);
  const right = to.slice(head, to.length - tail);
  if (left.length === 0 && right.length === 0) return [];
  if (left.length * right.length > CELLS_MAX || left.length === 0 || right.length === 0) {
    return [{ start: head, end: head + left.length, lines: right }];
  }
  return diffIndices(left, right).map((part) => ({
    start: head + part.buffer1[0],
    end: head + part.buffer1[0] + part.buffer1[1],
    lines: part.buffer2Content,
  }));
};

const clashes = (a: LineChange, b: LineChange): boolean => {
  if (a.start === b.start) return true;
  const [first, second] = a.start < b.start ? [a, b] : [b, a];
  if (second.start < first.end) return true;
  // An insertion right behind replaced lines: nobody can say whether it belongs before or after what replaced them.
  return second.start === first.end && second.end === second.start;
};

const applyTo = (base: readonly string[], changes: readonly LineChange[], start: number, end: number): string[] => {
  const lines: string[] = [];
  let at = start;
  for (const change of changes) {
    for (; at < change.start; at += 1) lines.push(base[at] ?? '');
    for (const line of change.lines) lines.push(line);
    at = change.end;
  }
  for (; at < end; at += 1) lines.push(base[at] ?? '');
  return lines;
};

/** Changes of both sides that hang together, with the range of base lines they cover. */
interface Region {
  start: number;
  end: number;
  readonly current: LineChange[];
  readonly yours: LineChange[];
}

/** Takes the next region from the fronts of both lists. At least one of them is not empty. */
const takeRegion = (current: LineChange[], yours: LineChange[]): Region => {
  const c = current[0];
  const y = yours[0];
  const first = y === undefined || (c !== undefined && c.start <= y.start) ? c : y;
  const region: Region = { start: first?.start ?? 0, end: first?.end ?? 0, current: [], yours: [] };
  if (first === c) region.current.push(...current.splice(0, 1));
  else region.yours.push(...yours.splice(0, 1));
  for (;;) {
    const nextCurrent = current[0];
    const nextYours = yours[0];
    if (nextYours !== undefined && region.current.some((change) => clashes(change, nextYours))) {
      region.yours.push(...yours.splice(0, 1));
      region.end = Math.max(region.end, nextYours.end);
    } else if (nextCurrent !== undefined && region.yours.some((change) => clashes(change, nextCurrent))) {
      region.current.push(...current.splice(0, 1));
      region.end = Math.max(region.end, nextCurrent.end);
    } else {
      return region;
    }
  }
};

const sameLines = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, index) => line === b[index]);

/** Merges `current` and `yours`, both made from `base`. */
export const mergeThree = (base: string, current: string, yours: string): MergeOutcome => {
  const baseLines = base.split('\n');
  const currentChanges = diffLines(baseLines, current.split('\n'));
  const yoursChanges = diffLines(baseLines, yours.split('\n'));
  const merged: string[] = [];
  const hunks: Hunk[] = [];
  let at = 0;
  /** How far the current content is ahead of the base, in lines. */
  let shift = 0;
  while (currentChanges.length > 0 || yoursChanges.length > 0) {
    const region = takeRegion(currentChanges, yoursChanges);
    for (; at < region.start; at += 1) merged.push(baseLines[at] ?? '');
    const theirs = applyTo(baseLines, region.current, region.start, region.end);
    const ours = applyTo(baseLines, region.yours, region.start, region.end);
    if (region.current.length > 0 && region.yours.length > 0 && !sameLines(theirs, ours)) {
      hunks.push({
        line: region.start + shift + 1,
        base: baseLines.slice(region.start, region.end).join('\n'),
        current: theirs.join('\n'),
        yours: ours.join('\n'),
      });
    }
    for (const line of region.current.length > 0 ? theirs : ours) merged.push(line);
    shift += theirs.length - (region.end - region.start);
    at = region.end;
  }
  if (hunks.length > 0) return { clean: false, hunks };
  for (; at < baseLines.length; at += 1) merged.push(baseLines[at] ?? '');
  return { clean: true, content: merged.join('\n') };
};

/** Where two texts differ, when there is no common base to merge on. */
export const compareTwo = (current: string, yours: string): Hunk[] => {
  const currentLines = current.split('\n');
  return diffLines(currentLines, yours.split('\n')).map((change) => ({
    line: change.start + 1,
    base: '',
    current: currentLines.slice(change.start, change.end).join('\n'),
    yours: change.lines.join('\n'),
  }));
};

/** `piece` on lines of its own at the end of `current`, with the line ends that `current` ends with. */
export const appendLines = (current: string, piece: string): string => {
  if (piece === '') return current;
  const lineEnd = current[current.lastIndexOf('\n') - 1] === '\r' ? '\r\n' : '\n';
  const gap = current === '' || current.endsWith('\n') ? '' : lineEnd;
  return `${current}${gap}${piece}${piece.endsWith('\n') ? '' : lineEnd}`;
};
