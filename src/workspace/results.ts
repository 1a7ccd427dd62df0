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

/** A row of the report. `commit` is null while the last version waits for its commit. */
export interface FileRow {
  readonly path: string;
  readonly commit: string | null;
  readonly author: string;
  readonly size: number;
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
