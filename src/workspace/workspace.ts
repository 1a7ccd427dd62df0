/**
 * The shared, versioned files of a society: one owner through whom everybody reads and writes. A write is a
 * compare-and-swap on the blob that the writer had read; a stale one is merged three ways; nobody ever holds a lock
 * between two calls. The store (the journal's) makes a write durable and holds current contents; git is the history and
 * follows in batches (`committer.ts`). The work tree is brought to the last commit by `finish`.
 * It does not run programs, watch the work tree, or know what an agent is.
 *
 * Invariants:
 * W1 No acknowledged write is lost: the store has it before the answer, and git by the end of the next opening at the
 *    latest.
 * W2 A write never undoes a change that its writer had not read: it is merged, or refused with the current content.
 * W3 An effect id changes files at most once; a repeat gets the first answer. Refusals and reads change nothing and are
 *    answered afresh.
 * W4 Nobody is shown a content that the store could still lose.
 * W5 No path leads out of the workspace.
 * W6 The versions of a file are totally ordered; appends never conflict.
 * W7 After `finish` the work tree equals HEAD, and stock git finds nothing to complain about.
 */
import type { ServiceStore } from '../journal/shard-log.ts';
import { systemClock, type Clock } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { checkOut } from './checkout.ts';
import { Committer, type CommitInfo, type CommitterLimits } from './committer.ts';
import { Contents } from './contents.ts';
import { errorCode } from './durable-files.ts';
import type { FileTable } from './file-table.ts';
import { compileGlob, GLOB_LENGTH_MAX } from './glob.ts';
import { fileHistory } from './history.ts';
import { decideOpening, refuseDirty } from './opening.ts';
import { PackStore } from './pack-store.ts';
import { checkPath } from './path-jail.ts';
import { recover } from './recovery.ts';
import type { Repository } from './repository.ts';
import {
  refuse,
  type AppendFileResult,
  type FileRow,
  type HistoryResult,
  type ListFilesResult,
  type ReadFileResult,
  type WorkspaceCall,
  type WorkspaceStats,
  type WriteFileResult,
} from './results.ts';
import { KEY, type OriginRecord } from './store-layout.ts';
import { changedByOthers } from './work-tree.ts';
import { refuseMissing, refuseNotText, refuseSize, refuseSpecial, Writer } from './writer.ts';

export interface WorkspaceLimits extends CommitterLimits {
  /** Largest file, in bytes of UTF-8. */
  readonly fileBytesMax: number;
  /** Most paths that `listFiles` gives. */
  readonly listCountMax: number;
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
  commitDelayMs: 50,
  batchCountMax: 256,
  batchBytesMax: 8 * 1024 * 1024,
  backlogCountMax: 4_096,
  backlogBytesMax: 64 * 1024 * 1024,
};

const HISTORY_COUNT = 100;
/** What the operating system says when the disk is the cause. */
const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

const asFailure = (error: unknown): MegactorError =>
  toMegactorError(error, DISK_CODES.has(errorCode(error) ?? '') ? 'DISK' : 'INTERNAL');

interface WorkspaceParts {
  readonly repository: Repository;
  readonly origin: OriginRecord;
  readonly objects: PackStore;
  readonly contents: Contents;
  readonly table: FileTable;
  readonly committer: Committer;
  readonly store: ServiceStore;
  readonly limits: WorkspaceLimits;
  readonly clock: Clock;
}

export class Workspace {
  readonly #parts: WorkspaceParts;
  readonly #writer: Writer;
  readonly #state: FailureState;
  #isClosed = false;

