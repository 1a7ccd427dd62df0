/**
 * What a workspace is made of, and how it is put together when it opens: options, limits, the first failure.
 */
import type { ServiceStore } from '../journal/shard-log.ts';
import { systemClock, type Clock } from '../platform/index.ts';
import { toMegactorError, type MegactorError } from '../protocol/errors.ts';
import { broughtEarlier, CheckoutAhead, forgetBrought } from './ahead.ts';
import { bytesOf, type Content } from './content.ts';
import { Committer, type CommitInfo, type CommitterLimits } from './committer.ts';
import { Contents } from './contents.ts';
import { errorCode } from './durable-files.ts';
import type { FileTable } from './file-table.ts';
import { decideOpening, refuseChanged } from './opening.ts';
import { PackStore } from './pack-store.ts';
import { recover } from './recovery.ts';
import type { Repository } from './repository.ts';
import { SLICE_LIMITS, type SliceLimits } from './slices.ts';
import { KEY, type OriginRecord } from './store-layout.ts';
import { changedByOthers } from './work-tree.ts';

export interface WorkspaceLimits extends CommitterLimits {
  /** Largest file, in bytes of UTF-8. */
  readonly fileBytesMax: number;
  /** Most paths that `listFiles` gives. */
  readonly listCountMax: number;
  /** How much of an `applyChanges` is made in one. */
  readonly applySlice: SliceLimits;
}

export interface WorkspaceOptions {
  readonly directory: string;
  readonly runId: string;
  readonly store: ServiceStore;
  /** Default: `main` in a fresh directory, `megactor/RUNID` in a repository that exists. */
  readonly branch?: string | undefined;
  /** Paths that may be changed or untracked in a repository that exists: the run directory, for one. */
  readonly ignore?: readonly string[] | undefined;
  readonly clock?: Clock | undefined;
  /** False: git's files survive a killed process but not a power failure. Default true. */
  readonly sync?: boolean | undefined;
  readonly limits?: Partial<WorkspaceLimits> | undefined;
  /** Told of every commit, in order. */
  readonly onCommit?: ((info: CommitInfo) => void) | undefined;
}

export const WORKSPACE_LIMITS: WorkspaceLimits = {
  fileBytesMax: 1024 * 1024,
  listCountMax: 5_000,
  applySlice: SLICE_LIMITS,
  commitDelayMs: 50,
  batchCountMax: 256,
  batchBytesMax: 8 * 1024 * 1024,
  backlogCountMax: 4_096,
  backlogBytesMax: 64 * 1024 * 1024,
};

/** What the operating system says when the disk is the cause. */
const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

export const asFailure = (error: unknown): MegactorError =>
  toMegactorError(error, DISK_CODES.has(errorCode(error) ?? '') ? 'DISK' : 'INTERNAL');

export interface WorkspaceParts {
  readonly repository: Repository;
  readonly origin: OriginRecord;
  readonly objects: PackStore;
  readonly contents: Contents;
  readonly table: FileTable;
  readonly committer: Committer;
  readonly store: ServiceStore;
  readonly limits: WorkspaceLimits;
  readonly clock: Clock;
  /** What a blob of a commit holds. The store is quicker than git for what is current. */
  readonly contentAt: (oid: string, path: string) => Promise<Content | undefined>;
  /** The same as bytes. */
  readonly read: (oid: string, path: string) => Promise<Buffer | undefined>;
  readonly ahead: CheckoutAhead;
}

/** The first failure of the store or of git: nothing is taken after it, and an opening finds out what is there. */
export class FailureState {
  error: MegactorError | null = null;

  fail(error: unknown): void {
    this.error ??= asFailure(error);
  }
}

/** @throws WORKSPACE_DIRTY, WORKSPACE_FOREIGN, USAGE, JOURNAL_DAMAGED, DISK */
export const openParts = async (options: WorkspaceOptions, state: FailureState): Promise<WorkspaceParts> => {
  const { runId, store, clock = systemClock, sync = true, onCommit = (): void => {} } = options;
  const limits = { ...WORKSPACE_LIMITS, ...options.limits };
  const known = (await store.get(KEY.origin)) as OriginRecord | undefined;
  const opening = await decideOpening({
    directory: options.directory,
    runId,
    branch: options.branch,
    ignore: options.ignore ?? [],
    origin: known,
    clock,
    sync,
  });
  const { repository, origin } = opening;
  if (known === undefined) {
    await forgetBrought(repository);
    await store.commit({ effectId: null, result: null, changes: [{ key: KEY.origin, value: origin }] });
  }
  await opening.prepare();
  const objects = new PackStore(repository.gitDirectory, { sync });
  await objects.clean();
  const contents = new Contents(store, repository);
  await contents.open();
  const { table, start, pending } = await recover({ store, repository, contents, origin, runId });
  if (known !== undefined) {
    const { directory, gitDirectory } = repository;
    const tree = { directory, gitDirectory, files: [...start.tree.files()], clock };
    refuseChanged(directory, await changedByOthers(tree, broughtEarlier(repository)));
  }
  const contentAt = async (oid: string, path: string): Promise<Content | undefined> => {
    const entry = table.get(path);
    return await contents.look(oid, entry?.base === oid ? entry.kept : null);
  };
  const read = async (oid: string, path: string): Promise<Buffer | undefined> => {
    const content = await contentAt(oid, path);
    return content === undefined ? undefined : bytesOf(content);
  };
  let ahead: CheckoutAhead | null = null;
  const committer = new Committer(
    {
      store,
      repository,
      sink: objects,
      table,
      contents,
      clock,
      limits,
      branch: origin.branch,
      runId,
      onCommit,
      onPaths: (paths) => ahead?.changed(paths),
      onFailure: (error) => state.fail(error),
    },
    start,
  );
  ahead = await CheckoutAhead.open({
    repository,
    branch: origin.branch,
    bases: [opening.found, origin.commit],
    clock,
    sync,
    early: origin.kind === 'fresh',
    read,
    fileAt: (path) => committer.fileAt(path),
    isBusy: () => committer.backlog > 0,
  });
  for (const version of pending) committer.enqueue([version]);
  await committer.flush();
  if (known !== undefined) await committer.settle();
  return { repository, origin, objects, contents, table, committer, store, limits, clock, contentAt, read, ahead };
};
