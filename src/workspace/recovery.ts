/**
 * What an opening finds: the files of the run from the store, the tree from git, and how to bring git to where the store
 * is. The store is right: versions that git lacks are committed again. Two cases where git has more: commits that a
 * person made on the branch while the run was not running are taken over; commits of a run whose store lost its last
 * moments (power failure) are followed by one that returns to what the store holds.
 *
 * Invariant: V1 after the recovery, and the settling of its plan, the branch holds exactly the store's files, a person's
 * commits, and what the repository held before.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import { asAuthor, parseMessage } from './commit-message.ts';
import { byteLengthOf, type Content } from './content.ts';
import type { CommitterStart } from './committer.ts';
import type { Contents } from './contents.ts';
import { fileRecord, FileTable, type FileEntry, type FileKind, type Version } from './file-table.ts';
import { MODE } from './git-objects.ts';
import type { CommitFacts, Repository } from './repository.ts';
import {
  KEY,
  RANGE_END,
  type FileRecord,
  type OriginRecord,
  type ProgressRecord,
  type VersionRecord,
} from './store-layout.ts';
import { Tree } from './tree.ts';

export interface Recovered {
  readonly table: FileTable;
  readonly start: CommitterStart;
  /** Versions that git lacks, in order; their contents are complete. */
  readonly pending: readonly Version[];
}

export interface RecoveryParts {
  readonly store: ServiceStore;
  readonly repository: Repository;
  readonly contents: Contents;
  readonly origin: OriginRecord;
  readonly runId: string;
}

/** Commits looked at before a history counts as damaged. */
const WALK_MAX = 100_000;
const NO_PROGRESS: ProgressRecord = { sequence: 0, commit: null, commits: 0, merges: 0, conflicts: 0 };

const kindOf = (mode: string): FileKind => (mode === MODE.link ? 'link' : mode === MODE.module ? 'module' : 'file');

/** How the branch relates to what the store knows of it. */
interface BranchState {
  readonly head: string | null;
  readonly facts: CommitFacts | null;
  /** The commit to take the tree from: the head, or an older one when git is ahead of the store. */
  readonly base: string | null;
  /** Commits of this run that the store does not know of. */
  readonly unknownCommits: number;
  /** The head is a person's commit, not seen before. */
  readonly byPerson: boolean;
  /** Numbers up to this one are used in the history. */
  readonly sequence: number;
}

const inspectBranch = async (
  parts: RecoveryParts,
  progress: ProgressRecord,
  sequenceMax: number,
): Promise<BranchState> => {
  const { repository, origin, runId } = parts;
  const head = await repository.branchCommit(origin.branch);
  const facts = head === null ? null : await repository.readCommit(head);
  const summaryOf = (of: CommitFacts): number | null => {
    const summary = parseMessage(of.message);
    return summary?.runId === runId ? summary.sequence : null;
  };
  const known = head === null || head === progress.commit || head === origin.commit;
  const sequence = facts === null ? 0 : (summaryOf(facts) ?? 0);
  const byPerson = facts !== null && !known && summaryOf(facts) === null;
  if (known || byPerson) return { head, facts, base: head, unknownCommits: 0, byPerson, sequence };
  let base: string | null = head;
  let unknownCommits = 0;
  for (let walked = 0; base !== null && base !== progress.commit && base !== origin.commit; walked += 1) {
    if (walked >= WALK_MAX)
      throw new MegactorError('JOURNAL_DAMAGED', `the history of ${origin.branch} has no beginning`);
    const commit: CommitFacts = await repository.readCommit(base);
    const reached = summaryOf(commit);
    // The newest commit that holds nothing beyond the store is where the tree comes from.
    if (reached === null || reached <= sequenceMax) break;
    base = commit.parents[0] ?? null;
    unknownCommits += 1;
  }
  return { head, facts, base, unknownCommits: Math.max(1, unknownCommits), byPerson: false, sequence };
};

/** The file entries that the store describes. */
const readFiles = async (store: ServiceStore): Promise<FileEntry[]> => {
  const entries: FileEntry[] = [];
  for (const [key, value] of await store.range(KEY.file(''), RANGE_END.file)) {
    const { base, author, sequence, size, commit, kept } = value as FileRecord;
    const path = key.slice(KEY.file('').length);
    entries.push({ path, kind: 'file', own: true, base, author, sequence, size, commit, kept, durable: null });
  }
  return entries;
};

/** The whole content of a version. */
const contentAfter = async (
  record: VersionRecord,
  known: (base: string) => Content | undefined,
  contents: Contents,
): Promise<Content> => {
  if (record.kind === 'gone') return '';
  if (record.kind === 'whole') return record.content;
  const prior = known(record.prior) ?? (await contents.text(record.prior, record.replaced));
  if (typeof prior === 'string') return prior + record.content;
  throw new MegactorError('JOURNAL_DAMAGED', `the content before an append to ${record.path} is gone`);
};

