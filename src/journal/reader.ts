/**
 * Reads the journal of a run directory without taking part: from any process, while the run is live, finished or was
 * killed. It sees one state of the whole journal, that of the moment of opening; it writes nothing and needs no lease.
 */
import type { BackendReads } from './backend.ts';
import { keyInStore, storeKey } from './backend.ts';
import {
  damaged,
  decodeInboxEntry,
  decodeInboxRecord,
  type InboxRecord,
  openValue,
  SENT_FIELDS,
  unpack,
} from './codec.ts';
import { type ReadAppend, ShardFold } from './fold.ts';
import { readActors } from './shard-reading.ts';
import { logHashOf, ShardHash } from './log-hash.ts';
import type { InboxEntry, Outgoing, RecoveredShard, StepLogEntry } from './shard-log.ts';
import { gap } from './shard-state.ts';

/** How much of what is in a journal. */
export interface JournalCounts {
  /** Entries of the step logs. */
  entries: number;
  begins: number;
  effects: number;
  steps: number;
  drops: number;
  /** Begins of a key of a step that had been begun before: calls that a crash made again. */
  repeatedBegins: number;
  mail: number;
  signals: number;
  spawns: number;
  /** Unconsumed mail and signals plus open turns. */
  pending: number;
}

/** One append of a shard's step log, with what it sent. */
export interface LoggedAppend {
  readonly position: number;
  readonly entries: readonly StepLogEntry[];
  readonly outgoing: readonly Outgoing[];
}

export interface StoreReader {
  get(key: string): unknown;
  /** Entries with `from <= key < to`, in key order; without bounds, all. */
  range(from?: string, to?: string): (readonly [string, unknown])[];
  /** The kept result of an effect, or undefined. */
  result(effectId: string): { readonly result: unknown } | undefined;
}

export interface JournalReader {
  readonly shards: readonly RecoveredShard[];
  readonly counts: Readonly<JournalCounts>;
  /** See `log-hash.ts`. */
  readonly logHash: string;
  store(name: string): StoreReader;
  /** The step log of a shard from its beginning, in order. @throws JOURNAL_DAMAGED */
  appends(shard: number): Iterable<LoggedAppend>;
  /** What arrived at `seq` in the inbox of `shard`, consumed or not. @throws JOURNAL_DAMAGED when nothing did */
  inboxEntry(shard: number, seq: number): InboxEntry;
  close(): Promise<void>;
}

/** Finds inbox entries by position; keeps one decoded record per shard, since look-ups go forward. */
class InboxLookup {
  readonly #reads: BackendReads;
  readonly #records = new Map<number, InboxRecord>();

  constructor(reads: BackendReads) {
    this.#reads = reads;
  }

  entry(shard: number, seq: number): InboxEntry {
    const payload = this.#record(shard, seq)?.payloads[seq - (this.#records.get(shard)?.firstSeq ?? 0)];
    if (payload === undefined) {
      throw damaged(`inbox of shard ${shard} has nothing at position ${seq}`, { table: 'inbox', shard, position: seq });
    }
    return decodeInboxEntry(payload);
  }

  #record(shard: number, seq: number): InboxRecord | undefined {
    const kept = this.#records.get(shard);
    if (kept !== undefined && seq >= kept.firstSeq && seq < kept.firstSeq + kept.payloads.length) return kept;
    for (const { first, bytes } of this.#reads.inbox(shard, seq)) {
      const record = decodeInboxRecord(shard, first, bytes);
      this.#records.set(shard, record);
      return record;
    }
    return undefined;
  }
}

const outgoingOf = (lookup: InboxLookup, sent: readonly number[]): Outgoing[] => {
  const outgoing: Outgoing[] = [];
  for (let index = 0; index < sent.length; index += SENT_FIELDS) {
    const shard = sent[index] ?? 0;
    outgoing.push({ shard, entry: lookup.entry(shard, sent[index + 1] ?? 0) });
  }
  return outgoing;
};

/** The keys of a step that were begun and not answered, per actor. */
type BegunKeys = Map<number, { readonly step: number; readonly keys: Set<string> }>;

