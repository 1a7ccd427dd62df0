/**
 * What somebody has staged in git's index is in no commit, and a run that takes it for what it has brought itself would
 * lose it. Objects of the run are in packs; what a person adds is a loose object until git collects them, and so may be
 * what the repository had before the run.
 */
import type { IndexEntry } from './index-file.ts';
import type { Repository } from './repository.ts';

export interface StagedParts {
  readonly repository: Repository;
  /** The blob that the commits have at a path by now. */
  readonly oidAt: (path: string) => string | undefined;
  /** Commits that the index may have been made from beside the run's own. */
  readonly bases: readonly (string | null)[];
}

/** The entries of an index without those that somebody has staged and not committed. */
export const withoutStaged = async (
  index: ReadonlyMap<string, IndexEntry>,
  { repository, oidAt, bases }: StagedParts,
): Promise<ReadonlyMap<string, IndexEntry>> => {
  const staged = new Map<string, string>();
  for (const { path, oid } of index.values()) {
    if (oidAt(path) !== oid && repository.hasLoose(oid)) staged.set(path, oid);
  }
  for (const base of new Set(bases)) {
    if (staged.size === 0) return index;
    const facts = base === null ? undefined : await repository.findCommit(base);
    if (facts === undefined) continue;
    const tree = await repository.loadTree(facts.tree);
    for (const [path, oid] of staged) {
      if (tree.get(path)?.oid === oid) staged.delete(path);
    }
  }
  return staged.size === 0 ? index : new Map([...index].filter(([path]) => !staged.has(path)));
};
