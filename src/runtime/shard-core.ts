/**
 * What the parts of a shard share: its actors, its run queue, its asks, and everything injected. The parts are the
 * turns, the durable steps and the life cycle; `Shard` puts them together.
 * What it does not do: run handlers, or know of threads.
 *
 * Invariants: A3 `wake` is the only way from idle to the run queue, and is called after every arrival and after every
 * turn. An actor with mail is queued, running, or held by one cause that `holdOf` names (hold.ts).
 */
import {
  DeadLetterBox,
  deepCopy,
  deepFreeze,
  Hand,
  Ring,
  Sampler,
  type ActorRef,
  type DeadLetterReason,
  type Offered,
} from '../actor/index.ts';
import { errorToWire, MegactorError, type ErrorCode } from '../protocol/errors.ts';
import { ALLOCATORS_MAX, IdAllocator } from '../protocol/ids.ts';
import { isCanary, type Clock } from '../platform/index.ts';
import type { CounterRow } from '../telemetry/index.ts';
import { AskTable } from './ask-table.ts';
import type { ActorCharge } from './blame.ts';
import type { ActorCell } from './cell.ts';
import { CellTable } from './cell-table.ts';
import { CreditBook } from './credit-book.ts';
import { DurableTimers } from './durable-timers.ts';
import { noteDeadLetter } from './dead-letters.ts';
import type { Envelope, MailboxItem, MailEnvelope } from './envelope.ts';
import { createPulseMemory, PulseWriter } from './host-pulse.ts';
import { isMain } from './items.ts';
import { Passivation } from './passivation.ts';
import { Saves } from './saves.ts';
import { SHARD_LIMITS, type ShardLimits } from './shard-limits.ts';
import type { ShardParts } from './shard-parts.ts';
import { Slice } from './slice.ts';
import { Spilling } from './spilling.ts';

export { isMail, isMain, isSignal, ownMail } from './items.ts';
export { SHARD_LIMITS, type ShardLimits } from './shard-limits.ts';
export type { ServiceCaller, ShardLinks, ShardParts } from './shard-parts.ts';

/** Asks of different incarnations of a shard lie this far apart. */
const INCARNATION_STRIDE = 2 ** 32;
/** Most intervals that one wait for more mail lasts, however much comes. */
const POLL_INTERVALS_MAX = 3;

export class ShardCore {
  readonly parts: ShardParts;
  readonly shard: number;
  readonly clock: Clock;
  readonly limits: ShardLimits;
  readonly counters: CounterRow;
  readonly cells = new CellTable();
  readonly names = new Map<string, ActorCell>();
  readonly asks: AskTable;
  readonly credits: CreditBook;
  readonly deadLetters = new DeadLetterBox();
  readonly deadLetterEvents = new Sampler();
  readonly runQueue = new Ring<ActorCell>();
  /** What the turn under way has taken last, and who reads it while his handler runs. */
  readonly hand = new Hand();
  inHand: ActorCell | null = null;
  /** Snapshots of durable actors. */
  readonly saves: Saves;
  /** What does not fit into mailboxes of durable actors. */
  readonly spilling: Spilling;
  /** Which durable actors stay in memory. */
  readonly passivation: Passivation;
  /** The actor, loaded if it was passive; null when there is none. */
  activate: (id: number) => Promise<ActorCell | null> = (id) => Promise.resolve(this.cells.get(id) ?? null);
  /** Durable actors that only the journal holds. */
  passive = 0;
  /** Timers of durable actors. */
  readonly timers: DurableTimers;
  /** Replaced when the journal tells which ids were used. */
  allocator: Pick<IdAllocator, 'next'>;
  /** No turn is started any more. */
  paused = false;
  /** The journal failed: nothing may act or be recorded. */
  halted = false;
  /** The last reading of the monotonic clock in the run loop. */
  loopMs = 0;
  /** Says whose code runs. */
  readonly pulse: PulseWriter;
  /** Charges that actors have not met yet, by their ids. */
  readonly charges: Map<number, ActorCharge>;
  /** Turns under way. */
  running = 0;
  /** Called when `running` falls to 0 while paused. */
  onQuiet: (() => void) | null = null;
  #runTurn: (cell: ActorCell) => void = () => undefined;
  #receive: (envelope: Envelope) => boolean = () => false;
  #scheduled = false;
  readonly #checksMail: boolean;
  #spawnRound: number;