const countEntry = (counts: JournalCounts, begun: BegunKeys, entry: StepLogEntry): void => {
  counts.entries += 1;
  switch (entry.kind) {
    case 'begin': {
      counts.begins += 1;
      let known = begun.get(entry.actor);
      if (known?.step !== entry.step) {
        known = { step: entry.step, keys: new Set() };
        begun.set(entry.actor, known);
      }
      if (known.keys.has(entry.key)) counts.repeatedBegins += 1;
      known.keys.add(entry.key);
      return;
    }
    case 'effect':
      counts.effects += 1;
      return;
    case 'step':
      counts.steps += 1;
      return;
    case 'drop':
      counts.drops += 1;
      return;
    default:
      entry satisfies never;
  }
};

const readShard = (
  reads: BackendReads,
  shard: number,
  counts: JournalCounts,
): { readonly found: RecoveredShard; readonly digest: Buffer } => {
  const fold = new ShardFold(shard);
  for (const { first, bytes } of reads.inbox(shard)) fold.addInbox(first, bytes);
  const hash = new ShardHash();
  const lookup = new InboxLookup(reads);
  const begun: BegunKeys = new Map();
  const add = ({ entries, sent }: ReadAppend): void => {
    for (const entry of entries) countEntry(counts, begun, entry);
    hash.add(entries, outgoingOf(lookup, sent), (actor) => fold.names.get(actor) ?? '');
  };
  for (const { first, bytes } of reads.log(shard)) for (const append of fold.addLog(first, bytes)) add(append);
  if (fold.inboxNext !== reads.end('inbox', shard)) throw gap('inbox', shard, fold.inboxNext);
  if (fold.position !== reads.end('log', shard)) throw gap('log', shard, fold.position);
  const found = fold.finish(readActors(reads, shard, reads.actorIds(shard)));
  counts.mail += fold.received.mail;
  counts.signals += fold.received.signals;
  counts.spawns += fold.received.spawns;
  counts.pending += found.deliveries.length + fold.openTurns;
  return { found, digest: hash.digest() };
};

const storeReader = (reads: BackendReads, name: string): StoreReader => {
  const opened = (key: Uint8Array, record: Uint8Array | undefined): unknown =>
    record === undefined ? undefined : unpack(openValue(key, record));
  return {
    get: (key) => {
      const at = storeKey(name, key);
      return opened(at, reads.value(at));
    },
    range: (from = '', to) => {
      // The separator after the store's name is the smallest byte, so the next byte value ends the store.
      const end = to === undefined ? Buffer.from(`${name}\u0001`) : storeKey(name, to);
      return [...reads.values(storeKey(name, from), end)].map(
        ([key, record]) => [keyInStore(name, key), opened(key, record)] as const,
      );
    },
    result: (effectId) => {
      const at = storeKey(name, effectId);
      const record = reads.result(at);
      return record === undefined ? undefined : { result: opened(at, record) };
    },
  };
};

function* appendsOf(reads: BackendReads, shard: number): Iterable<LoggedAppend> {
  const fold = new ShardFold(shard);
  const lookup = new InboxLookup(reads);
  for (const { first, bytes } of reads.log(shard)) {
    for (const { position, entries, sent } of fold.addLog(first, bytes)) {
      yield { position, entries, outgoing: outgoingOf(lookup, sent) };
    }
  }
}

/**
 * Reads the journal of a run directory. Close the reader soon: while it is open, a live run cannot reuse the space of
 * what the reader sees.
 * @throws RUN_DIR_NOT_FOUND when there is none, RUN_FORMAT, JOURNAL_DAMAGED with shard and position, DISK
 */
export const readJournal = async (runDirectory: string): Promise<JournalReader> => {
  // Only who really reads needs the native store.
  const { openLmdbReads } = await import('./lmdb-backend.ts');
  const reads = await openLmdbReads(runDirectory);
  try {
    const counts: JournalCounts = {
      entries: 0,
      begins: 0,
      effects: 0,
      steps: 0,
      drops: 0,
      repeatedBegins: 0,
      mail: 0,
      signals: 0,
      spawns: 0,
      pending: 0,
    };
    const shards = Array.from({ length: reads.meta?.shards ?? 0 }, (_, shard) => readShard(reads, shard, counts));
    const lookup = new InboxLookup(reads);
    return {
      shards: shards.map(({ found }) => found),
      counts,
      logHash: logHashOf(shards.map(({ digest }) => digest)),
      store: (name) => storeReader(reads, name),
      appends: (shard) => appendsOf(reads, shard),
      inboxEntry: (shard, seq) => lookup.entry(shard, seq),
      close: () => reads.close(),
    };
  } catch (error) {
    await reads.close();
    throw error;
  }
};
