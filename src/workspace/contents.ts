/**
 * Contents by blob id. Versions that git does not hold yet are pinned in memory; what was used lately is cached; the
 * rest is read from the store or from git. Overwritten versions that never got into a commit (two writes of one file in
 * one batch) are kept in the store, newest first, within limits, so that they can still be the base of a merge.
 *
 * Invariant: C1 every content that a commit holds, that is current, or that is among the kept overwritten ones, can be
 * read, also after a restart.
 */
import type { ServiceStore, StoreChange } from '../journal/shard-log.ts';
import { bytesOf, contentOf, type Content } from './content.ts';
import type { Repository } from './repository.ts';
import { KEY, RANGE_END, type OldOrderRecord, type VersionRecord } from './store-layout.ts';

/** Characters, or bytes, of unpinned contents held in memory. */
const CACHE_LENGTH_MAX = 16 * 1024 * 1024;
/** Bounds of the kept overwritten versions. */
const OLD_BYTES_MAX = 16 * 1024 * 1024;
const OLD_COUNT_MAX = 4_096;
/** At most so much is kept of one batch: a file that a hundred agents append to has a hundred overwritten versions. */
const OLD_BATCH_BYTES_MAX = 4 * 1024 * 1024;

export class Contents {
  readonly #store: ServiceStore;
  readonly #repository: Repository;
  readonly #pinned = new Map<string, { readonly content: Content; count: number }>();
  /** In order of use, the oldest first. */
  readonly #cache = new Map<string, Content>();
  #cacheLength = 0;
  /** Sequence → what is kept under it, the oldest first. */
  readonly #old = new Map<number, OldOrderRecord>();
  #oldBytes = 0;

  constructor(store: ServiceStore, repository: Repository) {
    this.#store = store;
    this.#repository = repository;
  }

  async open(): Promise<void> {
    for (const [key, value] of await this.#store.range(KEY.oldOrder(0), RANGE_END.oldOrder)) {
      const record = value as OldOrderRecord;
      this.#old.set(Number(key.slice(key.indexOf('/') + 1)), record);
      this.#oldBytes += record.bytes;
    }
  }

  /** Holds a content until it is unpinned as often as it was pinned. */
  pin(base: string, content: Content): void {
    const held = this.#pinned.get(base);
    if (held === undefined) this.#pinned.set(base, { content, count: 1 });
    else held.count += 1;
  }

  unpin(base: string): void {
    const held = this.#pinned.get(base);
    if (held === undefined) return;
    held.count -= 1;
    if (held.count > 0) return;
    this.#pinned.delete(base);
    this.#remember(base, held.content);
  }

  /** What is in memory. */
  peek(base: string): Content | undefined {
    const pinned = this.#pinned.get(base);
    if (pinned !== undefined) return pinned.content;
    const cached = this.#cache.get(base);
    if (cached !== undefined) {
      this.#cache.delete(base);
      this.#cache.set(base, cached);
    }
    return cached;
  }

  /**
   * What a blob holds, undefined when nobody has it.
   * @param kept the store's record with the whole content, when there is one
   */
  async read(base: string, kept: number | null = null): Promise<Content | undefined> {
    const content = await this.look(base, kept);
    if (content !== undefined) this.#remember(base, content);
    return content;
  }

  /** As `read`, without a place in the cache: for those who go through many files once. */
  async look(base: string, kept: number | null = null): Promise<Content | undefined> {
    return this.peek(base) ?? (await this.#fromStore(base, kept)) ?? (await this.#fromGit(base));
  }

  /** The text of a blob, undefined when nobody has it or it is not text. */
  async text(base: string, kept: number | null = null): Promise<string | undefined> {
    const content = await this.read(base, kept);
    return typeof content === 'string' ? content : undefined;
  }

  async bytes(base: string, kept: number | null = null): Promise<Buffer | undefined> {
    const content = await this.look(base, kept);
    return content === undefined ? undefined : bytesOf(content);
  }

  /** The changes that keep overwritten versions of a batch in the store, given oldest first, and drop the oldest. */
  keepOld(
    versions: readonly { readonly sequence: number; readonly base: string; readonly content: Content }[],
  ): StoreChange[] {
    const changes: StoreChange[] = [];
    let room = OLD_BATCH_BYTES_MAX;
    const taken = versions.toReversed().filter(({ content }) => {
      room -= content.length;
      return room >= 0;
    });
    for (const { sequence, base, content } of taken.toReversed()) {
      const record: OldOrderRecord = { base, bytes: content.length };
      this.#old.set(sequence, record);
      this.#oldBytes += record.bytes;
      changes.push({ key: KEY.old(base), value: content }, { key: KEY.oldOrder(sequence), value: record });
    }
    for (const [sequence, record] of this.#old) {
      if (this.#old.size <= OLD_COUNT_MAX && this.#oldBytes <= OLD_BYTES_MAX) break;
      this.#old.delete(sequence);
      this.#oldBytes -= record.bytes;
      changes.push({ key: KEY.old(record.base), value: undefined }, { key: KEY.oldOrder(sequence), value: undefined });
    }
    return changes;
  }

  async #fromStore(base: string, kept: number | null): Promise<Content | undefined> {
    if (kept !== null) {
      const record = (await this.#store.get(KEY.version(kept))) as VersionRecord | undefined;
      if (record?.kind === 'whole' && record.base === base) return record.content;
    }
    return (await this.#store.get(KEY.old(base))) as Content | undefined;
  }

  async #fromGit(base: string): Promise<Content | undefined> {
    const bytes = await this.#repository.readBlob(base);
    return bytes === undefined ? undefined : contentOf(bytes);
  }

  #remember(base: string, content: Content): void {
    if (this.#cache.has(base)) return;
    this.#cache.set(base, content);
    this.#cacheLength += content.length;
    for (const [oldest, text] of this.#cache) {
      if (this.#cacheLength <= CACHE_LENGTH_MAX) break;
      this.#cache.delete(oldest);
      this.#cacheLength -= text.length;
    }
  }
}
