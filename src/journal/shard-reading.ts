/**
 * What the journal's thread reads for the owner of a shard: what an opening finds, passive actors, mail that was let go.
 * It hands on packed bytes and decodes no actor and no mail; it checks no owner.
 */
import type { BackendReads, PositionedRecord } from './backend.ts';
import { damaged, decodeInboxRecord } from './codec.ts';
import { SeqSet } from './seq-set.ts';
import type { ServerPort } from './server-port.ts';
import { decodeName } from './snapshot-codec.ts';
import type { WireActor, WireOpening, WirePeek, WireRecord } from './wire.ts';

/** What an opening finds is sent in parts of about this size. */
const PART_BYTES = 1024 * 1024;

/** Gathers records into parts and sends them. */
class Parts {
  readonly #client: ServerPort;
  readonly #request: number;
  readonly #shard: number;
  #inbox: WireRecord[] = [];
  #log: WireRecord[] = [];
  #bytes = 0;

  constructor(client: ServerPort, request: number, shard: number) {
    this.#client = client;
    this.#request = request;
    this.#shard = shard;
  }

  add(table: 'inbox' | 'log', { first, bytes }: PositionedRecord): void {
    (table === 'inbox' ? this.#inbox : this.#log).push([first, bytes]);
    this.#bytes += bytes.length;
    if (this.#bytes >= PART_BYTES) this.send();
  }

  send(): void {
    this.#client.send(['recover', this.#request, this.#shard, this.#inbox, this.#log]);
    this.#client.flush();
    this.#inbox = [];
    this.#log = [];
    this.#bytes = 0;
  }
}

/** Records of the inbox from the mark on, and those before it that hold unconsumed mail. */
function* inboxOf(reads: BackendReads, shard: number, opening: WireOpening): Iterable<PositionedRecord> {
  const { inbox, inboxEnd } = opening;
  const unconsumed = new SeqSet();
  unconsumed.addRuns(opening.unconsumed);
  /** Up to here everything is sent. */
  let sent = 0;
  for (const seq of unconsumed.members()) {
    if (seq >= inbox) break;
    if (seq < sent) continue;
    const record = recordAt(reads, shard, seq);
    sent = record.first + decodeInboxRecord(shard, record.first, record.bytes).payloads.length;
    yield record;
  }
  // The record with the mark in it may be sent already.
  const next = Math.max(sent, inbox);
  for (const record of reads.inbox(shard, next)) {
    if (record.first >= inboxEnd) return;
    if (record.first >= sent) yield record;
  }
}

/** The inbox record that holds `seq`. @throws JOURNAL_DAMAGED when there is none */
const recordAt = (reads: BackendReads, shard: number, seq: number): PositionedRecord => {
  for (const record of reads.inbox(shard, seq)) {
    if (record.first <= seq) return record;
    break;
  }
  throw damaged(`inbox of shard ${shard} has nothing at position ${seq}`, { table: 'inbox', shard, position: seq });
};

/** @throws JOURNAL_DAMAGED */
export const sendOpening = (
  reads: BackendReads,
  client: ServerPort,
  request: number,
  shard: number,
  opening: WireOpening,
): void => {
  client.send(['opening', request, shard, opening]);
  const parts = new Parts(client, request, shard);
  for (const record of inboxOf(reads, shard, opening)) parts.add('inbox', record);
  for (const record of reads.log(shard, opening.log)) {
    if (record.first >= opening.position) break;
    parts.add('log', record);
  }
  parts.send();
  const timers = [...reads.timers(shard)].map(([id, bytes]): WireRecord => [id, bytes]);
  client.send(['opened', request, shard, reads.actorCount(shard), timers]);
};

/** What `sendOpening` sends, at once, for somebody who does not take the shard. @throws JOURNAL_DAMAGED */
export const readOpening = (reads: BackendReads, shard: number, opening: WireOpening): WirePeek => {
  const pack = ({ first, bytes }: PositionedRecord): WireRecord => [first, bytes];
  const log: WireRecord[] = [];
  for (const record of reads.log(shard, opening.log)) {
    if (record.first >= opening.position) break;
    log.push(pack(record));
  }
  return { opening, inbox: [...inboxOf(reads, shard, opening)].map(pack), log };
};

/** Those of `ids` that have a snapshot. */
export const readActors = (reads: BackendReads, shard: number, ids: Iterable<number>): WireActor[] => {
  const found: WireActor[] = [];
  for (const id of ids) {
    const row = reads.actor(shard, id);
    if (row !== undefined) found.push([id, row, reads.history(shard, id)]);
  }
  return found;
};

/** @throws JOURNAL_DAMAGED */
export const findActor = (reads: BackendReads, shard: number, name: string): number | null => {
  const record = reads.named(shard, name);
  const id = record === undefined ? null : decodeName(shard, name, record);
  return id === null || reads.actor(shard, id) === undefined ? null : id;
};

/** The packed entries at `seqs`. @throws JOURNAL_DAMAGED when one is not there */
export const readEntries = (reads: BackendReads, shard: number, seqs: readonly number[]): Uint8Array[] => {
  let first = 0;
  let payloads: readonly Uint8Array[] = [];
  return seqs.map((seq) => {
    if (seq < first || seq >= first + payloads.length) {
      const record = recordAt(reads, shard, seq);
      first = record.first;
      payloads = decodeInboxRecord(shard, first, record.bytes).payloads;
    }
    const payload = payloads[seq - first];
    if (payload !== undefined) return payload;
    throw damaged(`inbox of shard ${shard} has nothing at position ${seq}`, { table: 'inbox', shard, position: seq });
  });
};
