/**
 * The store of one shard: what survives a crash of the process. Every method that changes it is one transaction of this
 * store alone; nothing is common to two stores. It holds the shard's inbox and step log, the snapshots, the outbox for
 * every other shard, and how much has come from each of them. Who owns the shard is not its business.
 *
 * Invariants: T1 a method either finds everything good and changes the store, or throws and has changed nothing. T2 mail
 * for another shard is in the outbox from the transaction that sent it until the receiver's transaction that took it is
 * acknowledged (D1). T3 a sequence of a sender is taken once, and in order (D2, A2).
 */
import { MegactorError } from '../../protocol/errors.ts';
import { packData } from '../codec.ts';
import { marksOf } from '../client-shard-log.ts';
import type { ActorRecord, ActorSnapshot, Delivery, InboxEntry, SnapshotMark, StepLogEntry } from '../shard-log.ts';
import { entriesOf, type ShardRows, type StoredAppend, type StoredSnapshot } from './recovery.ts';
import { accept, OutPair, type Transfer } from './pair.ts';
import { decodeParcel, type PackedOutgoing, type Parcel } from './parcel.ts';

/** An append as its owner hands it over: a copy that nobody else holds. */
export interface PackedAppend {
  readonly entries: readonly StepLogEntry[];
  readonly packed: Uint8Array;
  readonly outgoing: readonly PackedOutgoing[];
}

/** The part of a store that sends: one outbox per receiver. */
export class Outboxes {
  readonly pairs = new Map<number, OutPair>();

  pair(to: number): OutPair {
    let pair = this.pairs.get(to);
    if (pair === undefined) {
      pair = new OutPair();
      this.pairs.set(to, pair);
    }
    return pair;
  }
}

/** A parcel of an inbox with its position. */
export interface Placed {
  readonly seq: number;
  readonly parcel: Parcel;
}

export class ShardStore implements ShardRows {
  readonly shard: number;
  readonly outboxes = new Outboxes();
  /** By sender: the sequence that is expected next. */
  readonly expected = new Map<number, number>();
  readonly snapshots = new Map<number, StoredSnapshot>();
  readonly histories = new Map<number, Uint8Array[]>();
  readonly spawns = new Map<number, { seq: number; record: ActorRecord }>();
  readonly waiting = new Map<number, Parcel>();
  readonly openTurns = new Set<number>();
  log: StoredAppend[] = [];
  idMax = 0;
  /** Position of the first append in `log`; those before it are in snapshots. */
  #logFirst = 0;
  #inboxNext = 0;
  /** Ids of actors that stopped, so that a second spawn is known. Grows with the run; a number each. */
  readonly #gone = new Set<number>();

  constructor(shard: number) {
    this.shard = shard;
  }

  /** The position of the next append. */
  get position(): number {
    return this.#logFirst + this.log.length;
  }

  /** The position of the next inbox entry. */
  get inboxNext(): number {
    return this.#inboxNext;
  }

  /** Unconsumed mail and signals plus open turns (J5). Mail in the outbox is counted by the journal. */
  get weight(): number {
    return this.waiting.size + this.openTurns.size;
  }

