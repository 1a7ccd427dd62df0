/**
 * What the operations of a workspace take and answer. Everything is plain data, so that it can cross threads and become
 * the JSON result of a tool. An expected refusal is a value; an exception means that the workspace itself failed.
 */

/** Who acts, and under which effect id. A repeat of an effect id gets the first answer. */
export interface WorkspaceCall {
  /** `agent/step/key`, or null for a change that is never repeated. */
  readonly effectId: string | null;
  /** Name of the agent, or `user`: 1–128 characters, none of `,:<>` and no control characters. */
  readonly author: string;
}

/** One place where a write and the current content differ beyond what could be merged. Texts are joined lines. */
export interface Hunk {
  /** Line of the current content, from 1, at which the place begins. */
  readonly line: number;
  /** What the writer had read there; empty when there is no base. */
  readonly base: string;
  readonly current: string;
  readonly yours: string;
}

export type PlainRefusalCode = 'INVALID_ARGUMENTS' | 'NOT_FOUND' | 'NOT_ALLOWED' | 'BAD_PATH' | 'TOO_LARGE';

export interface PlainRefusal {
  readonly ok: false;
  readonly error: { readonly code: PlainRefusalCode; readonly message: string; readonly hint: string };
}

/** The file is not what the writer thought: merge by hand into `current`, then write again with `base`. */
export interface ClashRefusal {
  readonly ok: false;
  readonly error: {
    readonly code: 'CONFLICT' | 'EXISTS';
    readonly message: string;
    readonly hint: string;
    /** The whole current content. */
    readonly current: string;
    /** Blob id of `current`. */
    readonly base: string;
    readonly hunks: readonly Hunk[];
  };
}

/** `base` is the blob id of `content`, to be given to the write that follows the read. */
export type ReadFileResult = { readonly ok: true; readonly content: string; readonly base: string } | PlainRefusal;

/** `base` is the blob id after the write; `merged` says that it holds other people's changes as well. */
export type WriteFileResult =
  { readonly ok: true; readonly base: string; readonly merged: boolean } | PlainRefusal | ClashRefusal;

export type AppendFileResult = { readonly ok: true; readonly base: string } | PlainRefusal;

/** The passage that an edit most likely meant. */
export interface NearestPassage {
  /** From 1. */
  readonly line: number;
  /** As it stands in the file, at most 1,000 characters. */
  readonly text: string;
  /** How it differs from what was given, to follow the word "differs". */
  readonly differs: string;
}

/** The passage to replace is not in the file, or more than once. */
export interface EditRefusal {
  readonly ok: false;
  readonly error: {
    readonly code: 'NO_MATCH' | 'AMBIGUOUS';
    readonly message: string;
    readonly hint: string;
    /** For NO_MATCH; null when nothing is like it. */
    readonly nearest?: NearestPassage | null;
    /** For AMBIGUOUS: where the first 20 matches begin, from 1. */
    readonly lines?: readonly number[];
  };
}

export type EditFileResult = { readonly ok: true; readonly base: string } | PlainRefusal | EditRefusal;

/** A line with the text that was looked for, cut when it is long. `line` counts from 1. */
export interface FileMatch {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** In the order of paths and lines; `truncated` says that there may be more. Files that are not text have no lines. */
export type SearchFilesResult =
  { readonly ok: true; readonly matches: readonly FileMatch[]; readonly truncated: boolean } | PlainRefusal;

export type RemoveFileResult = { readonly ok: true } | PlainRefusal | ClashRefusal;

/** `base` is the blob id of the content under its new name. */
export type MoveFileResult = { readonly ok: true; readonly base: string } | PlainRefusal | ClashRefusal;

/** Bytes as they are; `base` as for `readFile`. */
export type ReadBytesResult = { readonly ok: true; readonly bytes: Uint8Array; readonly base: string } | PlainRefusal;

/** One file that somebody changed in a copy of the workspace. */
export interface FileChange {
  readonly path: string;
  /** Null: the file was removed. Bytes that are UTF-8 are text. */
  readonly content: string | Uint8Array | null;
  /** Blob id of what the copy held before; null when the file was not in the copy. */
  readonly base: string | null;
}

/**
 * What became of one change. `conflict`: somebody changed, made or removed the file meanwhile, in a way that cannot be
 * merged; what they did stands. `refused`: a path or size that no file may have. `base` is the blob id that the file has
 * now, null when it is not there.
 */
export interface AppliedFile {
  readonly path: string;
  readonly status: 'written' | 'merged' | 'removed' | 'unchanged' | 'conflict' | 'refused';
  readonly base: string | null;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** A row per change, in the order of paths. */
export interface ApplyResult {
  readonly ok: true;
  readonly files: readonly AppliedFile[];
}

/** One file of a snapshot. */
export interface SnapshotFile {
  readonly path: string;
  /** Blob id, to be given back as the `base` of a change. */
  readonly base: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * `commit` is the state that was exported (null: an empty workspace without a commit); `skipped` are symbolic links and
 * submodules, which snapshots leave out.
 */
export type SnapshotResult =
  | {
      readonly ok: true;
      readonly commit: string | null;
      readonly files: readonly SnapshotFile[];
      readonly bytes: number;
      readonly skipped: readonly string[];
    }
  | PlainRefusal;

/** `files` are paths in order; `truncated` says that there are more than the limit. */
export type ListFilesResult =
  { readonly ok: true; readonly files: readonly string[]; readonly truncated: boolean } | PlainRefusal;

/** One commit that changed a file, newest first. */
export interface FileVersion {
  readonly commit: string;
  readonly authors: readonly string[];
  /** ISO 8601, UTC. */
  readonly time: string;
}

export type HistoryResult = { readonly ok: true; readonly versions: readonly FileVersion[] } | PlainRefusal;

/** A line of a file, and the commit that it comes from. `line` counts from 1; carriage returns are kept in `text`. */
export interface BlamedLine extends FileVersion {
  readonly line: number;
  readonly text: string;
}

export type BlameResult = { readonly ok: true; readonly lines: readonly BlamedLine[] } | PlainRefusal;

/** A row of the report. `commit` is null while the last version waits for its commit. */
export interface FileRow {
  readonly path: string;
  readonly commit: string | null;
  readonly author: string;
  readonly size: number;
  /** Blob id of the content. */
  readonly base: string;
}

export interface WorkspaceStats {
  /** Files that the run wrote. */
  readonly files: number;
  /** Commits that the run made, earlier sessions of the run included. */
  readonly commits: number;
  /** Writes refused with CONFLICT or EXISTS. */
  readonly conflicts: number;
  /** Writes that were merged three ways. */
  readonly merges: number;
  /** Versions that git does not hold yet. */
  readonly backlog: number;
}

export const refuse = (code: PlainRefusalCode, message: string, hint: string): PlainRefusal => ({
  ok: false,
  error: { code, message, hint },
});

export const clash = (
  code: 'CONFLICT' | 'EXISTS',
  message: string,
  hint: string,
  found: { readonly current: string; readonly base: string; readonly hunks: readonly Hunk[] },
): ClashRefusal => ({ ok: false, error: { code, message, hint, ...found } });