/** Versions after `progress`, with their contents put together. */
const readPending = async (parts: RecoveryParts, progress: ProgressRecord): Promise<Version[]> => {
  const versions: Version[] = [];
  const known = new Map<string, Content>();
  for (const [key, value] of await parts.store.range(KEY.version(progress.sequence + 1), RANGE_END.version)) {
    const record = value as VersionRecord;
    const { path, base, author, replaced } = record;
    const content = await contentAfter(record, (prior) => known.get(prior), parts.contents);
    if (record.kind !== 'gone') known.set(base, content);
    versions.push({
      sequence: Number(key.slice(key.indexOf('/') + 1)),
      path,
      base,
      author,
      content,
      replaced,
      size: byteLengthOf(content),
      change:
        record.kind === 'append'
          ? { kind: 'append', piece: record.content, prior: record.prior }
          : { kind: record.kind },
      durable: Promise.resolve(),
    });
  }
  return versions;
};

/** The version that puts back a file which git should have and has not. */
const restore = async (entry: FileEntry, contents: Contents): Promise<Version> => {
  const content = await contents.look(entry.base, entry.kept);
  if (content === undefined) throw new MegactorError('JOURNAL_DAMAGED', `the content of ${entry.path} is gone`);
  const { path, base, author, sequence, size } = entry;
  return {
    sequence,
    path,
    base,
    author,
    content,
    size,
    change: { kind: 'whole' },
    replaced: null,
    durable: Promise.resolve(),
  };
};

/** Takes over what a person's commit made of a file of the run. */
const adopt = async (
  entry: FileEntry,
  parts: RecoveryParts,
  table: FileTable,
  branch: BranchState,
  found: { readonly oid: string; readonly mode: string } | undefined,
): Promise<StoreChange[]> => {
  const changes: StoreChange[] = [{ key: KEY.version(entry.sequence), value: undefined }];
  if (found === undefined) {
    table.remove(entry.path);
    return [...changes, { key: KEY.file(entry.path), value: undefined }];
  }
  const size = (await parts.repository.readBlob(found.oid))?.length ?? -1;
  const adopted: FileEntry = {
    path: entry.path,
    kind: kindOf(found.mode),
    own: true,
    base: found.oid,
    size,
    kept: null,
    durable: null,
    author: asAuthor(branch.facts?.author ?? 'user'),
    sequence: table.sequence + 1,
    commit: branch.head,
  };
  table.add(adopted);
  return [...changes, { key: KEY.file(entry.path), value: fileRecord(adopted, branch.head) }];
};

export const recover = async (parts: RecoveryParts): Promise<Recovered> => {
  const { store, repository, contents } = parts;
  const progress = ((await store.get(KEY.progress)) as ProgressRecord | undefined) ?? NO_PROGRESS;
  const entries = await readFiles(store);
  const pending = await readPending(parts, progress);
  const table = new FileTable();
  table.observe(progress.sequence);
  for (const { sequence } of [...entries, ...pending]) table.observe(sequence);
  const branch = await inspectBranch(parts, progress, table.sequence);
  table.observe(branch.sequence);
  const baseFacts =
    branch.base === null || branch.base === branch.head ? branch.facts : await repository.readCommit(branch.base);
  const tree = branch.base === null || baseFacts === null ? Tree.empty() : await repository.loadTree(baseFacts.tree);
  const waiting = new Set(pending.map((version) => version.path));
  const restored: Version[] = [];
  const changes: StoreChange[] = [];
  for (const entry of entries) table.add(entry);
  for (const entry of entries) {
    const found = tree.get(entry.path);
    if (found?.oid === entry.base && found.mode === MODE.link) table.add({ ...entry, kind: 'link' });
    if (found?.oid === entry.base || waiting.has(entry.path)) continue;
    if (branch.byPerson) changes.push(...(await adopt(entry, parts, table, branch, found)));
    else restored.push(await restore(entry, contents));
  }
  for (const { path, mode, oid } of tree.files()) {
    if (table.get(path) !== undefined || waiting.has(path)) continue;
    const fields = { path, kind: kindOf(mode), own: false, base: oid, author: '', sequence: 0 };
    table.add({ ...fields, size: -1, commit: null, kept: null, durable: null });
  }
  if (changes.length > 0) await store.commit({ effectId: null, result: null, changes });
  return {
    table,
    start: {
      tree,
      head: branch.head,
      headTree: branch.facts?.tree ?? null,
      progress: { ...progress, commits: progress.commits + branch.unknownCommits },
    },
    pending: [...restored, ...pending],
  };
};
