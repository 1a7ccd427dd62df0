/**
 * Writes the content of a journal into a new environment without what nobody needs any more. It decides what is kept,
 * and swaps nothing.
 *
 * Kept of a shard: a snapshot of every actor, mail that waits, one append with what is known of steps in progress, the
 * mark behind all of it, and the base for counts and hash. The snapshots are there twice, since those in `actors` are
 * replaced as the run goes on and a replay begins with those of the compaction. Kept of the stores: everything.
 */
import { encodeBase } from './base.ts';
import { decodeInboxRecord, encodeInboxRecord, encodeLogEntries, encodeLogRecord, openValue } from './codec.ts';
import { type LmdbReads, writeMetaInto } from './lmdb-backend.ts';
import { endKey, historyKey, openTables, rowKey } from './lmdb-tables.ts';
import { nameKey } from './backend.ts';
import type { ReadShard } from './reader.ts';
import { SeqSet } from './seq-set.ts';
import type { RecoveredActor, StepLogEntry } from './shard-log.ts';
import { encodeHistory, encodeMark, encodeName, encodeSnapshot } from './snapshot-codec.ts';
import { TableWriter } from './table-writer.ts';

/** Entries of a history in one chunk. */
const CHUNK_ENTRIES = 256;

/** Everything that is known of an actor's step in progress, as entries. */
const entriesOfBegun = ({ record, step, begun }: RecoveredActor): StepLogEntry[] => {
  if (begun === null) return [];
  const actor = record.id;
  const keys = [...begun.effects.keys(), ...begun.intents];
  const begins = keys.map((key): StepLogEntry => ({ kind: 'begin', actor, step, taken: begun.taken, key }));
  const effects = [...begun.effects].map(([key, result]): StepLogEntry => ({
    kind: 'effect',
    actor,
    step,
    key,
    result,
  }));
  return [...begins, ...effects];
};

const writeActor = async (writer: TableWriter, shard: number, actor: RecoveredActor): Promise<void> => {
  const { id, name } = actor.record;
  for (let first = 0; first < actor.history.length; first += CHUNK_ENTRIES) {
    const chunk = encodeHistory(shard, id, first, actor.history.slice(first, first + CHUNK_ENTRIES));
    await writer.put({ table: 'history', key: historyKey(shard, id, first), value: chunk });
  }
  const [, , row, , , timers] = encodeSnapshot(shard, { ...actor, history: [], historyBefore: actor.history.length });
  await writer.put({ table: 'actors', key: rowKey(shard, id), value: row });
  await writer.put({ table: 'origins', key: rowKey(shard, id), value: row });
  if (timers !== null) await writer.put({ table: 'timers', key: rowKey(shard, id), value: timers });
  if (name !== '') {
    const named = encodeName(shard, name, id);
    await writer.put({ table: 'names', key: nameKey(shard, name), value: named });
  }
};

/** The records of unconsumed mail, cut where consumed entries lie between. */
const writeInbox = async (writer: TableWriter, reads: LmdbReads, shard: number, unconsumed: SeqSet): Promise<void> => {
  for (const { first, bytes } of reads.inbox(shard)) {
    const { kinds, payloads } = decodeInboxRecord(shard, first, bytes);
    for (let from = 0; from < payloads.length; from += 1) {
      let to = from;
      while (to < payloads.length && unconsumed.has(first + to)) to += 1;
      if (to === from) continue;
      const firstSeq = first + from;
      const part = { firstSeq, kinds: kinds.slice(from, to), payloads: payloads.slice(from, to) };
      const record = encodeInboxRecord(shard, part);
      await writer.put({ table: 'inbox', key: rowKey(shard, firstSeq), value: record });
      from = to;
    }
  }
};

const writeShard = async (writer: TableWriter, reads: LmdbReads, shard: number, read: ReadShard): Promise<void> => {
  const { found, end } = read;
  for (const actor of found.actors) await writeActor(writer, shard, actor);
  const unconsumed = new SeqSet();
  for (const { seq } of found.deliveries) unconsumed.add(seq);
  await writeInbox(writer, reads, shard, unconsumed);
  const begun = found.actors.flatMap(entriesOfBegun);
  // Somebody began those steps, so there is at least one append whose place this one can take.
  const log = begun.length === 0 ? end.position : end.position - 1;
  if (begun.length > 0) {
    const append = [[], [], [], encodeLogEntries(begun), [], []] as const;
    const record = encodeLogRecord(shard, { firstPosition: log, appends: [append] });
    await writer.put({ table: 'log', key: rowKey(shard, log), value: record });
  }
  const ends = [
    ['inbox', end.inbox],
    ['log', end.position],
  ] as const;
  for (const [table, at] of ends) {
    const key = endKey(table, shard);
    await writer.put({ table: 'ends', key, value: at });
  }
  const { position, inbox, idMax, openTurns } = end;
  const count = { position, inboxNext: inbox, idMax, openTurns, unconsumed: unconsumed.runs() };
  const mark = encodeMark(shard, { mark: { log, inbox }, count, stops: [] });
  await writer.put({ table: 'marks', key: shard, value: mark });
  const base = encodeBase(shard, { ...end, log });
  await writer.put({ table: 'bases', key: shard, value: base });
};

const copyStores = async (writer: TableWriter, reads: LmdbReads): Promise<void> => {
  for (const table of ['values', 'results'] as const) {
    for (const [key, record] of reads.allOf(table)) {
      openValue(key, record);
      // What is read lies in the old environment's memory.
      const copy = Buffer.from(record);
      await writer.put({ table, key: Buffer.from(key), value: copy });
    }
  }
};

/** Writes all of `reads`, whose shards are given in order, into a new environment. @throws JOURNAL_DAMAGED */
export const writeCompacted = async (
  reads: LmdbReads,
  shards: Iterable<ReadShard>,
  directory: string,
): Promise<void> => {
  const tables = openTables(directory, false);
  try {
    const writer = new TableWriter(tables);
    let shard = 0;
    for (const read of shards) {
      await writeShard(writer, reads, shard, read);
      shard += 1;
    }
    await copyStores(writer, reads);
    await writer.end();
    await writeMetaInto(tables, { format: reads.meta?.format ?? 0, shards: shard });
  } finally {
    await tables.environment.close();
  }
};
