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
import { ShardFold } from './fold.ts';
import type {
  Delivery,
  DurabilityLevel,
  LogAppend,
  Outgoing,
  RecoveredActor,
  RecoveredShard,
  ShardLog,
  StepLogEntry,
} from './shard-log.ts';
import { type AppendMarks, isOpen } from './shard-state.ts';
import type { ClientMessage, WireOutgoing, WireRecord } from './wire.ts';

/** What the parts of a client use to reach the journal's thread. */
export interface JournalCaller {
  readonly clock: Clock;
  /**
   * Sends `make(request number)` and resolves with the answer; `make` is not called when the request is refused here.
   */
  call(make: (request: number) => ClientMessage): Promise<unknown>;
}

/** @throws MESSAGE_NOT_CLONEABLE */
export const packOutgoing = (outgoing: readonly Outgoing[]): WireOutgoing[] =>
  outgoing.map(({ shard, entry }) => [
    shard,
    kindOf(entry),
    entry.kind === 'spawn' ? entry.actor.id : 0,
    encodeInboxEntry(entry),
  ]);

/** What the entries of an append do to the counts of the shard. */
export const marksOf = (entries: readonly StepLogEntry[]): AppendMarks => {
  const taken: number[] = [];
  const turns = new Map<number, boolean>();
  for (const entry of entries) {
    if (entry.kind !== 'step' && entry.kind !== 'drop') continue;
    for (const seq of entry.taken) taken.push(seq);
    // A drop of mail that the actor will not take says nothing of its turn, which may well go on.
    if (entry.kind === 'step' || entry.stopped) turns.set(entry.actor, entry.kind === 'step' && isOpen(entry));
  }
  const opened: number[] = [];
  const closed: number[] = [];
  for (const [actor, open] of turns) (open ? opened : closed).push(actor);
  return { taken, opened, closed };
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
  readonly fold: ShardFold;
  readonly onDelivery: DeliveryListener;
  damage: unknown;
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
    return (await this.#caller.call((request) => {
      this.#opening = { request, fold: new ShardFold(this.shard), onDelivery, damage: null };
      return ['open', request, this.shard];
    })) as RecoveredShard;
  }

  async append(group: LogAppend, level?: DurabilityLevel): Promise<void> {
    const opened = this.#opened;
    if (opened === null) throw this.#refused;
    const entries = encodeLogEntries(group.entries);
    const outgoing = packOutgoing(group.outgoing);
    const marks = marksOf(group.entries);
    let sent = false;
    try {
      await this.#caller.call((request) => {
        const { epoch, position } = opened;
        opened.position += 1;
        sent = true;
        const { taken, opened: turnsOpened, closed } = marks;
        const wireLevel = level ?? null;
        return [
          'append',
          request,
          this.shard,
          epoch,
          position,
          wireLevel,
          taken,
          turnsOpened,
          closed,
          entries,
          outgoing,
        ];
      });
    } catch (error) {
      if (sent && this.#opened === opened) {
        this.#opened = null;
        this.#refused = toMegactorError(error);
      }
      throw error;
    }
  }

  get position(): number {
    return this.#opened?.position ?? 0;
  }

  async snapshot(): Promise<void> {
    throw this.#notOpen();
  }

  async load(): Promise<readonly RecoveredActor[]> {
    throw this.#notOpen();
  }

  async find(): Promise<number | null> {
    throw this.#notOpen();
  }

  async read(): Promise<readonly Delivery[]> {
    throw this.#notOpen();
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.#refused = this.#notOpen();
    if (opened !== null) await this.#caller.call((request) => ['release', request, this.shard, opened.epoch]);
  }

  /** A part of what the opening under way finds. */
  recover(request: number, inbox: readonly WireRecord[], log: readonly WireRecord[]): void {
    const opening = this.#opening;
    if (opening?.request !== request || opening.damage !== null) return;
    try {
      for (const [first, bytes] of inbox) opening.fold.addInbox(first, bytes);
      for (const [first, bytes] of log) opening.fold.addLog(first, bytes);
    } catch (error) {
      opening.damage = error;
    }
  }

  /** The opening under way is complete. @throws JOURNAL_DAMAGED @returns what it found */
  finishOpening(request: number, epoch: number, position: number, inboxEnd: number): RecoveredShard {
    const opening = this.#opening;
    if (opening?.request !== request) throw this.#notOpen();
    this.#opening = null;
    const { fold, damage, onDelivery } = opening;
    if (damage !== null) throw toMegactorError(damage, 'JOURNAL_DAMAGED');
    if (fold.inboxNext !== inboxEnd || fold.position !== position) {
      throw new MegactorError('JOURNAL_DAMAGED', `shard ${this.shard} ends at ${fold.position}, not at ${position}`, {
        details: { shard: this.shard, position: fold.position },
      });
    }
    const found = fold.finish();
    const opened: Opened = { epoch, position, onDelivery, early: [] };
    this.#opened = opened;
    this.#caller.clock.soon(() => {
      const early = opened.early ?? [];
      opened.early = null;
      if (early.length > 0 && this.#opened === opened) onDelivery(early);
    });
    return found;
  }

  deliver(epoch: number, firstSeq: number, payloads: readonly Uint8Array[]): void {
    const opened = this.#opened;
    if (opened?.epoch !== epoch) return;
    const deliveries = payloads.map((payload, index) => ({ seq: firstSeq + index, entry: decodeInboxEntry(payload) }));
    if (opened.early === null) opened.onDelivery(deliveries);
    else for (const delivery of deliveries) opened.early.push(delivery);
  }

  #notOpen(): MegactorError {
    return new MegactorError('JOURNAL_FENCED', `shard ${this.shard} is not open here`, {
      details: { shard: this.shard },
    });
  }
}
