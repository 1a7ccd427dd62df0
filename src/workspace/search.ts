/**
 * Looking for a text in many files, line by line. In slices, so that readers and writers of the workspace go on meanwhile;
 * what it looks at and what it gives is bounded, and it says when there may be more.
 *
 * Invariant: L1 no turn of the event loop looks at more than `SLICE_COUNT` files, or at another file past `SLICE_LENGTH`
 * characters.
 */
import type { Clock } from '../platform/index.ts';
import type { Content } from './content.ts';
import type { FileEntry } from './file-table.ts';
import { refuse, type FileMatch, type PlainRefusal, type SearchFilesResult } from './results.ts';

const SLICE_COUNT = 64;
const SLICE_LENGTH = 256 * 1024;
/** Characters of all files that one search looks at. */
const LENGTH_MAX = 256 * 1024 * 1024;
/** Longer lines are cut around the match. */
const SHOWN_LENGTH = 200;
const SHOWN_BEFORE = 60;

const QUERY_LENGTH_MAX = 1_000;
export const MATCHES_MAX = 200;

const BAD_QUERY = refuse(
  'INVALID_ARGUMENTS',
  'The query is empty, too long or more than one line.',
  `Use one line of at most ${QUERY_LENGTH_MAX} characters.`,
);

/** The refusal of a query that cannot be used. */
export const checkQuery = (query: string): PlainRefusal | undefined =>
  query === '' || query.length > QUERY_LENGTH_MAX || /[\r\n]/u.test(query) ? BAD_QUERY : undefined;

export interface SearchParts {
  /** The files to look at, in order. */
  readonly entries: readonly FileEntry[];
  readonly matchesMax: number;
  readonly clock: Clock;
  readonly read: (entry: FileEntry) => Promise<Content | undefined>;
}

const shownLine = (line: string, at: number): string => {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.length <= SHOWN_LENGTH) return text;
  const from = Math.max(0, at - SHOWN_BEFORE);
  const part = text.slice(from, from + SHOWN_LENGTH).toWellFormed();
  return `${from > 0 ? '…' : ''}${part}${from + SHOWN_LENGTH < text.length ? '…' : ''}`;
};

/** Where a query stands in a line. Case counts when the query has a capital letter. */
export const finder = (query: string): ((line: string) => number) => {
  const isExact = query !== query.toLowerCase();
  return isExact ? (line) => line.indexOf(query) : (line) => line.toLowerCase().indexOf(query);
};

export const matchesIn = (path: string, content: string, find: (line: string) => number, room: number): FileMatch[] => {
  const matches: FileMatch[] = [];
  // Most files do not have it.
  if (find(content) === -1) return matches;
  let number = 0;
  for (let start = 0; start <= content.length && matches.length < room; number += 1) {
    const end = content.indexOf('\n', start);
    const line = content.slice(start, end === -1 ? content.length : end);
    const at = find(line);
    if (at !== -1) matches.push({ path, line: number + 1, text: shownLine(line, at) });
    if (end === -1) break;
    start = end + 1;
  }
  return matches;
};

export const searchFiles = async (query: string, parts: SearchParts): Promise<SearchFilesResult> => {
  const { entries, matchesMax, clock, read } = parts;
  const find = finder(query);
  const matches: FileMatch[] = [];
  const pause = (): Promise<void> => new Promise((resolve) => clock.soon(resolve));
  let length = 0;
  for (let at = 0; at < entries.length; at += SLICE_COUNT) {
    const slice = entries.slice(at, at + SLICE_COUNT);
    const contents = await Promise.all(slice.map(read));
    let sliceLength = 0;
    for (const [index, { path, durable }] of slice.entries()) {
      const content = contents[index];
      if (typeof content !== 'string') continue;
      const room = matchesMax + 1 - matches.length;
      const found = matchesIn(path, content, find, room);
      matches.push(...found);
      if (found.length > 0) await durable;
      length += content.length;
      sliceLength += content.length;
      if (matches.length > matchesMax || length > LENGTH_MAX) {
        return { ok: true, matches: matches.slice(0, matchesMax), truncated: true };
      }
      if (sliceLength > SLICE_LENGTH) {
        sliceLength = 0;
        await pause();
      }
    }
    await pause();
  }
  return { ok: true, matches, truncated: false };
};
