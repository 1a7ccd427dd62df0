/**
 * Writes rows into a new environment in transactions of bounded size. What is written is up to others.
 *
 * Why groups in a `batch`, and one at a time: with puts that are not awaited, several transactions are under way, and
 * lmdb-js (3.5) then reports a flush while its thread still writes the next one. Closing the environment upon that ends
 * the process (SIGSEGV).
 */
import type { Database } from 'lmdb';
import type { NewRow } from './backend.ts';
import { endRecord } from './lmdb-backend.ts';
import type { Tables } from './lmdb-tables.ts';

const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** What a row costs beside its value. */
const ROW_BYTES = 64;

export class TableWriter {
  readonly #tables: Tables;
  #group: NewRow[] = [];
  #bytes = 0;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** The bytes of keys and values must stay as they are until the next `end`. @throws what a write failed with */
  async put(row: NewRow): Promise<void> {
    this.#group.push(row);
    this.#bytes += ROW_BYTES + (row.value instanceof Uint8Array ? row.value.length : 0);
    if (this.#bytes >= GROUP_BYTES_MAX) await this.end();
  }

  /** Resolves when everything is on disk. @throws what a write failed with */
  async end(): Promise<void> {
    const group = this.#group;
    if (group.length === 0) return;
    this.#group = [];
    this.#bytes = 0;
    const { environment } = this.#tables;
    const committed = environment.batch(() => {
      for (const row of group) this.#change(row);
    });
    // It must be asked for in this turn.
    const flushed = Promise.resolve(environment.flushed);
    await committed;
    await flushed;
  }

  #change({ table, key, value }: NewRow): void {
    // The types of keys differ from table to table, and every row comes with the right one.
    const rows = this.#tables[table] as Database<Uint8Array, number | Uint8Array>;
    if (value === null) void rows.remove(key);
    else void rows.put(key, typeof value === 'number' ? endRecord(key as number, value) : value);
  }
}
