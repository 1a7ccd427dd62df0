/**
 * Which commit each line of a file comes from, from git's history: the versions of the file from the oldest to the newest,
 * each compared with the one before. Commits are as fine as it gets: when several agents wrote in one, a line has them all.
 */
import { decodeText } from './content.ts';
import { blobAt, fileHistory } from './history.ts';
import { diffLines } from './merge.ts';
import type { Repository } from './repository.ts';
import type { BlamedLine, FileVersion } from './results.ts';

/** Older versions count as one with the oldest that is looked at. */
const VERSIONS_MAX = 1_000;

/** The text of a file as a commit has it; undefined when it has none, or no text. */
const textAt = async (repository: Repository, commit: string, path: string): Promise<string | undefined> => {
  const { tree } = await repository.readCommit(commit);
  const oid = await blobAt(repository, tree, path);
  const bytes = oid === undefined ? undefined : await repository.readBlob(oid);
  return bytes === undefined ? undefined : decodeText(bytes);
};

/** The lines of a file as the newest version has it; undefined when there is none, or it is not text. */
export const blameFile = async (
  repository: Repository,
  head: string | null,
  path: string,
): Promise<readonly BlamedLine[] | undefined> => {
  const versions = await fileHistory(repository, head, path, VERSIONS_MAX);
  let lines: readonly string[] = [];
  let origins: readonly FileVersion[] = [];
  let text: string | undefined;
  for (const version of versions.toReversed()) {
    text = await textAt(repository, version.commit, path);
    const next = text === undefined || text === '' ? [] : text.replace(/\n$/u, '').split('\n');
    const nextOrigins: FileVersion[] = [];
    let at = 0;
    for (const change of diffLines(lines, next)) {
      nextOrigins.push(...origins.slice(at, change.start), ...change.lines.map(() => version));
      at = change.end;
    }
    nextOrigins.push(...origins.slice(at));
    lines = next;
    origins = nextOrigins;
  }
  if (text === undefined) return undefined;
  return lines.flatMap((line, index) => {
    const origin = origins[index];
    return origin === undefined ? [] : [{ line: index + 1, ...origin, text: line }];
  });
};
