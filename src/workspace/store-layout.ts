/**
 * How a workspace uses its `ServiceStore`: keys and records.
 *
 *     meta/origin        which branch of which kind of repository this is
 *     meta/progress      how far git has come
 *     file/PATH          the current version of a file, without its content
 *     v/SEQUENCE         the content of a version: every one that git lacks, and the current one of each file
 *     old/BLOB           contents of overwritten versions that no commit holds, as bases for merges (bounded)
 *     oldorder/SEQUENCE  their order and sizes
 */
import type { Content } from './content.ts';

export interface OriginRecord {
  /** `fresh`: the workspace made the repository. */
  readonly kind: 'fresh' | 'existing';
  readonly branch: string;
  /** The commit that the branch began at; null for a repository without commits. */
  readonly commit: string | null;
}

export interface ProgressRecord {
  /** Git holds every version up to this one. */
  readonly sequence: number;
  /** The commit that holds them. */
  readonly commit: string | null;
  readonly commits: number;
  readonly merges: number;
  readonly conflicts: number;
}

export interface FileRecord {
  /** Blob id of the content. */
  readonly base: string;
  readonly author: string;
  readonly sequence: number;
  readonly size: number;
  /** The commit that holds this version; null when it has none yet, or got it as the last thing before a crash. */
  readonly commit: string | null;
  /** The `v/` record with the whole content; null when git or a chain of appends has it. */
  readonly kept: number | null;
}

interface VersionFields {
  readonly path: string;
  readonly base: string;
  readonly author: string;
  /** The version of the file before this one, if the run made it. */
  readonly replaced: number | null;
}

/** An append holds only what was added to the version with blob id `prior`. */
export type VersionRecord =
  | (VersionFields & { readonly kind: 'whole'; readonly content: Content })
  /** The file was removed; `base` is empty. */
  | (VersionFields & { readonly kind: 'gone' })
  | (VersionFields & { readonly kind: 'append'; readonly content: string; readonly prior: string });

export interface OldOrderRecord {
  readonly base: string;
  readonly bytes: number;
}

const padded = (sequence: number): string => String(sequence).padStart(14, '0');

export const KEY = {
  origin: 'meta/origin',
  progress: 'meta/progress',
  file: (path: string): string => `file/${path}`,
  version: (sequence: number): string => `v/${padded(sequence)}`,
  old: (base: string): string => `old/${base}`,
  oldOrder: (sequence: number): string => `oldorder/${padded(sequence)}`,
} as const;

/** Ends of ranges: the prefix with its slash counted up. */
export const RANGE_END = { file: 'file0', version: 'v0', oldOrder: 'oldorder0' } as const;
