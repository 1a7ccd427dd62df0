/**
 * Takes versions into git: those that arrive together become one commit, written as one pack. The store has each
 * version before git does, so git may be behind by a batch and never ahead.
 *
 * Invariants:
 * G1 A commit holds only versions that the store holds.
 * G2 The branch moves only to a commit whose objects are written (and synced, unless told otherwise).
 * G3 The records of a batch leave the store only after the branch holds it.
 * G4 The backlog is bounded: `reserve` waits while it is full.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import type { Clock, TimerHandle } from '../platform/index.ts';
import { COMMITTER, commitAuthor, formatMessage, type CommitSummary } from './commit-message.ts';
import type { Contents } from './contents.ts';
import type { FileTable, Version } from './file-table.ts';
import { blobObject, commitObject, type GitObject } from './git-objects.ts';
import type { ObjectSink } from './pack-store.ts';
import type { Repository } from './repository.ts';
import { KEY, type ProgressRecord } from './store-layout.ts';
import type { Tree, TreeFile } from './tree.ts';

export interface CommitterLimits {
  /** How long a version waits for company. */
  readonly commitDelayMs: number;
  /** A batch this large does not wait. */
  readonly batchCountMax: number;
  readonly batchBytesMax: number;
  /** Writers wait while more than this is not in git. */
  readonly backlogCountMax: number;
  readonly backlogBytesMax: number;
}

/** While git cannot keep up, commits get this many times larger: what a commit costs is mostly its syncs. */
const PRESSED = 4;

/** What a commit brought, for the event stream. */
export interface CommitInfo {
  readonly commit: string;
  readonly files: number;
  readonly authors: readonly string[];
}

export interface CommitterParts {
  readonly store: ServiceStore;
  readonly repository: Repository;
  readonly sink: ObjectSink;
  readonly table: FileTable;
  readonly contents: Contents;
  readonly clock: Clock;
  readonly limits: CommitterLimits;
  readonly branch: string;
  readonly runId: string;
  readonly onCommit: (info: CommitInfo) => void;
  /** Told of the paths that a commit may have changed. */
  readonly onPaths: (paths: Iterable<string>) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Where git stands when a committer begins. */
export interface CommitterStart {
  readonly tree: Tree;
  /** The commit that the branch is at, and the id of its tree. */
  readonly head: string | null;
  readonly headTree: string | null;
  readonly progress: ProgressRecord;
}

/** Versions of one commit and what follows from them. */
interface Batch {
  readonly versions: readonly Version[];
  readonly summary: CommitSummary;
}

export class Committer {
  readonly #parts: CommitterParts;
  readonly #tree: Tree;
  #head: string | null;
  #headTree: string | null;
  #progress: ProgressRecord;
  /** Not in git yet; the batch in work is at the front. */
  #pending: Version[] = [];
  #pendingBytes = 0;
  #timer: TimerHandle | null = null;
  #work: Promise<void> | null = null;
  /** Changes that have room and are not enqueued yet. */
  #reserved = 0;
  #waiting: (() => void)[] = [];
  #failure: { readonly error: unknown } | null = null;

  constructor(parts: CommitterParts, start: CommitterStart) {
    this.#parts = parts;
    this.#tree = start.tree;
    this.#head = start.head;
    this.#headTree = start.headTree;
    this.#progress = start.progress;
  }

  get head(): string | null {
    return this.#head;
  }

  /** Versions that git does not hold yet. */
  get backlog(): number {
    return this.#pending.length;
  }

  get progress(): ProgressRecord {
    return this.#progress;
  }

