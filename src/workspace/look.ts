/**
 * One look at a file for somebody who judges it: which version it is, whose, how long, what it says, and what is different
 * from an earlier version. What it does not do: change anything, or fail for what it does not find.
 */
import { z } from 'zod';
import { describeChanges } from './changes.ts';
import { byteLengthOf, contentOf } from './content.ts';
import type { WorkspaceParts } from './open-parts.ts';
import { checkPath } from './path-jail.ts';
import type { FileRow } from './results.ts';

export const lookArgs = z.object({
  path: z.string(),
  /** Blob id of the version to compare with; null: from before there was a file. Without it nothing is compared. */
  since: z.string().nullable().optional(),
  /** Characters of changes, and of text: a longer text is not given. */
  changesMax: z.int().nonnegative(),
  textMax: z.int().nonnegative(),
});

export type LookArguments = z.output<typeof lookArgs>;

export interface FileLook {
  readonly path: string;
  /** Blob id. */
  readonly base: string;
  /** Null while it waits for its commit. */
  readonly commit: string | null;
  readonly author: string;
  readonly bytes: number;
  readonly text: string | null;
  /** Null when there is nothing to compare with. */
  readonly changes: string | null;
}

/** The files that the run wrote, by path. */
export const rowsOf = (table: WorkspaceParts['table']): FileRow[] =>
  [...table.entries()]
    .filter((entry) => entry.own)
    .map(({ path, commit, author, size, base }) => ({ path, commit, author, size, base }))
    .sort((left, right) => (left.path < right.path ? -1 : 1));

/** Null when there is no such file, or none that can be looked at. */
export const lookAtFile = async (
  { table, contents }: Pick<WorkspaceParts, 'table' | 'contents'>,
  { path: given, since, changesMax, textMax }: LookArguments,
): Promise<FileLook | null> => {
  const checked = checkPath(given);
  const entry = checked.ok ? table.get(checked.path) : undefined;
  if (entry === undefined || entry.kind !== 'file') return null;
  const { path, base, kept, author, size, durable } = entry;
  const wantsChanges = changesMax > 0 && since !== undefined;
  const isNeeded = size < 0 || textMax > 0 || wantsChanges;
  const content = isNeeded ? await contents.look(base, kept) : undefined;
  // What the store could still lose is shown to nobody (W4).
  await durable;
  const commit = table.get(path)?.base === base ? (table.get(path)?.commit ?? null) : null;
  const text = typeof content === 'string' ? content : null;
  const bytes = size >= 0 || content === undefined ? Math.max(0, size) : byteLengthOf(content);
  return {
    path,
    base,
    commit,
    author,
    bytes,
    text: text !== null && text.length <= textMax ? text : null,
    changes: text === null || !wantsChanges ? null : await changesOf(contents, since, text, changesMax),
  };
};

const changesOf = async (
  contents: WorkspaceParts['contents'],
  since: string | null,
  text: string,
  changesMax: number,
): Promise<string | null> => {
  if (since === null) return describeChanges(null, text, changesMax);
  const found = await contents.look(since);
  // The version may be so old, or so short-lived, that nobody has it.
  if (found === undefined) return null;
  const before = typeof found === 'string' ? found : contentOf(found);
  return typeof before === 'string' ? describeChanges(before, text, changesMax) : null;
};
