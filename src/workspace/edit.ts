/**
 * Replacing one passage of a text, and saying what is wrong when it is not there once: where the nearest passage is and
 * how it differs, or where all the matches are. Pure; its time is bounded by the lengths of both texts.
 *
 * A passage given with plain line ends also matches lines that end in CRLF, and what replaces it gets them as well, since
 * who reads a file through a model seldom sees the difference.
 */
import type { NearestPassage } from './results.ts';

/** Match lines that are named. */
const LINES_MAX = 20;
/** Lines of the passage that are compared when it is nowhere. */
const WINDOW_MAX = 100;
/** Lines of the file that are compared. */
const FILE_LINES_MAX = 20_000;
/** Lines whose likeness is measured, and the length to which they are. */
const LIKENESS_LINES_MAX = 4_000;
const LIKENESS_LENGTH = 160;
const LIKENESS_MIN = 0.4;
const SHOWN_LENGTH_MAX = 1_000;

export type EditOutcome =
  | { readonly kind: 'edited'; readonly content: string }
  | { readonly kind: 'nowhere'; readonly nearest: NearestPassage | null }
  /** `lines`: where the first matches begin, from 1; `count` has them all. */
  | { readonly kind: 'several'; readonly lines: readonly number[]; readonly count: number };

const lineAt = (text: string, index: number): number => {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
};

const withCrlf = (text: string): string => text.replaceAll(/\r?\n/gu, '\r\n');

export const editText = (content: string, old: string, replacement: string): EditOutcome => {
  if (old === '') return { kind: 'nowhere', nearest: null };
  const isCrlf = !content.includes(old) && content.includes('\r\n');
  const wanted = isCrlf ? withCrlf(old) : old;
  const first = content.indexOf(wanted);
  if (first === -1) return { kind: 'nowhere', nearest: nearestPassage(content, old) };
  const lines: number[] = [];
  let count = 0;
  for (let at = first; at !== -1; at = content.indexOf(wanted, at + 1)) {
    count += 1;
    if (lines.length < LINES_MAX) lines.push(lineAt(content, at));
  }
  if (count > 1) return { kind: 'several', lines, count };
  const put = isCrlf ? withCrlf(replacement) : replacement;
  return { kind: 'edited', content: content.slice(0, first) + put + content.slice(first + wanted.length) };
};

const plain = (line: string): string => line.trim().replaceAll(/\s+/gu, ' ');

/** The lines of a passage without empty ones around it. */
const core = (text: string): string[] => {
  const lines = text.split('\n').map(plain);
  while (lines.length > 0 && lines[0] === '') lines.shift();
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  return lines.slice(0, WINDOW_MAX);
};

/** Whether `wanted` stands at `start`; its first and last line may be parts of lines. */
const standsAt = (lines: readonly string[], start: number, wanted: readonly string[]): boolean =>
  wanted.every((line, offset) => {
    const found = lines[start + offset];
    if (found === undefined) return false;
    if (wanted.length === 1) return found.includes(line);
    if (offset === 0) return found.endsWith(line);
    return offset === wanted.length - 1 ? found.startsWith(line) : found === line;
  });

const findWindow = (lines: readonly string[], wanted: readonly string[]): number => {
  for (let start = 0; start + wanted.length <= lines.length; start += 1) {
    if (standsAt(lines, start, wanted)) return start;
  }
  return -1;
};

/** Where most lines of `wanted` are the same. */
const bestWindow = (lines: readonly string[], wanted: readonly string[]): { start: number; same: number } => {
  const places = new Map<string, number[]>();
  wanted.forEach((line, offset) => {
    if (line !== '') places.set(line, [...(places.get(line) ?? []), offset]);
  });
  const scores = new Map<number, number>();
  let best = { start: -1, same: 0 };
  lines.forEach((line, index) => {
    for (const offset of places.get(line) ?? []) {
      const start = index - offset;
      const same = (scores.get(start) ?? 0) + 1;
      scores.set(start, same);
      if (same > best.same && start >= 0) best = { start, same };
    }
  });
  return best;
};

const pairs = (line: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (let index = 0; index + 1 < Math.min(line.length, LIKENESS_LENGTH); index += 1) {
    const pair = line.slice(index, index + 2);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
};

/** Dice's coefficient over pairs of characters: 0 nothing alike, 1 the same. */
const likeness = (wanted: Map<string, number>, wantedLength: number, line: string): number => {
  const length = Math.min(line.length, LIKENESS_LENGTH);
  if (length < 2 || wantedLength < 2) return 0;
  let shared = 0;
  for (const [pair, count] of pairs(line)) shared += Math.min(count, wanted.get(pair) ?? 0);
  return (2 * shared) / (wantedLength - 1 + length - 1);
};

const likestLine = (lines: readonly string[], wanted: string): number => {
  const lowered = wanted.toLowerCase();
  const wantedPairs = pairs(lowered);
  const length = Math.min(lowered.length, LIKENESS_LENGTH);
  let best = { index: -1, score: LIKENESS_MIN };
  lines.slice(0, LIKENESS_LINES_MAX).forEach((line, index) => {
    const score = likeness(wantedPairs, length, line.toLowerCase());
    if (score > best.score) best = { index, score };
  });
  return best.index;
};

/** The passage of `content` that `old` most likely meant; null when nothing is like it. */
export const nearestPassage = (content: string, old: string): NearestPassage | null => {
  const raw = content.split('\n', FILE_LINES_MAX);
  const lines = raw.map(plain);
  const wanted = core(old);
  if (wanted.length === 0) return null;
  const passage = (start: number, differs: string): NearestPassage => {
    const text = raw.slice(start, start + wanted.length).join('\n');
    return { line: start + 1, text: text.slice(0, SHOWN_LENGTH_MAX), differs };
  };
  const spaced = findWindow(lines, wanted);
  if (spaced !== -1) return passage(spaced, 'only in white space');
  const lowered = (list: readonly string[]): string[] => list.map((line) => line.toLowerCase());
  const cased = findWindow(lowered(lines), lowered(wanted));
  if (cased !== -1) return passage(cased, 'in upper and lower case');
  const best = bestWindow(lines, wanted);
  if (best.start !== -1) return passage(best.start, `in ${wanted.length - best.same} of ${wanted.length} lines`);
  const longest = wanted.reduce((left, right) => (right.length > left.length ? right : left));
  const likest = likestLine(lines, longest);
  const start = Math.max(0, likest - wanted.indexOf(longest));
  return likest === -1 ? null : passage(start, 'in words');
};