  private constructor(parts: WorkspaceParts, state: FailureState) {
    const { repository, store, table, contents, committer, limits } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#writer = new Writer({
      directory: repository.directory,
      store,
      table,
      contents,
      committer,
      fileBytesMax: limits.fileBytesMax,
      onFailure: (error) => state.fail(error),
    });
  }

  /**
   * Opens a workspace and brings git to where the store is.
   * @throws WORKSPACE_DIRTY, WORKSPACE_FOREIGN, USAGE, JOURNAL_DAMAGED, DISK
   */
  static async open(options: WorkspaceOptions): Promise<Workspace> {
    try {
      const state = new FailureState();
      return new Workspace(await openParts(options, state), state);
    } catch (error) {
      throw asFailure(error);
    }
  }

  /** The work tree. */
  get directory(): string {
    return this.#parts.repository.directory;
  }

  /** The branch that the run writes. */
  get branch(): string {
    return this.#parts.origin.branch;
  }

  async readFile(args: { readonly path: string }, _call?: WorkspaceCall): Promise<ReadFileResult> {
    this.#check();
    const checked = checkPath(args.path);
    if (!checked.ok) return checked;
    const { path } = checked;
    const { table, contents, limits } = this.#parts;
    const entry = table.get(path);
    if (entry === undefined) return refuseMissing(path);
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return refusal;
    const { base, kept } = entry;
    const content = contents.peek(base) ?? (await contents.text(base, kept));
    if (content === undefined) return refuseNotText(path);
    const bytes = Buffer.byteLength(content);
    if (bytes > limits.fileBytesMax) return refuseSize(path, bytes, limits.fileBytesMax);
    await entry.durable;
    return { ok: true, content, base };
  }

  /** Writes a whole file. `base` is what the writer read; without it the file must be new, or already be the same. */
  async writeFile(
    args: { readonly path: string; readonly content: string; readonly base?: string | undefined },
    call: WorkspaceCall,
  ): Promise<WriteFileResult> {
    this.#check();
    return await this.#writer.write(args, call);
  }

  /** Adds lines at the end of a file, which is made when there is none. `content` gets lines of its own. */
  async appendFile(
    args: { readonly path: string; readonly content: string },
    call: WorkspaceCall,
  ): Promise<AppendFileResult> {
    this.#check();
    return await this.#writer.append(args, call);
  }

  /** Paths in order: all, or those that match a glob (as a shell reads it; `**` stands for directories). */
  async listFiles(args: { readonly glob?: string | undefined } = {}, _call?: WorkspaceCall): Promise<ListFilesResult> {
    this.#check();
    const { table, limits } = this.#parts;
    const matches = args.glob === undefined || args.glob === '' ? (): boolean => true : compileGlob(args.glob);
    if (matches === undefined) {
      const hint = `Use at most ${GLOB_LENGTH_MAX} characters and few alternatives in braces.`;
      return refuse('INVALID_ARGUMENTS', 'The glob is too long or has too many alternatives.', hint);
    }
    const found = [...table.entries()].filter((entry) => entry.kind === 'file' && matches(entry.path));
    const files = found.map((entry) => entry.path).sort();
    for (const entry of found) await entry.durable;
    return { ok: true, files: files.slice(0, limits.listCountMax), truncated: files.length > limits.listCountMax };
  }

  /** The commits that changed a file, newest first, at most `limit` (default 100). Commits what is waiting first. */
  async history(args: { readonly path: string; readonly limit?: number | undefined }): Promise<HistoryResult> {
    const checked = checkPath(args.path);
    if (!checked.ok) return checked;
    await this.flush();
    const { repository, committer, table } = this.#parts;
    if (table.get(checked.path) === undefined) return refuseMissing(checked.path);
    const limit = args.limit ?? HISTORY_COUNT;
    return { ok: true, versions: await fileHistory(repository, committer.head, checked.path, limit) };
  }

  /** Resolves when everything written so far is in git. */
  async flush(): Promise<void> {
    this.#check();
    await this.#parts.committer.flush();
  }

  /**
   * Flushes, then makes the work tree equal HEAD. What others changed there meanwhile is moved aside and named.
   * The workspace may be used on.
   */
  async finish(): Promise<{ readonly commit: string | null; readonly displaced: readonly string[] }> {
    await this.flush();
    const { repository, committer, contents, table, clock } = this.#parts;
    const { directory, gitDirectory } = repository;
    const { commit, files } = await committer.snapshot();
    const read = async (oid: string, path: string): Promise<Buffer | undefined> => {
      const entry = table.get(path);
      return await contents.bytes(oid, entry?.base === oid ? entry.kept : null);
    };
    try {
      if ((await repository.headBranch()) !== this.branch) await repository.pointHead(this.branch);
      const { displaced } = await checkOut({ directory, gitDirectory, files, clock, read });
      return { commit, displaced };
    } catch (error) {
      throw asFailure(error);
    }
  }

  stats(): WorkspaceStats {
    const { commits, conflicts, merges } = this.#parts.committer.progress;
    return { files: this.#parts.table.ownCount, commits, conflicts, merges };
  }

  /** The files that the run wrote, by path. */
  fileRows(): FileRow[] {
    return [...this.#parts.table.entries()]
      .filter((entry) => entry.own)
      .map(({ path, commit, author, size }) => ({ path, commit, author, size }))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
  }

  /** Takes no more calls, finishes those under way, and puts everything into git. Leaves the work tree as it is. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writer.idle();
    if (this.#state.error !== null) return;
    const { committer, objects } = this.#parts;
    await committer.flush();
    await objects.joinAll();
  }

  #check(): void {
    if (this.#state.error !== null) throw this.#state.error;
    if (this.#isClosed) throw new MegactorError('SYSTEM_STOPPED', 'the workspace is closed');
  }
}

/** The first failure of the store or of git: nothing is taken after it, and an opening finds out what is there. */
class FailureState {
  error: MegactorError | null = null;

  fail(error: unknown): void {
    this.error ??= asFailure(error);
  }
}

const openParts = async (options: WorkspaceOptions, state: FailureState): Promise<WorkspaceParts> => {
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
    refuseDirty(directory, await changedByOthers({ directory, gitDirectory, files: [...start.tree.files()], clock }));
  }
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
      onFailure: (error) => state.fail(error),
    },
    start,
  );
  for (const version of pending) committer.enqueue(version);
  await committer.flush();
  if (known !== undefined) await committer.settle();
  return { repository, origin, objects, contents, table, committer, store, limits, clock };
};
