/**
 * The log of one shard at the client: keeps the epoch and the expected position, folds what an opening finds, hands on
 * deliveries. It decides nothing about fencing; the journal's thread does.
 *
 * Invariants: L1 deliveries are handed over only after the caller of `open` has got what the opening found. L2 after an
 * append was refused by the journal every later one is refused with the same error, until the shard is opened again,
 * because those that were under way behind it had counted on its position.
 */
import type { Clock } from '../platform/index.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import { decodeInboxEntry, encodeInboxEntry, encodeLogEntries, kindOf } from './codec.ts';
import { recoveredFrom, ShardFold } from './fold.ts';
import { SeqSet, sizeOfRuns } from './seq-set.ts';
import type {
  ActorSnapshot,
  Delivery,
  DurabilityLevel,
  LogAppend,
  Outgoing,
  RecoveredActor,
  RecoveredShard,
  ShardLog,
  SnapshotMark,
  StepLogEntry,
} from './shard-log.ts';
import { type AppendMarks, isOpen } from './shard-state.ts';
import { encodeSnapshot } from './snapshot-codec.ts';
import type { ClientMessage, WireActor, WireOpening, WireOutgoing, WireRecord } from './wire.ts';

/** What the parts of a client use to reach the journal's thread. */
export interface JournalCaller {
  readonly clock: Clock;
  /** Counts the lives of whoever opens shards. */
  readonly incarnation: number;
  /**
   * Sends `make(request number)` and resolves with the answer; `make` is not called when the request is refused here.
   * @param isBounded the caller has a bound of its own: the request is not refused because many are under way
   */
  call(make: (request: number) => ClientMessage, isBounded?: boolean): Promise<unknown>;
}

/** The shard of the parent of what has no parent. */
const NO_PARENT = -1;
/** Snapshots are asked for in requests of so many, so that an answer stays small. */
const ACTORS_PER_REQUEST = 1_000;

/** @throws MESSAGE_NOT_CLONEABLE */
export const packOutgoing = (outgoing: readonly Outgoing[]): WireOutgoing[] =>
  outgoing.map(({ shard, entry }) => [
    shard,
    kindOf(entry),
    entry.kind === 'spawn' ? entry.actor.id : 0,
    (entry.kind === 'spawn' ? entry.actor.parent?.shard : undefined) ?? NO_PARENT,
    (entry.kind === 'spawn' ? entry.actor.parent?.id : undefined) ?? 0,
    encodeInboxEntry(entry),
  ]);

const NONE: readonly number[] = [];
const nothing = (): void => undefined;

/** What the entries of an append do to the counts of the shard. */
export const marksOf = (entries: readonly StepLogEntry[]): AppendMarks => {
  const ends = entries.filter(({ kind }) => kind === 'step' || kind === 'drop');
  const [end] = ends;
  if (end === undefined) return { taken: NONE, opened: NONE, closed: NONE, stopped: NONE };
  // Nearly every append is one step.
  if (ends.length > 1 || end.kind !== 'step') return sumOfMarks(ends);
  const actor = [end.actor];
  const open = isOpen(end);
  return {
    taken: end.taken.length === 0 ? NONE : [...end.taken],
    opened: open ? actor : NONE,
    closed: open ? NONE : actor,
    stopped: end.stopped ? actor : NONE,
  };
};

const sumOfMarks = (entries: readonly StepLogEntry[]): AppendMarks => {
  const taken: number[] = [];
  const stopped: number[] = [];
  const turns = new Map<number, boolean>();
  for (const entry of entries) {
    if (entry.kind !== 'step' && entry.kind !== 'drop') continue;
    for (const seq of entry.taken) taken.push(seq);
    if (entry.stopped) stopped.push(entry.actor);
    // A drop of mail that the actor will not take says nothing of its turn, which may well go on.
    if (entry.kind === 'step' || entry.stopped) turns.set(entry.actor, entry.kind === 'step' && isOpen(entry));
  }
  const opened: number[] = [];
  const closed: number[] = [];
  for (const [actor, open] of turns) (open ? opened : closed).push(actor);
  return { taken, opened, closed, stopped };
};

