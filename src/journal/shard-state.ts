/**
 * What the journal's thread keeps in memory of one shard: who owns it, where its two sequences stand, which mail is not
 * consumed, which turns are open, and how far its snapshots reach. Every rule about what may be appended is here; it
 * writes nothing itself.
 *
 * Invariants: S1 `check` either finds a whole append good and nothing has changed, or throws and nothing has changed.
 * S2 `weight` is unconsumed mail and signals plus open turns, before and after a restart alike (J5). S3 a mark never moves
 * backwards.
 */
import { MegactorError } from '../protocol/errors.ts';
import type { BackendReads } from './backend.ts';
import {
  damaged,
  decodeInboxRecord,
  decodeLogRecord,
  type EntryKind,
  SENT_FIELDS,
  SPAWN,
  spawnIdOf,
  type StoredAppend,
} from './codec.ts';
import { SeqSet } from './seq-set.ts';
import type { SnapshotMark, StepEntry } from './shard-log.ts';
import { decodeMark, type MarkRecord, type ShardCount } from './snapshot-codec.ts';
import type { WireOpening } from './wire.ts';

/** The marks of an append: what it does to the shard's counts. */
export interface AppendMarks {
  readonly taken: readonly number[];
  readonly opened: readonly number[];
  readonly closed: readonly number[];
  /** Actors that it ended. */
  readonly stopped: readonly number[];
}

/** An actor that stopped: where the log says so (−1: before the last mark), and where the inbox stood at that time. */
interface Stopped {
  readonly id: number;
  readonly position: number;
  readonly before: number;
}

/** One opening of a shard by one client. */
export interface Opening<Port> {
  readonly port: Port;
  readonly epoch: number;
  /** Entries from here on are delivered; those before are part of what the opening found. */
  readonly deliverFrom: number;
}

export class ShardState<Port> {
  readonly shard: number;
  /** Grows with every opening; an append of an older one is fenced. */
  epoch = 0;
  owner: Opening<Port> | null = null;
  /** Number of appends: the position of the next. */
  position = 0;
  /** Number of inbox entries: the position of the next. */
  inboxNext = 0;
  /** The largest actor id that came to the inbox or was spawned by an append. */
  idMax = 0;
  #incarnation = 0;
  readonly #unconsumed = new SeqSet();
  readonly #openTurns = new Set<number>();
  #mark: SnapshotMark = { log: 0, inbox: 0 };
  /** Since the mark; and those before it whose spawn the inbox may hold beyond the mark, where it would look alive. */
  #stopped: Stopped[] = [];

  constructor(shard: number) {
    this.shard = shard;
  }

  get weight(): number {
    return this.#unconsumed.size + this.#openTurns.size;
  }

  /** @throws JOURNAL_FENCED when a later life of whoever opens has been here: the request was long on its way */
  open(port: Port, incarnation = 0): Opening<Port> {
    if (incarnation < this.#incarnation) {
      const words = `shard ${this.shard} was taken over by a later life of its host (${this.#incarnation})`;
      throw new MegactorError('JOURNAL_FENCED', words, { details: { shard: this.shard, epoch: this.epoch } });
    }
    this.#incarnation = incarnation;
    this.epoch += 1;
    this.owner = { port, epoch: this.epoch, deliverFrom: this.inboxNext };
    return this.owner;
  }

  /** @throws JOURNAL_FENCED when `port` does not own the shard under `epoch` */
  checkOwner(port: Port, epoch: number): void {
    if (this.owner === null || this.owner.port !== port || this.epoch !== epoch) {
      throw new MegactorError(
        'JOURNAL_FENCED',
        `shard ${this.shard} was taken over (epoch ${this.epoch}, not ${epoch})`,
        {
          details: { shard: this.shard, epoch: this.epoch },
        },
      );
    }
  }

  /** @throws JOURNAL_FENCED, JOURNAL_POSITION */
  check(port: Port, epoch: number, position: number, taken: readonly number[]): void {
    this.checkOwner(port, epoch);
    if (position !== this.position) {
      throw new MegactorError(
        'JOURNAL_POSITION',
        `shard ${this.shard} is at position ${this.position}, the append was meant for ${position}`,
        { details: { shard: this.shard, position: this.position } },
      );
    }
    const seen = taken.length > 1 ? new Set<number>() : null;
    for (const seq of taken) {
      if (!this.#unconsumed.has(seq) || seen?.has(seq) === true) {
        throw new MegactorError('JOURNAL_POSITION', `shard ${this.shard} has no unconsumed mail at ${seq}`, {
          details: { shard: this.shard, seq },
        });
      }
      seen?.add(seq);
    }
  }

  /** Applies an append that was checked. */
  apply(marks: AppendMarks): void {
    this.position += 1;
    for (const seq of marks.taken) this.#unconsumed.delete(seq);
    for (const actor of marks.opened) this.#openTurns.add(actor);
    for (const actor of marks.closed) this.#openTurns.delete(actor);
    for (const id of marks.stopped) this.#stopped.push({ id, position: this.position - 1, before: this.inboxNext });
  }

  /** Takes the next place in the inbox. @param spawnId the id of the actor if it is a spawn */
  receive(kind: EntryKind, spawnId: number): number {
    const seq = this.inboxNext;
    this.inboxNext += 1;
    if (kind === SPAWN) this.observe(spawnId);
    else this.#unconsumed.add(seq);
    return seq;
  }

