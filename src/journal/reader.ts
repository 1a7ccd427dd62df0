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
import { decodeBase, type ShardBase } from './base.ts';
import { logHashOf, ShardHash } from './log-hash.ts';
import { originOf, type ShardOrigin, spawnsOf } from './origin.ts';
import type { ActorRecord, InboxEntry, Outgoing, RecoveredShard, StepLogEntry } from './shard-log.ts';
import { gap } from './shard-state.ts';
import { addCounts, type JournalCounts, NO_COUNTS, Tally } from './tally.ts';

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
  /** What the log of a shard begins with. @throws JOURNAL_DAMAGED */
  origin(shard: number): ShardOrigin;
  /** Whoever was spawned in a shard since its origin, in order; an id may come twice, the first counts. */
  spawns(shard: number): Iterable<ActorRecord>;
  /** The step log of a shard, in order, from its beginning or from where it was compacted. @throws JOURNAL_DAMAGED */
  appends(shard: number): Iterable<LoggedAppend>;
  /**
   * What arrived at `seq` in the inbox of `shard`, consumed or not; a compaction takes away what is consumed.
   * @throws JOURNAL_DAMAGED when nothing is there
   */
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

/** All that is read of a shard. */
export interface ReadShard {
  /** With all actors, none of them passive. */
  readonly found: RecoveredShard;
  readonly counts: Readonly<JournalCounts>;
  /** How much the records hold: appends of the step log, and inbox entries, consumed or not. */
  readonly held: { readonly appends: number; readonly inbox: number };
  /** What a compaction at the end of the shard would keep. */
  readonly end: Omit<ShardBase, 'log'>;
}

const foldOf = (shard: number, base: ShardBase): ShardFold =>
  new ShardFold(shard, { ...base, stopped: [], unconsumed: null });

/** @throws JOURNAL_DAMAGED */
export const readShard = (reads: BackendReads, shard: number): ReadShard => {
  const base = decodeBase(shard, reads.base(shard));
  const fold = foldOf(shard, base);
  for (const { first, bytes } of reads.inbox(shard)) fold.addInbox(first, bytes);
  const hash = new ShardHash(base.chains);
  const tally = new Tally(base.counts, base.begun);
  const lookup = new InboxLookup(reads);
  const nameOf = (actor: number): string => fold.names.get(actor) ?? base.names.get(actor) ?? '';
  const add = ({ position, entries, sent }: ReadAppend): void => {
    if (position < base.position) {
      hash.remember(entries);
      return;
    }
    for (const entry of entries) tally.add(entry);
    hash.add(entries, outgoingOf(lookup, sent), nameOf);
  };
  for (const { first, bytes } of reads.log(shard)) for (const append of fold.addLog(first, bytes)) add(append);
  if (fold.inboxNext !== reads.end('inbox', shard)) throw gap('inbox', shard, fold.inboxNext);
  if (fold.position !== reads.end('log', shard)) throw gap('log', shard, fold.position);
  const found = fold.finish(readActors(reads, shard, reads.actorIds(shard)));
  const { counts } = tally;
  counts.mail += fold.received.mail;
  counts.signals += fold.received.signals;
  counts.spawns += fold.received.spawns;
  return {
    found,
    counts: { ...counts, pending: found.deliveries.length + fold.openTurns.size },
    held: { appends: fold.position - base.log, inbox: fold.inboxRead },
    end: {
      position: fold.position,
      inbox: fold.inboxNext,
      idMax: found.idMax,
      openTurns: [...fold.openTurns],
      chains: hash.chains,
      counts,
      begun: tally.begun,
      names: new Map(found.actors.map(({ record }) => [record.id, record.name])),
    },
  };
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
  const base = decodeBase(shard, reads.base(shard));
  const fold = foldOf(shard, base);
  const lookup = new InboxLookup(reads);
  for (const { first, bytes } of reads.log(shard)) {
    for (const { position, entries, sent } of fold.addLog(first, bytes)) {
      if (position >= base.position) yield { position, entries, outgoing: outgoingOf(lookup, sent) };
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
  const { openLmdbReads } = await import('./open-reads.ts');
  const reads = await openLmdbReads(runDirectory);
  try {
    const shards = Array.from({ length: reads.meta?.shards ?? 0 }, (_, shard) => readShard(reads, shard));
    const lookup = new InboxLookup(reads);
    return {
      shards: shards.map(({ found }) => found),
      counts: shards.map(({ counts }) => counts).reduce(addCounts, NO_COUNTS),
      logHash: logHashOf(shards.map(({ end }) => end.chains)),
      store: (name) => storeReader(reads, name),
      origin: (shard) => originOf(reads, shard),
      spawns: (shard) => spawnsOf(reads, shard),
      appends: (shard) => appendsOf(reads, shard),
      inboxEntry: (shard, seq) => lookup.entry(shard, seq),
      close: () => reads.close(),
    };
  } catch (error) {
    await reads.close();
    throw error;
  }
};
