/**
 * What the journal's thread keeps in memory of one shard: who owns it, where its two sequences stand, which mail is not
 * consumed and which turns are open. Every rule about what may be appended is here; it writes nothing itself.
 *
 * Invariants: S1 `check` either finds a whole append good and nothing has changed, or throws and nothing has changed.
 * S2 `weight` is unconsumed mail and signals plus open turns, before and after a restart alike (J5).
 */
import { MegactorError } from '../protocol/errors.ts';
import type { BackendReads } from './backend.ts';
import { damaged, decodeInboxRecord, decodeLogRecord, type EntryKind, SPAWN } from './codec.ts';
import { SeqSet } from './seq-set.ts';
import type { StepEntry } from './shard-log.ts';

/** The marks of an append: what it does to the shard's counts. */
export interface AppendMarks {
  readonly taken: readonly number[];
  readonly opened: readonly number[];
  readonly closed: readonly number[];
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
  readonly #unconsumed = new SeqSet();
  readonly #openTurns = new Set<number>();

  constructor(shard: number) {
    this.shard = shard;
  }

  get weight(): number {
    return this.#unconsumed.size + this.#openTurns.size;
  }

  open(port: Port): Opening<Port> {
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
  }

  /** Takes the next place in the inbox. */
  receive(kind: EntryKind): number {
    const seq = this.inboxNext;
    this.inboxNext += 1;
    if (kind !== SPAWN) this.#unconsumed.add(seq);
    return seq;
  }

  /** Counts what is stored. @throws JOURNAL_DAMAGED at the first gap or wrong checksum */
  recount(backend: BackendReads): void {
    for (const { first, bytes } of backend.inbox(this.shard)) {
      if (first !== this.inboxNext) throw gap('inbox', this.shard, this.inboxNext);
      for (const kind of decodeInboxRecord(this.shard, first, bytes).kinds) this.receive(kind as EntryKind);
    }
    if (this.inboxNext !== backend.end('inbox', this.shard)) throw gap('inbox', this.shard, this.inboxNext);
    for (const { first, bytes } of backend.log(this.shard)) {
      if (first !== this.position) throw gap('log', this.shard, this.position);
      for (const [taken, opened, closed] of decodeLogRecord(this.shard, first, bytes).appends) {
        for (const seq of taken) {
          if (!this.#unconsumed.has(seq)) {
            throw damaged(`shard ${this.shard} consumed mail ${seq} twice or before it came`, {
              table: 'log',
              shard: this.shard,
              position: this.position,
            });
          }
        }
        this.apply({ taken, opened, closed });
      }
    }
    if (this.position !== backend.end('log', this.shard)) throw gap('log', this.shard, this.position);
  }
}

/** Whether the actor's turn goes on after this step. */
export const isOpen = (step: StepEntry): boolean => step.open && !step.stopped;

/** A record that should be there is not. */
export const gap = (table: 'inbox' | 'log', shard: number, position: number): MegactorError =>
  damaged(`${table} of shard ${shard} has a gap at position ${position}`, { table, shard, position });