  /** An id that was used, here or by an append of this shard. */
  observe(id: number): void {
    if (id > this.idMax) this.idMax = id;
  }

  /** @throws JOURNAL_DAMAGED */
  checkUnconsumed(seqs: readonly number[]): void {
    for (const seq of seqs) {
      if (this.#unconsumed.has(seq)) continue;
      const where = { table: 'inbox', shard: this.shard, position: seq };
      throw damaged(`shard ${this.shard} has no unconsumed mail at ${seq}`, where);
    }
  }

  /** @throws JOURNAL_POSITION when the mark is beyond what is there */
  checkMark(mark: SnapshotMark): void {
    const { log, inbox } = mark;
    const sound = Number.isInteger(log) && Number.isInteger(inbox) && log >= 0 && inbox >= 0;
    if (sound && log <= this.position && inbox <= this.inboxNext) return;
    throw new MegactorError(
      'JOURNAL_POSITION',
      `shard ${this.shard} ends at ${this.position} and ${this.inboxNext}, its mark cannot be at ${log} and ${inbox}`,
      { details: { shard: this.shard, position: this.position, inbox: this.inboxNext } },
    );
  }

  /** Moves the mark forward, as far as it is not there yet. @returns what is to be kept of it */
  moveMark(mark: SnapshotMark): MarkRecord {
    const log = Math.max(mark.log, this.#mark.log);
    const inbox = Math.max(mark.inbox, this.#mark.inbox);
    this.#mark = { log, inbox };
    this.#stopped = this.#stopped.filter(({ position, before }) => position >= log || before > inbox);
    const stops = this.#stopped.filter(({ position }) => position < log).map(({ id, before }) => [id, before] as const);
    return { mark: this.#mark, count: this.#count(), stops };
  }

  /** Where an opening begins and what its records do not say. */
  opening(): WireOpening {
    const { position, inboxNext, idMax, unconsumed, openTurns } = this.#count();
    const stopped = this.#stopped.filter((stop) => stop.position < this.#mark.log).map(({ id }) => id);
    const { epoch } = this;
    return { epoch, position, inboxEnd: inboxNext, ...this.#mark, idMax, unconsumed, openTurns, stopped };
  }

  #count(): ShardCount {
    const { position, inboxNext, idMax } = this;
    return { position, inboxNext, idMax, unconsumed: this.#unconsumed.runs(), openTurns: [...this.#openTurns] };
  }

  #restore({ mark, count, stops }: MarkRecord): void {
    this.#mark = mark;
    this.position = count.position;
    this.inboxNext = count.inboxNext;
    this.idMax = count.idMax;
    this.#unconsumed.addRuns(count.unconsumed);
    for (const actor of count.openTurns) this.#openTurns.add(actor);
    this.#stopped = stops.map(([id, before]) => ({ id, position: -1, before }));
  }

  /** Counts what is stored, on from the mark. @throws JOURNAL_DAMAGED at the first gap or wrong checksum */
  recount(backend: BackendReads): void {
    const kept = backend.mark(this.shard);
    if (kept !== undefined) this.#restore(decodeMark(this.shard, kept));
    for (const { first, bytes } of backend.inbox(this.shard, this.inboxNext)) {
      const { kinds, payloads } = decodeInboxRecord(this.shard, first, bytes);
      const known = this.#knownPart('inbox', first, kinds.length, this.inboxNext);
      for (let index = known; index < kinds.length; index += 1) {
        const kind = kinds[index] as EntryKind;
        this.receive(kind, kind === SPAWN ? spawnIdOf(payloads[index] as Uint8Array) : 0);
      }
    }
    if (this.inboxNext !== backend.end('inbox', this.shard)) throw gap('inbox', this.shard, this.inboxNext);
    for (const { first, bytes } of backend.log(this.shard, this.position)) {
      const { appends } = decodeLogRecord(this.shard, first, bytes);
      const known = this.#knownPart('log', first, appends.length, this.position);
      for (const append of appends.slice(known)) this.#recountAppend(append);
    }
    if (this.position !== backend.end('log', this.shard)) throw gap('log', this.shard, this.position);
  }

  /** How many entries of a record are in the count already: of the one in which the mark was moved. */
  #knownPart(table: 'inbox' | 'log', first: number, length: number, next: number): number {
    if (first > next) throw gap(table, this.shard, next);
    return Math.min(next - first, length);
  }

  #recountAppend([taken, opened, closed, , sent, stopped]: StoredAppend): void {
    for (const seq of taken) {
      if (this.#unconsumed.has(seq)) continue;
      const where = { table: 'log', shard: this.shard, position: this.position };
      throw damaged(`shard ${this.shard} consumed mail ${seq} twice or before it came`, where);
    }
    for (let index = 2; index < sent.length; index += SENT_FIELDS) this.observe(sent[index] ?? 0);
    this.apply({ taken, opened, closed, stopped });
  }
}

/** Whether the actor's turn goes on after this step. */
export const isOpen = (step: StepEntry): boolean => step.open && !step.stopped;

/** A record that should be there is not. */
export const gap = (table: 'inbox' | 'log', shard: number, position: number): MegactorError =>
  damaged(`${table} of shard ${shard} has a gap at position ${position}`, { table, shard, position });
