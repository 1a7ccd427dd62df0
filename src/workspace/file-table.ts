/**
 * The current files of a workspace, in memory: the authority for what a path holds, since there is one owner. Changes
 * are applied here at once and in order; each gives the records that the store must commit before anybody is told.
 *
 * Invariants: F1 versions are numbered without gaps in the order of their changes. F2 no file has another file as its
 * directory. F3 the records given out, applied in order, describe the table exactly (`recovery.ts` reads them back).
 */
import type { StoreChange } from '../journal/shard-log.ts';
import type { Content } from './content.ts';
import { KEY, type FileRecord, type VersionRecord } from './store-layout.ts';
import { parentsOf } from './path-jail.ts';

/** What stands at a path. Links and submodules come only from a repository that was there before. */
export type FileKind = 'file' | 'link' | 'module';

export interface FileEntry {
  readonly path: string;
  readonly kind: FileKind;
  /** Written by this run; false for what the repository held before. */
  readonly own: boolean;
  /** Blob id of the content. */
  base: string;
  author: string;
  sequence: number;
  /** Bytes; −1 when unknown, for files that the run has not touched. */
  size: number;
  commit: string | null;
  kept: number | null;
  /** Resolves when the last version is in the store; null when it is. */
  durable: Promise<void> | null;
}

export type Change =
  | { readonly kind: 'whole' }
  /** `piece` was added to the version with blob id `prior`. */
  | { readonly kind: 'append'; readonly piece: string; readonly prior: string }
  /** The file was removed; `base` and `content` are empty. */
  | { readonly kind: 'gone' };

/** A change that leaves a file there. */
export type ContentChange = Exclude<Change, { readonly kind: 'gone' }>;

/** One version on its way into git. */
export interface Version {
  readonly sequence: number;
  readonly path: string;
  readonly base: string;
  readonly author: string;
  readonly content: Content;
  readonly size: number;
  readonly change: Change;
  /** The version of the same file before this one, whose record goes when git holds this one. */
  readonly replaced: number | null;
  /** Resolves when the version is in the store. */
  durable: Promise<void>;
  /** Belongs into one commit with the version before. */
  joined?: boolean;
}

export class FileTable {
  readonly #files = new Map<string, FileEntry>();
  /** Directory → how many files are anywhere below it. */
  readonly #directories = new Map<string, number>();
  #sequence = 0;
  #ownCount = 0;

  get sequence(): number {
    return this.#sequence;
  }

  /** Number of files that the run wrote. */
  get ownCount(): number {
    return this.#ownCount;
  }

  get(path: string): FileEntry | undefined {
    return this.#files.get(path);
  }

  entries(): IterableIterator<FileEntry> {
    return this.#files.values();
  }

  /** Never number a version `sequence` or below again. */
  observe(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** Adds what recovery or an import found. */
  add(entry: FileEntry): void {
    this.remove(entry.path);
    this.#files.set(entry.path, entry);
    if (entry.own) this.#ownCount += 1;
    for (const parent of parentsOf(entry.path)) this.#directories.set(parent, (this.#directories.get(parent) ?? 0) + 1);
    this.observe(entry.sequence);
  }

  remove(path: string): void {
    const entry = this.#files.get(path);
    if (entry === undefined) return;
    this.#files.delete(path);
    if (entry.own) this.#ownCount -= 1;
    for (const parent of parentsOf(path)) {
      const count = (this.#directories.get(parent) ?? 0) - 1;
      if (count > 0) this.#directories.set(parent, count);
      else this.#directories.delete(parent);
    }
  }

  /** What keeps a new file from being made at `path`: a file above it, or a directory of its name. */
  obstacle(path: string): { readonly path: string; readonly kind: FileKind | 'directory' } | undefined {
    for (const parent of parentsOf(path)) {
      const above = this.#files.get(parent);
      if (above !== undefined) return { path: parent, kind: above.kind };
    }
    return this.#directories.has(path) ? { path, kind: 'directory' } : undefined;
  }

  /** Removes a file for good. The caller sets `durable` of the version once the changes are on their way. */
  drop(path: string, author: string): { readonly version: Version; readonly changes: readonly StoreChange[] } {
    this.#sequence += 1;
    const before = this.#files.get(path);
    const replaced = before?.own === true ? before.sequence : null;
    this.remove(path);
    const fields = { path, base: '', author, replaced };
    return {
      version: {
        ...fields,
        sequence: this.#sequence,
        content: '',
        size: 0,
        change: { kind: 'gone' },
        durable: Promise.resolve(),
      },
      changes: [
        { key: KEY.version(this.#sequence), value: { kind: 'gone', ...fields } },
        { key: KEY.file(path), value: undefined },
      ],
    };
  }

  /** Makes a new version of a file. The caller sets `durable` of both once the changes are on their way. */
  put(fields: Pick<Version, 'path' | 'base' | 'author' | 'content' | 'size'> & { readonly change: ContentChange }): {
    readonly entry: FileEntry;
    readonly version: Version;
    readonly changes: readonly StoreChange[];
  } {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const { path, base, author, size, change } = fields;
    const before = this.#files.get(path);
    const kept = change.kind === 'whole' ? sequence : null;
    const entry: FileEntry = {
      path,
      kind: 'file',
      own: true,
      base,
      author,
      sequence,
      size,
      commit: null,
      kept,
      durable: null,
    };
    this.add(entry);
    // The record of the version before stays until git holds this one: an append stands on it.
    const replaced = before?.own === true ? before.sequence : null;
    const record: VersionRecord =
      change.kind === 'whole'
        ? { kind: 'whole', path, base, author, replaced, content: fields.content }
        : { kind: 'append', path, base, author, replaced, content: change.piece, prior: change.prior };
    return {
      entry,
      version: { sequence, ...fields, replaced, durable: Promise.resolve() },
      changes: [
        { key: KEY.version(sequence), value: record },
        { key: KEY.file(path), value: fileRecord(entry, null) },
      ],
    };
  }

  /**
   * Notes that a commit holds these versions (the last of each path, and those it overwrote).
   * @returns changes that leave in the store exactly one whole content per file that is current
   */
  committed(versions: readonly Version[], commit: string): StoreChange[] {
    const changes: StoreChange[] = [];
    const lastOf = new Map(versions.map((version) => [version.path, version]));
    for (const version of versions) {
      if (version.replaced !== null) changes.push({ key: KEY.version(version.replaced), value: undefined });
      if (version.change.kind === 'gone') changes.push({ key: KEY.version(version.sequence), value: undefined });
      const entry = this.#files.get(version.path);
      if (lastOf.get(version.path) !== version || entry?.sequence !== version.sequence) continue;
      if (version.change.kind === 'append') changes.push({ key: KEY.version(version.sequence), value: whole(version) });
      entry.commit = commit;
      entry.kept = version.sequence;
      changes.push({ key: KEY.file(version.path), value: fileRecord(entry, commit) });
    }
    return changes;
  }
}

const whole = (version: Version): VersionRecord => ({
  kind: 'whole',
  path: version.path,
  base: version.base,
  author: version.author,
  replaced: version.replaced,
  content: version.content,
});

export const fileRecord = (entry: FileEntry, commit: string | null): FileRecord => ({
  base: entry.base,
  author: entry.author,
  sequence: entry.sequence,
  size: entry.size,
  commit,
  kept: entry.kept,
});