  /**
   * @returns what this put into the shard's own inbox
   * @throws JOURNAL_POSITION
   */
  append(position: number, { entries, packed, outgoing }: PackedAppend): Placed[] {
    const { taken, opened, closed } = marksOf(entries);
    this.#check(position, taken);
    for (const seq of taken) this.waiting.delete(seq);
    for (const actor of opened) this.openTurns.add(actor);
    for (const actor of closed) this.openTurns.delete(actor);
    const spawned = outgoing.flatMap(({ shard, entry }) => {
      if (entry.kind !== 'spawn') return [];
      const { id, name, parent } = entry.actor;
      this.idMax = Math.max(this.idMax, id);
      return parent?.shard === this.shard ? [{ parent: parent.id, child: { shard, id, name } }] : [];
    });
    this.log.push({ entries: packed, spawned });
    for (const entry of entries) {
      if ((entry.kind === 'step' || entry.kind === 'drop') && entry.stopped) this.#forget(entry.actor);
    }
    const own: Placed[] = [];
    for (const { shard, entry, parcel } of outgoing) {
      if (shard === this.shard) own.push(this.#receive(parcel, entry));
      else this.outboxes.pair(shard).add(parcel);
    }
    return own;
  }

  /** @param dedupe false: a deliberate defect @returns what the transfer put into the inbox */
  take(transfer: Transfer, dedupe = true): Placed[] {
    const expected = this.expected.get(transfer.from) ?? 0;
    const parcels = dedupe ? accept(expected, transfer) : transfer.parcels;
    this.expected.set(transfer.from, Math.max(expected, dedupe ? expected + parcels.length : endOf(transfer)));
    return parcels.map((parcel) => this.#receive(parcel, parcel.kind === 'spawn' ? decodeParcel(parcel) : null));
  }

  /**
   * Keeps snapshots, then moves the mark. History that a repeated snapshot brings again replaces what it had brought.
   * @param position that its owner believes the log to be at
   * @throws JOURNAL_POSITION, also for a mark that is ahead of the log, of the inbox or of the snapshots
   */
  snapshot(position: number, actors: readonly ActorSnapshot[], mark: SnapshotMark | null): void {
    this.#check(position, []);
    const kept = actors.filter(({ record }) => !this.#gone.has(record.id));
    for (const { record, historyBefore } of kept) {
      const saved = this.histories.get(record.id)?.length ?? 0;
      if (historyBefore > saved) throw this.#refused(`the history of ${record.name} has ${saved} entries`);
    }
    if (mark !== null) this.#checkMark(mark, new Map(kept.map((actor) => [actor.record.id, actor.step])));
    for (const { record, step, state, open, timers, children, history, historyBefore } of kept) {
      this.snapshots.set(record.id, { record, step, state: packData(state), open, timers, children });
      const before = this.histories.get(record.id)?.slice(0, historyBefore) ?? [];
      this.histories.set(record.id, [...before, ...history.map(packData)]);
    }
    if (mark === null) return;
    if (mark.log > this.#logFirst) {
      this.log = this.log.slice(mark.log - this.#logFirst);
      this.#logFirst = mark.log;
    }
    for (const [id, { seq }] of this.spawns) if (seq < mark.inbox) this.spawns.delete(id);
  }

  find(name: string): number | null {
    for (const [id, { record }] of this.snapshots) if (record.name === name) return id;
    return null;
  }

  /** @throws JOURNAL_DAMAGED when one of them is consumed, or never was */
  read(seqs: readonly number[]): Delivery[] {
    return seqs.map((seq) => {
      const parcel = this.waiting.get(seq);
      if (parcel === undefined) {
        throw new MegactorError('JOURNAL_DAMAGED', `shard ${this.shard} has no unconsumed mail at ${seq}`, {
          details: { shard: this.shard, seq },
        });
      }
      return { seq, entry: decodeParcel(parcel) };
    });
  }

  #receive(parcel: Parcel, entry: InboxEntry | null): Placed {
    const seq = this.#inboxNext;
    this.#inboxNext += 1;
    if (entry?.kind === 'spawn') {
      const { id } = entry.actor;
      this.idMax = Math.max(this.idMax, id);
      const known = this.#gone.has(id) || this.snapshots.has(id) || this.spawns.has(id);
      if (!known) this.spawns.set(id, { seq, record: entry.actor });
    } else {
      this.waiting.set(seq, parcel);
    }
    return { seq, parcel };
  }

  #forget(actor: number): void {
    this.snapshots.delete(actor);
    this.histories.delete(actor);
    this.spawns.delete(actor);
    this.#gone.add(actor);
  }

  #check(position: number, taken: readonly number[]): void {
    if (position !== this.position) {
      throw this.#refused(`it is at position ${this.position}, not at ${position}`);
    }
    for (const seq of taken) {
      if (!this.waiting.has(seq)) throw this.#refused(`there is no unconsumed mail at ${seq}`);
    }
    if (new Set(taken).size < taken.length) throw this.#refused('an append consumes one mail twice');
  }

  /** What the mark leaves behind must be in snapshots, since this store really forgets it. @param fresh steps by actor */
  #checkMark(mark: SnapshotMark, fresh: ReadonlyMap<number, number>): void {
    if (mark.log > this.position || mark.inbox > this.#inboxNext) {
      throw this.#refused(`a mark at ${mark.log}, ${mark.inbox} is ahead of ${this.position}, ${this.#inboxNext}`);
    }
    const stepOf = (id: number): number | undefined => fresh.get(id) ?? this.snapshots.get(id)?.step;
    for (const [id, { seq }] of this.spawns) {
      if (seq < mark.inbox && stepOf(id) === undefined) throw this.#refused(`actor ${id} has no snapshot`);
    }
    for (const append of this.log.slice(0, Math.max(0, mark.log - this.#logFirst))) {
      for (const entry of entriesOf(append)) {
        if (entry.kind === 'drop' || (!this.spawns.has(entry.actor) && !this.snapshots.has(entry.actor))) continue;
        const saved = stepOf(entry.actor) ?? 0;
        if (entry.step >= saved) throw this.#refused(`the snapshot of actor ${entry.actor} ends before ${entry.step}`);
      }
    }
  }

  #refused(why: string): MegactorError {
    return new MegactorError('JOURNAL_POSITION', `shard ${this.shard}: ${why}`, {
      details: { shard: this.shard, position: this.position },
    });
  }
}

const endOf = ({ first, parcels }: Transfer): number => first + parcels.length;
