/**
 * The messages of the commits that a workspace makes, and reading them back.
 *
 *     Write 2 files
 *
 *     - docs/plan.md: Boss, Planner
 *     - notes.md: Health
 *
 *     Megactor-Author: Boss
 *     Megactor-Author: Health
 *     Megactor-Author: Planner
 *     Megactor-Run: RUNID
 *     Megactor-Sequence: 17
 *
 * A line per file with its authors, in the order of their writes; then git trailers: `Megactor-Author` once per author,
 * in alphabetical order, `Megactor-Run`, and `Megactor-Sequence`, the number of the last version that the commit holds.
 * A commit by one author has that agent as git's author, others have Megactor; the committer is always Megactor.
 */

export interface CommitSummary {
  readonly runId: string;
  readonly sequence: number;
  /** Path → authors, in the order of their writes. */
  readonly files: ReadonlyMap<string, readonly string[]>;
}

const ADDRESS = 'megactor.invalid';
export const COMMITTER = `Megactor <megactor@${ADDRESS}>`;
/** At most this many lines of files; more are counted. */
const FILE_LINES_MAX = 2_000;

// Control characters are exactly what this pattern is for.
// oxlint-disable-next-line no-control-regex
const AUTHOR_PATTERN = /^[^\u0000-\u001f\u007f\u0085\u2028\u2029,:<>]{1,128}$/u;

/** True for a name that can stand in a commit. */
export const isAuthor = (name: unknown): name is string =>
  typeof name === 'string' && AUTHOR_PATTERN.test(name) && name.trim() === name;

/** Any name as one that can stand in a commit; for the authors of commits that people made. */
export const asAuthor = (name: string): string => {
  const legal = Array.from(name, (char) => (AUTHOR_PATTERN.test(char) ? char : ' ')).slice(0, 128);
  const plain = legal.join('').trim();
  return plain === '' ? 'user' : plain;
};

/** Git's own form of an agent: `NAME <NAME@megactor.invalid>`. */
export const identity = (author: string): string => `${author} <${author.replace(/[^\w.-]/gu, '-')}@${ADDRESS}>`;

export const commitAuthor = (summary: CommitSummary): string => {
  const authors = new Set([...summary.files.values()].flat());
  const [only] = authors;
  return authors.size === 1 && only !== undefined ? identity(only) : COMMITTER;
};

export const formatMessage = (summary: CommitSummary): string => {
  const files = [...summary.files].sort(([left], [right]) => (left < right ? -1 : 1));
  const [first] = files;
  const subject = files.length === 1 && first !== undefined ? `Write ${first[0]}` : `Write ${files.length} files`;
  const lines = files
    .slice(0, FILE_LINES_MAX)
    .map(([path, authors]) => `- ${path}: ${[...new Set(authors)].join(', ')}`);
  if (files.length > FILE_LINES_MAX) lines.push(`and ${files.length - FILE_LINES_MAX} more`);
  const authors = [...new Set(files.flatMap(([, names]) => names))].sort();
  return [
    subject,
    '',
    ...lines,
    ...(lines.length > 0 ? [''] : []),
    ...authors.map((author) => `Megactor-Author: ${author}`),
    `Megactor-Run: ${summary.runId}`,
    `Megactor-Sequence: ${summary.sequence}`,
    '',
  ].join('\n');
};

/** What a commit of a workspace says about itself; undefined for anybody else's commit. */
export const parseMessage = (message: string): CommitSummary | undefined => {
  const runId = /^Megactor-Run: (.+)$/mu.exec(message)?.[1];
  const sequence = /^Megactor-Sequence: (\d+)$/mu.exec(message)?.[1];
  if (runId === undefined || sequence === undefined) return undefined;
  const files = new Map<string, readonly string[]>();
  for (const [, path, authors] of message.matchAll(/^- (.+): ([^:\n]+)$/gmu)) {
    if (path !== undefined && authors !== undefined) files.set(path, authors.split(', '));
  }
  return { runId, sequence: Number(sequence), files };
};