  /** The last commit and its files, when no batch is in work: waits for those that are. */
  async snapshot(): Promise<{ readonly commit: string | null; readonly files: readonly TreeFile[] }> {
    // A batch changes the tree before the branch moves, so the two agree only between batches.
    while (this.#work !== null) await this.#work;
    this.#check();
    return { commit: this.#head, files: [...this.#tree.files()] };
  }

  /** The file of the last commit at a path, or of the one that is being made. */
  fileAt(path: string): TreeFile | undefined {
    const leaf = this.#tree.get(path);
    return leaf === undefined ? undefined : { path, mode: leaf.mode, oid: leaf.oid };
  }

  /** Counts what was refused and merged; written down with the next batch. */
  count(kind: 'merges' | 'conflicts'): void {
    this.#progress = { ...this.#progress, [kind]: this.#progress[kind] + 1 };
  }

  /** Takes the versions of one change, which get into one commit. */
  enqueue(versions: readonly Version[]): void {
    if (versions.length === 0) return;
    for (const [index, version] of versions.entries()) {
      version.joined = index > 0;
      this.#pending.push(version);
      this.#pendingBytes += version.size;
      if (version.change.kind !== 'gone') this.#parts.contents.pin(version.base, version.content);
    }
    if (this.#work !== null) return;
    const { batchCountMax, batchBytesMax, commitDelayMs } = this.#parts.limits;
    if (this.#pending.length >= batchCountMax || this.#pendingBytes >= batchBytesMax) this.#start();
    else this.#timer ??= this.#parts.clock.after(commitDelayMs, () => this.#start());
  }

  /** Waits for room for one change and keeps it until it is given back. @throws what git failed with */
  async reserve(): Promise<() => void> {
    const { backlogCountMax, backlogBytesMax } = this.#parts.limits;
    for (;;) {
      this.#check();
      const count = this.#pending.length + this.#reserved;
      if (count < backlogCountMax && this.#pendingBytes < backlogBytesMax) break;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#reserved += 1;
    return () => {
      this.#reserved -= 1;
      this.#wake();
    };
  }

  /** Resolves when git holds every version enqueued so far. @throws what git or the store failed with */
  async flush(): Promise<void> {
    this.#check();
    const target = this.#pending.at(-1);
    if (target === undefined) return;
    do {
      this.#start();
      await this.#work;
      this.#check();
    } while (this.#pending.includes(target));
  }

  /** Makes the branch's tree what the tree in memory says, for recovery. */
  async settle(): Promise<void> {
    await this.#commit({ versions: [], summary: this.#summary([]) });
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #start(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#work !== null || this.#failure !== null) return;
    this.#work = this.#drain()
      .catch((error: unknown) => {
        this.#failure = { error };
        this.#parts.onFailure(error);
      })
      .finally(() => {
        this.#work = null;
        this.#wake();
      });
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const versions = this.#take();
      await Promise.all(versions.map((version) => version.durable));
      await this.#commit({ versions, summary: this.#summary(versions) });
      this.#pending.splice(0, versions.length);
      for (const version of versions) {
        this.#pendingBytes -= version.size;
        if (version.change.kind !== 'gone') this.#parts.contents.unpin(version.base);
      }
      this.#wake();
    }
  }

  #take(): Version[] {
    const { batchCountMax, batchBytesMax } = this.#parts.limits;
    const versions: Version[] = [];
    let bytes = 0;
    for (const version of this.#pending) {
      bytes += version.size;
      const isFull = versions.length >= batchCountMax * PRESSED || (versions.length > 0 && bytes > batchBytesMax);
      if (isFull && version.joined !== true) break;
      versions.push(version);
    }
    return versions;
  }

  #summary(versions: readonly Version[]): CommitSummary {
    const files = new Map<string, string[]>();
    let sequence = this.#progress.sequence;
    for (const version of versions) {
      sequence = Math.max(sequence, version.sequence);
      const authors = files.get(version.path);
      if (authors === undefined) files.set(version.path, [version.author]);
      else authors.push(version.author);
    }
    return { runId: this.#parts.runId, sequence, files };
  }

  async #commit({ versions, summary }: Batch): Promise<void> {
    const lastOf = new Map(versions.map((version) => [version.path, version]));
    const objects: GitObject[] = [];
    // Removals first: a file may have become a directory, or the other way round.
    for (const { path, change } of lastOf.values()) {
      if (change.kind === 'gone') this.#tree.remove(path);
    }
    for (const { path, base, content, change } of lastOf.values()) {
      if (change.kind === 'gone' || this.#tree.get(path)?.oid === base) continue;
      objects.push(blobObject(content));
      this.#tree.set(path, base);
    }
    // Where there is no commit and none is to be, nothing is stored: what the tree gave would count as stored all the same.
    const isNone = this.#headTree === null && versions.length === 0;
    const root = isNone ? null : this.#tree.write(objects);
    const isSame = root === this.#headTree;
    if (root !== null && !isSame) await this.#advance(root, objects, summary);
    // A version may bring nothing new: written before a crash, or written and taken back within the batch.
    const overwritten = versions.filter(
      (version) => lastOf.get(version.path) !== version && version.change.kind !== 'gone',
    );
    const changes = this.#parts.contents.keepOld(overwritten);
    if (this.#head !== null) changes.push(...this.#parts.table.committed(versions, this.#head));
    await this.#keepProgress({ sequence: summary.sequence, commit: this.#head }, changes);
    const authors = [...new Set(versions.map((version) => version.author))];
    if (!isSame && this.#head !== null) this.#parts.onCommit({ commit: this.#head, files: lastOf.size, authors });
    this.#parts.onPaths(lastOf.keys());
  }

  async #advance(root: string, objects: GitObject[], summary: CommitSummary): Promise<void> {
    const commit = commitObject({
      tree: root,
      parents: this.#head === null ? [] : [this.#head],
      author: commitAuthor(summary),
      committer: COMMITTER,
      timeSeconds: Math.max(0, Math.floor(this.#parts.clock.now() / 1000)),
      message: formatMessage(summary),
    });
    await this.#parts.sink.write([...objects, commit]);
    await this.#parts.repository.moveBranch(this.#parts.branch, this.#head, commit.oid);
    this.#head = commit.oid;
    this.#headTree = root;
    this.#progress = { ...this.#progress, commits: this.#progress.commits + 1 };
  }

  async #keepProgress(reached: Pick<ProgressRecord, 'sequence' | 'commit'>, changes: StoreChange[]): Promise<void> {
    this.#progress = { ...this.#progress, ...reached };
    await this.#parts.store.commit({
      effectId: null,
      result: null,
      changes: [...changes, { key: KEY.progress, value: this.#progress }],
    });
  }
}
