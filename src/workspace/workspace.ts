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
 * W8 A snapshot is the state of one commit. What was changed in one call (a move, an `applyChanges` of up to 2,000 files
 *    and 32 MiB) is durable in one and in git in one commit; a larger `applyChanges` in slices of that size, in order.
 */
import { MegactorError } from '../protocol/errors.ts';
import { applyChanges } from './apply.ts';
import { blameFile } from './blame.ts';
import { byteLengthOf, bytesOf, type Content } from './content.ts';
import { refuseMissing, refuseNotText, refuseSize, refuseSpecial } from './decisions.ts';
import type { FileEntry } from './file-table.ts';
import { BAD_GLOB, compileGlob } from './glob.ts';
import { fileHistory } from './history.ts';
import { lookAtFile, rowsOf, type FileLook, type LookArguments } from './look.ts';
import { asFailure, FailureState, openParts, type WorkspaceOptions, type WorkspaceParts } from './open-parts.ts';
import {
  appendFile,
  editFile,
  moveFile,
  removeFile,
  writeFile,
  type EditArguments,
  type WriteArguments,
} from './operations.ts';
import { checkOptions } from './options.ts';
import { checkPath } from './path-jail.ts';
import {
  refuse,
  type AppendFileResult,
  type ApplyResult,
  type BlameResult,
  type EditFileResult,
  type FileChange,
  type FileRow,
  type HistoryResult,
  type ListFilesResult,
  type MoveFileResult,
  type PlainRefusal,
  type ReadBytesResult,
  type ReadFileResult,
  type RemoveFileResult,
  type SearchFilesResult,
  type SnapshotResult,
  type WorkspaceCall,
  type WorkspaceStats,
  type WriteFileResult,
} from './results.ts';
import { checkQuery, MATCHES_MAX, searchFiles } from './search.ts';
import { exportSnapshot, type SnapshotArguments } from './snapshot.ts';
import type { PackState } from './pack-store.ts';
import type { TreeFile } from './tree.ts';
import { Writer } from './writer.ts';

const HISTORY_COUNT = 100;

