/**
 * The files of a run for somebody who only looks: from its store as it is read, and from git, while the owner goes on.
 * It takes no lock, writes nothing, and may be a batch of commits behind.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Clock } from '../platform/index.ts';
import { blameFile } from './blame.ts';
import { fileHistory } from './history.ts';
import { findGitDirectory } from './opening.ts';
import { Repository } from './repository.ts';
import type { BlamedLine, FileRow, FileVersion } from './results.ts';
import { KEY, RANGE_END, type FileRecord, type OriginRecord } from './store-layout.ts';

/** What is read of a store; synchronous, since a journal that is only read is. */
export interface ReadStore {
  get(key: string): unknown;
  range(from: string, to: string): readonly (readonly [string, unknown])[];
}

export interface StoredFiles {
  readonly branch: string;
  /** The files that the run wrote, by path. Without a store: what the last commit has, authors and sizes unknown. */
  readonly files: readonly FileRow[];
  history(path: string): Promise<FileVersion[]>;
  blame(path: string): Promise<readonly BlamedLine[] | undefined>;
}

const HISTORY_COUNT = 1_000;

const rowsOf = (store: ReadStore): FileRow[] =>
  store.range(KEY.file(''), RANGE_END.file).map(([key, value]) => {
    const { commit, author, size, base } = value as FileRecord;
    return { path: key.slice(KEY.file('').length), commit, author, size, base };
  });

const rowsOfCommit = async (repository: Repository, commit: string): Promise<FileRow[]> => {
  const tree = await repository.loadTree((await repository.readCommit(commit)).tree);
  return [...tree.files()]
    .map(({ path, oid }) => ({ path, commit: null, author: '', size: -1, base: oid }))
    .sort((left, right) => (left.path < right.path ? -1 : 1));
};

/** @throws WORKSPACE_FOREIGN, DISK */
export const openHistory = async (options: {
  readonly directory: string;
  readonly runId: string;
  /** Null for a run without a journal. */
  readonly store: ReadStore | null;
  readonly clock: Clock;
}): Promise<StoredFiles> => {
  const { store, clock, runId } = options;
  const directory = resolve(options.directory);
  const hasRepository = existsSync(`${directory}/.git`);
  const gitDirectory = hasRepository ? await findGitDirectory(directory) : `${directory}/.git`;
  const repository = new Repository(directory, gitDirectory, { clock, sync: false });
  const origin = store?.get(KEY.origin) as OriginRecord | undefined;
  const named = `megactor/${runId}`;
  const branch = origin?.branch ?? (hasRepository && (await repository.branchCommit(named)) !== null ? named : 'main');
  const head = hasRepository ? await repository.branchCommit(branch) : null;
  const files = store !== null ? rowsOf(store) : head === null ? [] : await rowsOfCommit(repository, head);
  return {
    branch,
    files,
    history: (path) => fileHistory(repository, head, path, HISTORY_COUNT),
    blame: (path) => blameFile(repository, head, path),
  };
};
