/**
 * The journal of a run without durability: the same records in memory, gone with the process. A shard whose host died
 * still recovers from it. It keeps everything until it is closed: its only bound is the memory of the process.
 */
import { type Backend, type BackendWrite, type EndedRecord, nameKey, type StoreWrite } from './backend.ts';
import type { RecordTable } from './codec.ts';
import { decodeName, encodeName, type HistoryChunk, type SnapshotWire } from './snapshot-codec.ts';

/** Bytes as a map key; latin1 keeps the order of the bytes in the order of the strings. */
const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');

const push = (table: Map<number, EndedRecord[]>, record: EndedRecord): void => {
  const records = table.get(record.shard);
  if (records === undefined) table.set(record.shard, [record]);
  else records.push(record);
};

/** Those from the one that holds `from`, found by halving: they are in order. */
const recordsFrom = (records: readonly EndedRecord[], from: number): readonly EndedRecord[] => {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.end ?? 0) <= from) low = middle + 1;
    else high = middle;
  }
  return records.slice(low);
};

const change = (table: Map<string, StoreWrite>, write: StoreWrite): void => {
  if (write.value === null) table.delete(textOf(write.key));
  else table.set(textOf(write.key), write);
};

interface StoredActor {
  readonly snapshot: SnapshotWire;
  /** By position of their first entry. */
  readonly history: Map<number, Uint8Array>;
}

export class MemoryBackend implements Backend {
  readonly #inbox = new Map<number, EndedRecord[]>();
  readonly #log = new Map<number, EndedRecord[]>();
  readonly #values = new Map<string, StoreWrite>();
  readonly #results = new Map<string, StoreWrite>();
  readonly #actors = new Map<number, Map<number, StoredActor>>();
  readonly #names = new Map<string, Uint8Array>();
  readonly #marks = new Map<number, Uint8Array>();

  write(group: BackendWrite, onCommitted: () => void, onFlushed: () => void): void {
    for (const record of group.inbox) push(this.#inbox, record);
    for (const record of group.log) push(this.#log, record);
    for (const write of group.values) change(this.#values, write);
    for (const write of group.results) change(this.#results, write);
    for (const { shard, snapshot } of group.snapshots) this.#keep(shard, snapshot);
    for (const [shard, id] of group.stopped) this.#forget(shard, id);
    for (const { shard, bytes } of group.marks) this.#marks.set(shard, bytes);
    onCommitted();
    onFlushed();
  }

  inbox(shard: number, from = 0): Iterable<EndedRecord> {
    return recordsFrom(this.#inbox.get(shard) ?? [], from);
  }

  log(shard: number, from = 0): Iterable<EndedRecord> {
    return recordsFrom(this.#log.get(shard) ?? [], from);
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

  actor(shard: number, id: number): Uint8Array | undefined {
    return this.#actors.get(shard)?.get(id)?.snapshot[2];
  }

  actorIds(shard: number): Iterable<number> {
    return [...(this.#actors.get(shard)?.keys() ?? [])].sort((left, right) => left - right);
  }

  actorCount(shard: number): number {
    return this.#actors.get(shard)?.size ?? 0;
  }

  history(shard: number, id: number): HistoryChunk[] {
    const chunks = [...(this.#actors.get(shard)?.get(id)?.history ?? [])];
    return chunks.sort(([left], [right]) => left - right);
  }

  *timers(shard: number): Iterable<readonly [number, Uint8Array]> {
    for (const [id, { snapshot }] of this.#actors.get(shard) ?? []) {
      const timers = snapshot[5];
      if (timers !== null) yield [id, timers];
    }
  }

  named(shard: number, name: string): Uint8Array | undefined {
    return this.#names.get(textOf(nameKey(shard, name)));
  }

  mark(shard: number): Uint8Array | undefined {
    return this.#marks.get(shard);
  }

  /** Memory is never compacted. */
  base(): undefined {
    return undefined;
  }

  #keep(shard: number, snapshot: SnapshotWire): void {
    const [id, name, , historyFirst, chunk] = snapshot;
    let actors = this.#actors.get(shard);
    if (actors === undefined) {
      actors = new Map();
      this.#actors.set(shard, actors);
    }
    const history = actors.get(id)?.history ?? new Map<number, Uint8Array>();
    if (chunk !== null) history.set(historyFirst, chunk);
    actors.set(id, { snapshot, history });
    if (name !== '') this.#names.set(textOf(nameKey(shard, name)), encodeName(shard, name, id));
  }

  #forget(shard: number, id: number): void {
    const name = this.#actors.get(shard)?.get(id)?.snapshot[1];
    if (name === undefined) return;
    this.#actors.get(shard)?.delete(id);
    const record = this.named(shard, name);
    if (record !== undefined && decodeName(shard, name, record) === id)
      this.#names.delete(textOf(nameKey(shard, name)));
  }

  async close(): Promise<void> {
    this.#inbox.clear();
    this.#log.clear();
    this.#values.clear();
    this.#results.clear();
    this.#actors.clear();
    this.#names.clear();
    this.#marks.clear();
  }
}
