/**
 * What has changed in a file, for somebody who reads it: lines that went and lines that came, in the order of the file, cut
 * to a length. What it does not do: merge (`merge.ts` does), or find out what the versions hold.
 */
import { diffLines } from './merge.ts';

/** Of one line that is shown. */
const LINE_CHARS_MAX = 200;
/** Longer texts are not compared line by line. */
const COMPARED_CHARS_MAX = 400_000;

const cut = (line: string): string => (line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX)}…` : line);

const linesOf = (text: string): string[] => {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

/** Lines until `charsMax` is reached; then how many are not shown. */
const within = (lines: readonly string[], charsMax: number): string => {
  const shown: string[] = [];
  let left = charsMax;
  for (const line of lines) {
    left -= line.length + 1;
    if (left < 0) break;
    shown.push(line);
  }
  const more = lines.length - shown.length;
  return [...shown, ...(more === 0 ? [] : [`… ${more} more lines`])].join('\n');
};

/**
 * What makes `to` of `from`: `@@ line N`, then `-` and `+` lines. A file that was not there before (`from` null) is shown
 * from its beginning. '' when nothing has changed.
 */
export const describeChanges = (from: string | null, to: string, charsMax: number): string => {
  if (from === to) return '';
  const after = linesOf(to);
  if (from === null)
    return within(
      after.map((line) => `+${cut(line)}`),
      charsMax,
    );
  if (from.length + to.length > COMPARED_CHARS_MAX) return '(changed; too long to compare)';
  const before = linesOf(from);
  let shift = 0;
  const lines = diffLines(before, after).flatMap((change) => {
    const head = `@@ line ${change.start + shift + 1}`;
    shift += change.lines.length - (change.end - change.start);
    return [
      head,
      ...before.slice(change.start, change.end).map((line) => `-${cut(line)}`),
      ...change.lines.map((line) => `+${cut(line)}`),
    ];
  });
  return lines.length === 0 ? '(only line ends have changed)' : within(lines, charsMax);
};
