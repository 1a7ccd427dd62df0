/**
 * The journal of a run without durability: the same records in memory, gone with the process. A shard whose host died
 * still recovers from it. It keeps everything until it is closed: its only bound is the memory of the process.
 */
import type { Backend, BackendWrite, EndedRecord, StoreWrite } from './backend.ts';
import type { RecordTable } from './codec.ts';

/** Bytes as a map key; latin1 keeps the order of the bytes in the order of the strings. */
const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');

const push = (table: Map<number, EndedRecord[]>, record: EndedRecord): void => {
  const records = table.get(record.shard);
  if (records === undefined) table.set(record.shard, [record]);
  else records.push(record);
};

const change = (table: Map<string, StoreWrite>, write: StoreWrite): void => {
  if (write.value === null) table.delete(textOf(write.key));
  else table.set(textOf(write.key), write);
};

export class MemoryBackend implements Backend {
  readonly #inbox = new Map<number, EndedRecord[]>();
  readonly #log = new Map<number, EndedRecord[]>();
  readonly #values = new Map<string, StoreWrite>();
  readonly #results = new Map<string, StoreWrite>();

  write(group: BackendWrite, onCommitted: () => void, onFlushed: () => void): void {
    for (const record of group.inbox) push(this.#inbox, record);
    for (const record of group.log) push(this.#log, record);
    for (const write of group.values) change(this.#values, write);
    for (const write of group.results) change(this.#results, write);
    onCommitted();
    onFlushed();
  }

  inbox(shard: number, from = 0): Iterable<EndedRecord> {
    const records = this.#inbox.get(shard) ?? [];
    return records.filter((_, index) => (records[index + 1]?.first ?? Infinity) > from);
  }

  log(shard: number): Iterable<EndedRecord> {
    return this.#log.get(shard) ?? [];
  }

  end(table: RecordTable, shard: number): number {
    return (table === 'inbox' ? this.#inbox : this.#log).get(shard)?.at(-1)?.end ?? 0;
  }

  value(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key))?.value ?? undefined;
  }

  values(from: Uint8Array, to: Uint8Array): Iterable<readonly [Uint8Array, Uint8Array]> {
    const low = textOf(from);
    const high = textOf(to);
    return [...this.#values]
      .filter(([key]) => key >= low && key < high)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, write]) => [write.key, write.value ?? new Uint8Array()] as const);
  }

  result(key: Uint8Array): Uint8Array | undefined {
    return this.#results.get(textOf(key))?.value ?? undefined;
  }

  async close(): Promise<void> {
    this.#inbox.clear();
    this.#log.clear();
    this.#values.clear();
    this.#results.clear();
  }
}