  constructor(parts: ShardParts) {
    this.parts = parts;
    this.shard = parts.shard;
    this.#checksMail = parts.checkMail === true;
    this.clock = parts.clock;
    this.counters = parts.counters;
    this.limits = { ...SHARD_LIMITS, ...parts.limits };
    this.asks = new AskTable(parts.clock, parts.incarnation * INCARNATION_STRIDE);
    this.credits = new CreditBook(this.limits.creditLimit);
    this.allocator = this.allocatorAbove(0);
    this.saves = new Saves(this);
    this.spilling = new Spilling(this);
    this.passivation = new Passivation(this);
    this.timers = new DurableTimers(this);
    this.#spawnRound = parts.shard;
    this.pulse = parts.pulse ?? new PulseWriter(createPulseMemory());
    this.charges = new Map(parts.charges?.map((charge) => [charge.actor, charge]));
    parts.serial?.add(this);
  }

  connect(runTurn: (cell: ActorCell) => void, receive: (envelope: Envelope) => boolean): void {
    this.#runTurn = runTurn;
    this.#receive = receive;
  }

  /** Hands out ids that neither the journal nor an earlier incarnation has seen. */
  allocatorAbove(idMax: number): IdAllocator {
    const base = Math.max(Math.ceil(idMax / ALLOCATORS_MAX), this.counters.idsReserved);
    return new IdAllocator(this.shard, base, (upTo) => this.counters.reserveIds(upTo));
  }

  /** Shards of the system. */
  get shards(): number {
    return this.parts.shards;
  }

  /** Where the next unnamed actor goes: round robin over all shards. */
  nextShard(): number {
    this.#spawnRound = (this.#spawnRound + 1) % this.parts.shards;
    return this.#spawnRound;
  }

  /** A tell of an ephemeral actor. False when it was refused at once; then it is a dead letter already. */
  tell(from: ActorRef, ref: ActorRef, type: string, body: unknown): boolean {
    const { shard, id: to } = ref;
    if (shard === this.shard && !this.#checksMail) {
      const cell = this.cells.get(to);
      if (cell !== undefined && cell.durable === null && cell.isOpen) return this.#tell(cell, type, body, from);
    }
    return this.send({ kind: 'mail', shard, source: this.shard, to, from, type, body, ask: 0, seq: -1 });
  }