export class Workspace {
  readonly #parts: WorkspaceParts;
  readonly #writer: Writer;
  readonly #state: FailureState;
  #isClosed = false;
  /** The last snapshot begun. */
  #exports: Promise<unknown> = Promise.resolve();

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
    checkOptions(options);
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
    const read = await this.#read(args.path);
    if (!read.ok) return read;
    const { content, base } = read;
    if (typeof content !== 'string') return refuseNotText(read.path, content.byteLength);
    return { ok: true, content, base };
  }

  /** A file as bytes, text or not. */
  async readBytes(args: { readonly path: string }, _call?: WorkspaceCall): Promise<ReadBytesResult> {
    const read = await this.#read(args.path);
    return read.ok ? { ok: true, bytes: bytesOf(read.content), base: read.base } : read;
  }

  /** Writes a whole file. `base` is what the writer read; without it the file must be new, or already be the same. */
  async writeFile(args: WriteArguments, call: WorkspaceCall): Promise<WriteFileResult> {
    this.#check();
    return await writeFile(this.#writer, args, call);
  }

  /** A file as a reviewer is shown it; null when there is none. */
  async look(args: LookArguments): Promise<FileLook | null> {
    this.#check();
    return await lookAtFile(this.#parts, args);
  }

  /** Adds lines at the end of a file, which is made when there is none. `content` gets lines of its own. */
  async appendFile(
    args: { readonly path: string; readonly content: string },
    call: WorkspaceCall,
  ): Promise<AppendFileResult> {
    this.#check();
    return await appendFile(this.#writer, args, call);
  }

  /**
   * Replaces one passage of what the file holds by now, whoever wrote the rest. NO_MATCH tells the nearest passage,
   * AMBIGUOUS where the matches are.
   */
  async editFile(args: EditArguments, call: WorkspaceCall): Promise<EditFileResult> {
    this.#check();
    return await editFile(this.#writer, args, call);
  }

  /** Removes a file that is still what the caller had read (`base`); else CONFLICT. Its history stays. */
  async removeFile(
    args: { readonly path: string; readonly base: string },
    call: WorkspaceCall,
  ): Promise<RemoveFileResult> {
    this.#check();
    return await removeFile(this.#writer, args, call);
  }

  /** Gives a file another name, whatever it holds by now. A name that is taken is EXISTS. */
  async moveFile(args: { readonly path: string; readonly to: string }, call: WorkspaceCall): Promise<MoveFileResult> {
    this.#check();
    return await moveFile(this.#writer, args, call);
  }

  /**
   * Writes the files of a commit (default: what is current) as copies into an empty directory.
   * @throws DISK when the directory cannot be written
   */
  async snapshot(args: SnapshotArguments): Promise<SnapshotResult> {
    this.#check();
    const run = this.#exports.then(
      () => this.#export(args),
      () => this.#export(args),
    );
    this.#exports = run;
    try {
      return await run;
    } catch (error) {
      throw asFailure(error);
    }
  }

  /**
   * Brings back what changed in a copy, each file by compare-and-swap on the `base` that the snapshot gave for it. After a
   * crash all accepted files are there, or none, and a repeat gets the first answer. That holds for each slice of 2,000
   * files or 32 MiB, when there are more: a repeat makes those that are missing. The contents are not to be changed before
   * the answer.
   */
  async applyChanges(args: { readonly changes: readonly FileChange[] }, call: WorkspaceCall): Promise<ApplyResult> {
    this.#check();
    return await applyChanges(this.#writer, args.changes, call, this.#parts.limits.applySlice);
  }

  /** Paths in order: all, or those that match a glob (as a shell reads it; `**` stands for directories). */
  async listFiles(args: { readonly glob?: string | undefined } = {}, _call?: WorkspaceCall): Promise<ListFilesResult> {
    this.#check();
    const { limits } = this.#parts;
    const found = this.#matching(args.glob);
    if (found === undefined) return BAD_GLOB;
    const files = found.map((entry) => entry.path);
    for (const entry of found) await entry.durable;
    return { ok: true, files: files.slice(0, limits.listCountMax), truncated: files.length > limits.listCountMax };
  }

  /**
   * Lines that have a text, in all files or those that match a glob. Case counts when the query has a capital letter. At
   * most 200 lines, or `limit`.
   */
  async searchFiles(
    args: { readonly query: string; readonly glob?: string | undefined; readonly limit?: number | undefined },
    _call?: WorkspaceCall,
  ): Promise<SearchFilesResult> {
    this.#check();
    const { query, limit = MATCHES_MAX } = args;
    const refusal = checkQuery(query);
    if (refusal !== undefined) return refusal;
    const entries = this.#matching(args.glob);
    if (entries === undefined) return BAD_GLOB;
    const { contents, clock } = this.#parts;
    return await searchFiles(query, {
      entries,
      matchesMax: limit,
      clock,
      read: (entry) => contents.look(entry.base, entry.kept),
    });
  }

  /** The commits that changed a file, also one that is gone, newest first, at most `limit` (default 100). Commits what is waiting first. */
  async history(args: { readonly path: string; readonly limit?: number | undefined }): Promise<HistoryResult> {
    const checked = checkPath(args.path);
    if (!checked.ok) return checked;
    await this.flush();
    const { repository, committer } = this.#parts;
    const limit = args.limit ?? HISTORY_COUNT;
    const versions = await fileHistory(repository, committer.head, checked.path, limit);
    return versions.length === 0 ? refuseMissing(checked.path) : { ok: true, versions };
  }

  /** Which commit each line of a text file comes from. Commits what is waiting first. */
  async blame(args: { readonly path: string }): Promise<BlameResult> {
    const checked = checkPath(args.path);
    if (!checked.ok) return checked;
    await this.flush();
    const { repository, committer, table } = this.#parts;
    const entry = table.get(checked.path);
    if (entry === undefined) return refuseMissing(checked.path);
    const lines = await blameFile(repository, committer.head, checked.path);
    return lines === undefined ? refuseNotText(checked.path, entry.size) : { ok: true, lines };
  }

  /** Resolves when everything written so far is in git. */
  async flush(): Promise<void> {
    this.#check();
    await this.#parts.committer.flush();
  }

  /**
   * Flushes, then makes the work tree equal HEAD. What others changed there meanwhile is moved aside and named.
   * The workspace may be used on. Where the session made many packs, stock git folds them, if it is there.
   */
  async finish(): Promise<FinishResult> {
    await this.flush();
    const { repository, committer, objects, clock, ahead } = this.#parts;
    const { commit, files } = await committer.snapshot();
    try {
      const isElsewhere = (await repository.headBranch()) !== this.branch;
      const theirs = isElsewhere ? await repository.headCommit() : null;
      if (isElsewhere) await repository.pointHead(this.branch);
      const { displaced } = await ahead.finish(files, theirs);
      return { commit, displaced, packs: await objects.fold(clock) };
    } catch (error) {
      throw asFailure(error);
    }
  }

  stats(): WorkspaceStats {
    const { commits, conflicts, merges } = this.#parts.committer.progress;
    const { table, committer } = this.#parts;
    return { files: table.ownCount, commits, conflicts, merges, backlog: committer.backlog };
  }

  /** The files that the run wrote, by path. */
  fileRows(): FileRow[] {
    return rowsOf(this.#parts.table);
  }

  /** Takes no more calls, finishes those under way, and puts everything into git. Leaves the work tree as it is. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { committer, objects, ahead } = this.#parts;
    await ahead.close();
    await this.#writer.idle();
    if (this.#state.error !== null) return;
    await committer.flush();
    await objects.joinAll();
  }

  /** Files in the order of their paths; undefined for a glob that cannot be used. */
  #matching(glob: string | undefined): FileEntry[] | undefined {
    const matches = glob === undefined || glob === '' ? (): boolean => true : compileGlob(glob);
    if (matches === undefined) return undefined;
    return [...this.#parts.table.entries()]
      .filter((entry) => entry.kind === 'file' && matches(entry.path))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
  }

  async #read(given: string): Promise<FileRead | PlainRefusal> {
    this.#check();
    const checked = checkPath(given);
    if (!checked.ok) return checked;
    const { path } = checked;
    const { table, contents, limits } = this.#parts;
    const entry = table.get(path);
    if (entry === undefined) return refuseMissing(path);
    const refusal = refuseSpecial(entry);
    if (refusal !== undefined) return refusal;
    const { base, kept } = entry;
    const content = contents.peek(base) ?? (await contents.read(base, kept));
    if (content === undefined) throw lost(entry);
    const bytes = byteLengthOf(content);
    if (bytes > limits.fileBytesMax) return refuseSize(path, bytes, limits.fileBytesMax);
    await entry.durable;
    return { ok: true, path, content, base };
  }

  async #export(args: SnapshotArguments): Promise<SnapshotResult> {
    const { repository, clock, contentAt } = this.#parts;
    const state = await this.#stateOf(args.commit);
    if (state === undefined) {
      return refuse('NOT_FOUND', `There is no commit ${args.commit}.`, 'Take one from the history.');
    }
    return await exportSnapshot(args, { ...state, workTree: repository.directory, clock, read: contentAt });
  }

  async #stateOf(
    commit: string | undefined,
  ): Promise<{ readonly commit: string | null; readonly files: readonly TreeFile[] } | undefined> {
    const { repository, committer } = this.#parts;
    if (commit === undefined) {
      await this.flush();
      return await committer.snapshot();
    }
    const facts = await repository.findCommit(commit);
    if (facts === undefined) return undefined;
    return { commit, files: [...(await repository.loadTree(facts.tree)).files()] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #check(): void {
    if (this.#state.error !== null) throw this.#state.error;
    if (this.#isClosed)
      throw new MegactorError('SYSTEM_STOPPED', 'the workspace is closed', { hint: 'Open it again.' });
  }
}

export interface FinishResult {
  /** What the work tree equals now; null before the first commit. */
  readonly commit: string | null;
  /** Paths whose content was not the run's, and was moved to `.git/megactor/displaced/`. */
  readonly displaced: readonly string[];
  /** Whether stock git folded the packs of this session; `no-git` and `failed` leave them as they are. */
  readonly packs: PackState;
}

interface FileRead {
  readonly ok: true;
  readonly path: string;
  readonly content: Content;
  readonly base: string;
}

const lost = (entry: FileEntry): MegactorError =>
  new MegactorError('JOURNAL_DAMAGED', `the content of ${entry.path} (${entry.base}) is gone`);
