/**
 * What was found of snapshots in a damaged file: rows of actors in all versions that are left, chunks of histories, marks
 * and bases of shards. It is told what is intact, and decides nothing.
 *
 * Invariant: V4 Versions of a row are kept with the newest first, each once.
 */
import { rowKey } from '../lmdb-tables.ts';
import type { Located, LostRange } from './pages.ts';

/** The tables whose records say themselves what they are. */
export const SEALED_TABLES = ['inbox', 'log', 'actors', 'history', 'timers', 'names', 'marks', 'bases'] as const;
export type SealedTable = (typeof SEALED_TABLES)[number];

/** Older versions of a row than this many are of no use. */
const VERSIONS_MAX = 16;

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Where rows of a table may be missing: what the walk lost, and around every row that is not sound. */
export class Holes {
  readonly #ranges: LostRange[] = [];

  add(range: LostRange): void {
    this.#ranges.push(range);
  }

  holds(key: Buffer): boolean {
    return this.#ranges.some(
      ({ from, to }) => (from === null || key.compare(from) >= 0) && (to === null || key.compare(to) <= 0),
    );
  }
}

/** A row that was found, with what it says that it is. */
export interface FoundRow {
  readonly shard: number;
  readonly number: number;
  readonly rest: unknown;
  readonly row: Located;
  readonly checksum: number;
}

/** Versions of one row. */
class Versions {
  readonly rows: Located[] = [];
  readonly #checksums = new Set<number>();

  add({ row, checksum }: FoundRow): void {
    if (this.rows.length >= VERSIONS_MAX || this.#checksums.has(checksum)) return;
    this.#checksums.add(checksum);
    this.rows.push(row);
  }
}

const versionsIn = (map: Map<number, Versions>, key: number): Versions => {
  const known = map.get(key) ?? new Versions();
  map.set(key, known);
  return known;
};

export class SnapshotRows {
  /** Where rows of actors may be missing in the newest state. */
  readonly holes = new Holes();
  readonly #actors = new Map<number, Versions>();
  /** Those in the newest state, or where it cannot be read. */
  readonly #current = new Set<number>();
  readonly #ids = new Map<number, number[]>();
  readonly #history = new Map<number, Map<number, Located>>();
  readonly #marks = new Map<number, Versions>();
  readonly #bases = new Map<number, Versions>();
  readonly #origins = new Map<number, Map<number, Located>>();

  /** @param current found in the newest state, not among what is left of older ones */
  add(table: Exclude<SealedTable, 'inbox' | 'log'>, found: FoundRow, current: boolean): void {
    const { shard, number, rest, row } = found;
    const key = rowKey(shard, number);
    switch (table) {
      case 'actors':
        if (!this.#actors.has(key)) this.#idsOf(shard).push(number);
        if (current || this.holes.holds(row.key)) this.#current.add(key);
        versionsIn(this.#actors, key).add(found);
        return;
      case 'history': {
        const chunks = this.#history.get(key) ?? new Map<number, Located>();
        this.#history.set(key, chunks);
        if (isCount(rest) && !chunks.has(rest)) chunks.set(rest, row);
        return;
      }
      case 'marks':
        versionsIn(this.#marks, shard).add(found);
        return;
      case 'bases':
        versionsIn(this.#bases, shard).add(found);
        return;
      case 'timers':
      case 'names':
        // Both are made again from the rows of actors.
        return;
      default:
        table satisfies never;
    }
  }

  /** The snapshot that a compaction made of an actor; replays begin with it. */
  addOrigin(shard: number, id: number, row: Located): void {
    const origins = this.#origins.get(shard) ?? new Map<number, Located>();
    this.#origins.set(shard, origins);
    origins.set(id, row);
  }

  /** By id. */
  origins(shard: number): ReadonlyMap<number, Located> {
    return this.#origins.get(shard) ?? new Map();
  }

  #idsOf(shard: number): number[] {
    const ids = this.#ids.get(shard) ?? [];
    this.#ids.set(shard, ids);
    return ids;
  }

  /** Ids of the actors of a shard with any row. */
  ids(shard: number): readonly number[] {
    return this.#ids.get(shard) ?? [];
  }

  actor(shard: number, id: number): readonly Located[] {
    return this.#actors.get(rowKey(shard, id))?.rows ?? [];
  }

  /** Whether the newest state has a row of the actor, or may have had one. */
  isCurrent(shard: number, id: number): boolean {
    return this.#current.has(rowKey(shard, id));
  }

  /** By the index of their first entry. */
  chunks(shard: number, id: number): ReadonlyMap<number, Located> {
    return this.#history.get(rowKey(shard, id)) ?? new Map();
  }

  marks(shard: number): readonly Located[] {
    return this.#marks.get(shard)?.rows ?? [];
  }

  bases(shard: number): readonly Located[] {
    return this.#bases.get(shard)?.rows ?? [];
  }

  get isEmpty(): boolean {
    return this.#actors.size === 0;
  }
}