  /** Sends to any shard. False when it was refused at once; then it is a dead letter already. */
  send(envelope: Envelope): boolean {
    if (envelope.shard === this.shard) {
      if (!this.#checksMail || envelope.kind !== 'mail') return this.#receive(envelope);
      return this.#sendChecked(envelope);
    }
    const result = this.parts.links.send(envelope);
    if (result === 'queued' && !isMain(envelope.shard)) this.credits.sent(envelope.shard);
    else if (result === 'refused') this.refused(envelope);
    return result !== 'refused';
  }

  /** An envelope that no link takes: its sender, if it waits, is told. */
  refused(envelope: Envelope): void {
    if (envelope.kind !== 'mail') return;
    this.deadMail(envelope, 'host-died', '', 'HOST_DIED');
  }

  reply(mail: { readonly source: number; readonly ask: number }, value: unknown): void {
    if (mail.ask === 0) return;
    this.send({ kind: 'reply', shard: mail.source, source: this.shard, ask: mail.ask, value, error: null });
  }

  replyError(mail: { readonly source: number; readonly ask: number }, error: MegactorError): void {
    if (mail.ask === 0) return;
    const wire = errorToWire(error);
    this.send({ kind: 'reply', shard: mail.source, source: this.shard, ask: mail.ask, value: undefined, error: wire });
  }

  /** Counts and keeps a dead letter; an ask among them is answered with `code`. */
  deadMail(mail: MailEnvelope, reason: DeadLetterReason, toName: string, code: ErrorCode, words = ''): void {
    this.counters.add('deadLetters');
    noteDeadLetter(this, mail, reason, toName);
    if (mail.ask === 0) return;
    const receiver = toName === '' ? `actor ${mail.to}` : `'${toName}'`;
    this.replyError(mail, new MegactorError(code, words === '' ? `${receiver}: ${reason} ('${mail.type}')` : words));
  }

  /** Puts an item into a mailbox, past its bound; of a durable actor, whose mailbox is full, the journal keeps it. */
  force(cell: ActorCell, item: MailboxItem): void {
    this.counters.addMailboxDepth(1);
    if (item.kind === 'signal' && item.signal.kind !== 'terminated') cell.mailbox.offerSystem(item);
    // That somebody terminated comes after what he sent before (A2).
    else this.spilling.put(cell, item);
    if (cell.mailbox.length > 0) this.wake(cell, item);
  }

  /** Puts mail into the mailbox of an ephemeral actor. False when it is refused; then it is a dead letter. */
  offer(cell: ActorCell, mail: MailEnvelope): boolean {
    const { type, body, from } = mail;
    // What nobody waits for and no journal holds is as good in parts.
    const offered = mail.ask === 0 && mail.seq < 0 ? cell.offerTell(type, body, from) : cell.offer(mail);
    if (offered !== 'accepted') return this.#full(cell, offered, mail);
    this.counters.addMailboxDepth(1);
    // Whoever is queued or at work looks into its mailbox anyway.
    if (cell.status !== 'queued' && cell.status !== 'running') this.wake(cell, mail);
    return true;
  }

  /** The mail that `cell` handles; null when there is none, or when it has put it away. */
  mailInHand(cell: ActorCell): MailEnvelope | null {
    if (this.inHand !== cell) return cell.current;
    const { head, body, from = null } = this.hand;
    return cell.mailOf(head as string, body, from);
  }

  /** The next batch: everything of the system lane, then up to the definition's limit of mail. */
  takeBatch(cell: ActorCell): MailboxItem[] {
    const limit = this.batchMaxOf(cell);
    const batch: MailboxItem[] = [];
    while (batch.length < limit || cell.mailbox.systemLength > 0) {
      const item = cell.mailbox.take();
      if (item === undefined) break;
      batch.push(item);
    }
    this.counters.addMailboxDepth(-batch.length);
    this.spilling.refill(cell);
    return batch;
  }

  /** Most items of one batch: of a durable actor no more than its mailbox is sure to have, so that batches repeat. */
  batchMaxOf({ definition, durable, options }: ActorCell): number {
    const limit = definition?.batchMax ?? BATCH_MAX;
    return durable === null ? limit : Math.min(limit, options.mailbox.capacity);
  }

  /** After something was put into the mailbox of `cell`, or its turn ended with mail left. */
  wake(cell: ActorCell, item: MailboxItem | null = null): void {
    if (cell.status === 'idle') {
      if (item !== null && this.#polls(cell) && !this.#skipsPoll(cell, item)) this.#beginPoll(cell);
      else this.#enqueue(cell);
    } else if (cell.status === 'polling') {
      if (item === null || this.#skipsPoll(cell, item)) this.#enqueue(cell);
      else this.#poll(cell);
    }
  }

  /** Ends a turn of `cell`; it queues again when there is something to do, or waits for more as if that had just come. */
  turnEnded(cell: ActorCell, more: boolean): void {
    cell.status = 'idle';
    if (!more || isCanary('lost-wake-up')) this.passivation.rest(cell);
    else if (this.#polls(cell) && this.#mayWait(cell)) this.#beginPoll(cell);
    else this.#enqueue(cell);
  }

  setPassive(count: number): void {
    this.passive = count;
    this.counters.set('passive', count);
  }

  schedule(): void {
    if (this.parts.serial !== undefined) {
      this.parts.serial.kick();
      return;
    }
    if (this.#scheduled || this.runQueue.length === 0) return;
    this.#scheduled = true;
    this.clock.soon(() => this.#run());
  }

  /** Starts the turn of an actor that was queued; for `SerialOrder`. */
  runQueued(cell: ActorCell): void {
    this.loopMs = this.clock.monotonic();
    this.#runTurn(cell);
    this.pulse.leave();
  }

  /** What a handler asks of the outside: in a serial order nothing else starts meanwhile. */
  track<Value>(promise: Promise<Value>): Promise<Value> {
    return this.parts.serial?.track(promise) ?? promise;
  }

  turnStarted(): void {
    this.running += 1;
    this.counters.addTurn();
  }

  turnOver(): void {
    this.running -= 1;
    if (this.running === 0) this.onQuiet?.();
    this.parts.serial?.kick();
  }

  /** The journal refused or lost an append: this shard must not act any more. */
  halt(error: MegactorError): void {
    if (this.halted) return;
    this.halted = true;
    this.paused = true;
    this.parts.onFailure(error);
  }

  #tell(cell: ActorCell, type: string, body: unknown, from: ActorRef): boolean {
    const offered = cell.offerTell(type, body, from);
    if (offered !== 'accepted') return this.#full(cell, offered, cell.mailOf(type, body, from));
    this.counters.addMailboxDepth(1);
    if (cell.status !== 'idle') return true;
    if (cell.pollMs > 0) this.wake(cell, cell.mailOf(type, body, from));
    else this.#enqueue(cell);
    return true;
  }

  /** True when the sender is not to hear of it. */
  #full(cell: ActorCell, offered: Offered, mail: MailEnvelope): boolean {
    const reason = offered === 'rejected' ? 'mailbox-full' : 'dropped-new';
    this.deadMail(mail, reason, cell.ref.name, 'MAILBOX_FULL');
    return offered === 'dropped';
  }

  #sendChecked(envelope: MailEnvelope): boolean {
    try {
      return this.#receive({ ...envelope, body: deepFreeze(deepCopy(envelope.body)) });
    } catch (thrown) {
      if (!(thrown instanceof MegactorError)) throw thrown;
      this.deadMail(envelope, 'not-cloneable', '', 'MESSAGE_NOT_CLONEABLE', thrown.message);
      return false;
    }
  }

  #polls(cell: ActorCell): boolean {
    return cell.pollMs > 0 && this.parts.serial === undefined;
  }

  /** Whether nothing that it has skips the wait for more. */
  #mayWait(cell: ActorCell): boolean {
    const { mailbox } = cell;
    const isSeen = mailbox.systemLength === 0 && mailbox.spilled === 0;
    return isSeen && [...mailbox.held()].every((item) => !this.#skipsPoll(cell, item));
  }

  #beginPoll(cell: ActorCell): void {
    cell.status = 'polling';
    cell.pollsUntilMs = this.clock.monotonic() + POLL_INTERVALS_MAX * cell.pollMs;
    this.#poll(cell);
  }

  /** Waits for what may follow the mail that has just come. */
  #poll(cell: ActorCell): void {
    const leftMs = cell.pollsUntilMs - this.clock.monotonic();
    cell.endPause();
    cell.pause = this.clock.after(Math.max(0, Math.min(cell.pollMs, leftMs)), () => this.#enqueue(cell));
  }

  #skipsPoll(cell: ActorCell, item: MailboxItem): boolean {
    if (item.kind === 'signal') return true;
    if (cell.mailbox.waitingLength >= (cell.definition?.batchMax ?? BATCH_MAX)) return true;
    const urgent = cell.definition?.urgent;
    if (urgent === undefined) return false;
    try {
      return urgent({ type: item.type, body: item.body, sender: item.from });
    } catch {
      // The body may not be what the message schema says; the handler's own check will tell.
      return true;
    }
  }

  #enqueue(cell: ActorCell): void {
    cell.endPause();
    cell.status = 'queued';
    if (this.parts.serial !== undefined) {
      this.parts.serial.enqueue(this, cell);
      return;
    }
    this.runQueue.push(cell);
    this.schedule();
  }

  #run(): void {
    this.#scheduled = false;
    const slice = new Slice(this.clock, this.limits.sliceMs);
    while (this.runQueue.length > 0) {
      // Whoever clears these calls `schedule`.
      if (this.paused || this.credits.blocked) return;
      const cell = this.runQueue.shift() as ActorCell;
      // It was stopped after it was queued.
      if (cell.status !== 'queued') continue;
      this.loopMs = slice.nowMs;
      this.#runTurn(cell);
      this.pulse.leave();
      if (slice.turnEnded()) break;
    }
    this.schedule();
  }
}

/** Most messages of one batch, unless the definition says otherwise. */
export const BATCH_MAX = 64;
