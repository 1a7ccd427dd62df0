/** The files of a run as a person reads them. Pure. */
import type { RunFiles } from '../run/types.ts';
import { plural } from './render.ts';
import { plainText } from '../society/plain-text.ts';

const COMMIT_LENGTH = 10;
const AUTHORS_WIDTH = 24;

const short = (commit: string | null): string => (commit ?? 'not yet').slice(0, COMMIT_LENGTH).padEnd(COMMIT_LENGTH);

const cut = (text: string, width: number): string => {
  const points = Array.from(text);
  return points.length > width ? `${points.slice(0, width - 1).join('')}…` : text.padEnd(width);
};

const sizeOf = (bytes: number): string => (bytes < 0 ? '' : String(bytes));

const listText = ({ files, branch, workspace }: RunFiles): string => {
  if (files.length === 0) return 'No files yet.';
  const rows = files.map(
    ({ path, commit, author, size }) =>
      `${short(commit)}  ${sizeOf(size).padStart(8)}  ${cut(author, AUTHORS_WIDTH)}  ${path}`,
  );
  const head = `${'commit'.padEnd(COMMIT_LENGTH)}  ${'bytes'.padStart(8)}  ${'last author'.padEnd(AUTHORS_WIDTH)}  path`;
  return [head, ...rows, `${plural(files.length, 'file')} on branch ${branch} of ${workspace}`].join('\n');
};

export const filesText = (run: RunFiles): string => {
  if (run.log !== undefined) {
    const rows = run.log.versions.map(
      ({ commit, time, authors }) => `${short(commit)}  ${time}  ${authors.join(', ')}`,
    );
    return plainText(rows.join('\n'));
  }
  if (run.blame !== undefined) {
    const { lines } = run.blame;
    const width = String(lines.length).length;
    const rows = lines.map(
      ({ line, commit, authors, text }) =>
        `${short(commit)}  ${cut(authors.join(', '), AUTHORS_WIDTH)}  ${String(line).padStart(width)}  ${text}`,
    );
    return plainText(rows.length === 0 ? 'The file is empty.' : rows.join('\n'));
  }
  return plainText(listText(run));
};
