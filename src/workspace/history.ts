/** Who changed a file, from git's history: the workspace's own commits say it themselves, others' trees are compared. */
import { asAuthor, parseMessage } from './commit-message.ts';
import { MODE } from './git-objects.ts';
import type { CommitFacts, Repository } from './repository.ts';
import type { FileVersion } from './results.ts';

/** Commits looked at for one question. */
const WALK_MAX = 20_000;
/** Commits whose trees are compared, which costs a read per directory. */
const COMPARE_MAX = 1_000;

/** The blob that a tree has at a path. */
export const blobAt = async (repository: Repository, tree: string, path: string): Promise<string | undefined> => {
  const names = path.split('/');
  let oid = tree;
  for (const [depth, name] of names.entries()) {
    const entry = (await repository.readTree(oid)).find((candidate) => candidate.name === name);
    if (entry === undefined) return undefined;
    if (depth === names.length - 1) return entry.oid;
    if (entry.mode !== MODE.directory) return undefined;
    oid = entry.oid;
  }
  return undefined;
};

/** Along first parents from `head`; newest first, at most `limit`. */
export const fileHistory = async (
  repository: Repository,
  head: string | null,
  path: string,
  limit: number,
): Promise<FileVersion[]> => {
  const versions: FileVersion[] = [];
  let compared = 0;
  let commit = head;
  let facts: CommitFacts | null = commit === null ? null : await repository.readCommit(commit);
  for (let walked = 0; walked < WALK_MAX && versions.length < limit && commit !== null && facts !== null; walked += 1) {
    const parent: string | null = facts.parents[0] ?? null;
    const parentFacts: CommitFacts | null = parent === null ? null : await repository.readCommit(parent);
    let authors = parseMessage(facts.message)?.files.get(path);
    if (authors === undefined && parseMessage(facts.message) === undefined && compared < COMPARE_MAX) {
      compared += 1;
      const now = await blobAt(repository, facts.tree, path);
      const before = parentFacts === null ? undefined : await blobAt(repository, parentFacts.tree, path);
      if (now !== before) authors = [asAuthor(facts.author)];
    }
    if (authors !== undefined)
      versions.push({ commit, authors, time: new Date(facts.timeSeconds * 1000).toISOString() });
    commit = parent;
    facts = parentFacts;
  }
  return versions;
};