type DeliveryListener = (deliveries: readonly Delivery[]) => void;

interface Opened {
  readonly epoch: number;
  position: number;
  readonly onDelivery: DeliveryListener;
  /** Deliveries that came before the caller of `open` could go on; null afterwards. */
  early: Delivery[] | null;
}

interface Opening {
  readonly request: number;
  readonly onDelivery: DeliveryListener;
  start: WireOpening | null;
  fold: ShardFold | null;
  damage: unknown;
}

/** What the journal's thread says at the end of an opening. */
interface OpenedAnswer {
  readonly opened: Opened;
  readonly fold: ShardFold;
  readonly actors: number;
  readonly timers: readonly WireRecord[];
}

export class ClientShardLog implements ShardLog {
  readonly shard: number;
  readonly #caller: JournalCaller;
  #opening: Opening | null = null;
  #opened: Opened | null = null;
  #refused: MegactorError;

  constructor(shard: number, caller: JournalCaller) {
    this.shard = shard;
    this.#caller = caller;
    this.#refused = this.#notOpen();
  }

  async open(onDelivery: DeliveryListener): Promise<RecoveredShard> {
    this.#opened = null;
    this.#refused = this.#notOpen();
    const answer = (await this.#caller.call((request) => {
      this.#opening = { request, onDelivery, start: null, fold: null, damage: null };
      return ['open', request, this.shard, this.#caller.incarnation];
    })) as OpenedAnswer;
    const { opened, fold } = answer;
    try {
      const found = fold.finish(await this.#loadRows(opened, [...fold.wanted()]), answer);
      // Somebody opened it again here in the meantime.
      if (this.#opened !== opened) throw this.#refused;
      this.#caller.clock.soon(() => this.#deliverEarly(opened));
      return found;
    } catch (error) {
      if (this.#opened === opened) this.#opened = null;
      throw toMegactorError(error, 'JOURNAL_DAMAGED');
    }
  }

  // Not an async function, nor is `#write`: every step of every actor passes here, and each promise is a cost.
  append(group: LogAppend, level: DurabilityLevel | null = null): Promise<void> {
    try {
      const opened = this.#current();
      const entries = encodeLogEntries(group.entries, group.packedState);
      const outgoing = packOutgoing(group.outgoing);
      const { taken, opened: turns, closed, stopped } = marksOf(group.entries);
      return this.#write(opened, (request) => {
        const { epoch, position } = opened;
        opened.position += 1;
        const { shard } = this;
        return ['append', request, shard, epoch, position, level, taken, turns, closed, stopped, entries, outgoing];
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  get position(): number {
    return this.#opened?.position ?? 0;
  }

  async snapshot(actors: readonly ActorSnapshot[], mark?: SnapshotMark): Promise<void> {
    const opened = this.#current();
    const snapshots = actors.map((actor) => encodeSnapshot(this.shard, actor));
    const wireMark = mark === undefined ? null : ([mark.log, mark.inbox] as const);
    await this.#write(opened, (request) => {
      const { epoch, position } = opened;
      return ['snapshot', request, this.shard, epoch, position, snapshots, wireMark];
    });
  }

  async load(ids: readonly number[]): Promise<readonly RecoveredActor[]> {
    const rows = await this.#loadRows(this.#current(), ids);
    return rows.map((row) => recoveredFrom(this.shard, row));
  }

  async find(name: string): Promise<number | null> {
    const { epoch } = this.#current();
    return (await this.#caller.call((request) => ['find', request, this.shard, epoch, name])) as number | null;
  }

  async read(seqs: readonly number[]): Promise<readonly Delivery[]> {
    const { epoch } = this.#current();
    const payloads = await this.#caller.call((request) => ['read', request, this.shard, epoch, seqs], true);
    return (payloads as Uint8Array[]).map((payload, index) => ({
      seq: seqs[index] as number,
      entry: decodeInboxEntry(payload),
    }));
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.#refused = this.#notOpen();
    if (opened !== null) await this.#caller.call((request) => ['release', request, this.shard, opened.epoch]);
  }

  /** What the opening under way finds begins. */
  begin(request: number, start: WireOpening): void {
    const opening = this.#opening;
    if (opening?.request !== request) return;
    const unconsumed = new SeqSet();
    unconsumed.addRuns(start.unconsumed);
    opening.start = start;
    opening.fold = new ShardFold(this.shard, { ...start, unconsumed });
  }

  /** A part of it. */
  recover(request: number, inbox: readonly WireRecord[], log: readonly WireRecord[]): void {
    const opening = this.#opening;
    if (opening?.request !== request || opening.damage !== null) return;
    try {
      for (const [first, bytes] of inbox) opening.fold?.addInbox(first, bytes);
      for (const [first, bytes] of log) opening.fold?.addLog(first, bytes);
    } catch (error) {
      opening.damage = error;
    }
  }

  /** The opening under way has all records; deliveries that come from now on are kept until `open` is through. */
  finishOpening(request: number, actors: number, timers: readonly WireRecord[]): OpenedAnswer {
    const opening = this.#opening;
    if (opening?.request !== request || opening.start === null || opening.fold === null) throw this.#notOpen();
    this.#opening = null;
    const { start, fold, damage, onDelivery } = opening;
    if (damage !== null) throw toMegactorError(damage, 'JOURNAL_DAMAGED');
    const waiting = sizeOfRuns(start.unconsumed);
    if (fold.inboxNext !== start.inboxEnd || fold.position !== start.position || fold.waiting !== waiting) {
      const where = { shard: this.shard, position: fold.position };
      throw new MegactorError(
        'JOURNAL_DAMAGED',
        `shard ${this.shard} ends at ${fold.position} with ${fold.waiting} mails, not at ${start.position} with ${waiting}`,
        { details: where },
      );
    }
    const opened: Opened = { epoch: start.epoch, position: start.position, onDelivery, early: [] };
    this.#opened = opened;
    return { opened, fold, actors, timers };
  }

  deliver(epoch: number, firstSeq: number, payloads: readonly Uint8Array[]): void {
    const opened = this.#opened;
    if (opened?.epoch !== epoch) return;
    const deliveries = payloads.map((payload, index) => ({ seq: firstSeq + index, entry: decodeInboxEntry(payload) }));
    if (opened.early === null) opened.onDelivery(deliveries);
    else for (const delivery of deliveries) opened.early.push(delivery);
  }

  #deliverEarly(opened: Opened): void {
    const early = opened.early ?? [];
    opened.early = null;
    if (early.length > 0 && this.#opened === opened) opened.onDelivery(early);
  }

  /** @throws what refused the log */
  #current(): Opened {
    if (this.#opened === null) throw this.#refused;
    return this.#opened;
  }

  /** A request after whose failure nothing more is written. */
  #write(opened: Opened, make: (request: number) => ClientMessage): Promise<void> {
    let sent = false;
    const answered = this.#caller.call((request) => {
      sent = true;
      return make(request);
    });
    return answered.then(nothing, (error: unknown) => {
      if (sent && this.#opened === opened) {
        this.#opened = null;
        this.#refused = toMegactorError(error);
      }
      throw error;
    });
  }

  async #loadRows({ epoch }: Opened, ids: readonly number[]): Promise<WireActor[]> {
    const rows: WireActor[] = [];
    for (let at = 0; at < ids.length; at += ACTORS_PER_REQUEST) {
      const some = ids.slice(at, at + ACTORS_PER_REQUEST);
      const answer = await this.#caller.call((request) => ['load', request, this.shard, epoch, some]);
      for (const row of answer as WireActor[]) rows.push(row);
    }
    return rows;
  }

  #notOpen(): MegactorError {
    return new MegactorError('JOURNAL_FENCED', `shard ${this.shard} is not open here`, {
      details: { shard: this.shard },
    });
  }
}
