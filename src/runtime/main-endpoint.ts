/**
 * The main thread among the shards: it hosts no actors, but tells, asks and watches, and is answered.
 *
 * Invariants: A4 what the main thread has under way to a shard is bounded. A5 every ask settles. A6 so do asks and
 * watches when a host dies.
 */
import {
  DeadLetterBox,
  Sampler,
  type ActorRef,
  type AskOptions,
  type DeadLetter,
  type DeadLetterReason,
} from '../actor/index.ts';
import { eventAt, type EventInput, type EventStream } from '../telemetry/index.ts';
import { isCanary, type Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { MAIN_SHARD } from '../protocol/ids.ts';
import { ASK_DEADLINE_MS, AskTable } from './ask-table.ts';
import { CreditBook } from './credit-book.ts';
import { noteDeadLetter, type DeadLetterOffice } from './dead-letters.ts';
import type { Envelope, MailEnvelope } from './envelope.ts';
import { MainWatches, type Ended } from './main-watches.ts';
import type { RouterCarrier } from './system-router.ts';

/** Envelopes under way to one shard; beyond, `tell` returns false and an ask is refused. */
const UNDER_WAY_MAX = 131_072;

/** No plain data, so the letter says that it has no body. */
const BODY_LOST = Symbol('died with its thread');

const stopped = (): MegactorError => new MegactorError('SYSTEM_STOPPED', 'the system was stopped');

export class MainEndpoint implements RouterCarrier {
  readonly #link: (envelope: Envelope) => boolean;
  readonly #asks: AskTable;
  readonly #credits = new CreditBook(UNDER_WAY_MAX);
  readonly #watches: MainWatches;
  readonly #office: DeadLetterOffice;
  #closed = false;

  /** @param link sends to the host of a shard; false when that is gone */
  constructor(clock: Clock, link: (envelope: Envelope) => boolean, events: Pick<EventStream, 'add'>) {
    const onEvent = (event: EventInput): void => events.add(eventAt(clock.now(), event));
    this.#office = { clock, deadLetters: new DeadLetterBox(), deadLetterEvents: new Sampler(), parts: { onEvent } };
    this.#link = link;
    this.#asks = new AskTable(clock);
    this.#watches = new MainWatches((envelope) => this.#send(envelope));
  }

  tellFrom(ref: ActorRef, type: string, body: unknown): boolean {
    if (this.#closed) return this.#dead(ref, 'system-stopped', type, body);
    if (this.#credits.underWay(ref.shard) >= UNDER_WAY_MAX) return this.#dead(ref, 'link-full', type, body);
    return this.#send(this.#mail(ref, type, body, 0)) || this.#dead(ref, 'host-died', type, body);
  }

  askFrom(ref: ActorRef, type: string, body: unknown, options?: AskOptions): Promise<unknown> {
    if (this.#closed) return Promise.reject(stopped());
    if (this.#credits.underWay(ref.shard) >= UNDER_WAY_MAX) {
      return Promise.reject(new MegactorError('MAILBOX_FULL', `${UNDER_WAY_MAX} messages are under way already`));
    }
    const deadlineMs = options?.deadlineMs ?? ASK_DEADLINE_MS;
    const send = (ask: number): void => {
      if (this.#send(this.#mail(ref, type, body, ask))) return;
      const error = { code: 'HOST_DIED', message: `the thread of '${ref.name}' died and is not replaced` } as const;
      this.#asks.settle(ask, undefined, error);
    };
    return this.#asks.open(ref.shard, deadlineMs, `ask '${type}' of '${ref.name}'`, send, options?.signal);
  }

  noRoutee(type: string, body: unknown): false {
    return this.#dead({ shard: MAIN_SHARD, id: 0, name: '' }, 'no-routee', type, body);
  }

  watch(ref: ActorRef, signal?: AbortSignal): Promise<string> {
    return this.watchEnd(ref, signal).then(({ reason }) => reason);
  }

  watchEnd(ref: ActorRef, signal?: AbortSignal): Promise<Ended> {
    return this.#watches.watch(ref, signal);
  }

  stop(ref: ActorRef): void {
    this.#watches.stop(ref);
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#office.deadLetters.list();
  }

  receive(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) {
      if (envelope.kind === 'reply') this.#asks.settle(envelope.ask, envelope.value, envelope.error);
      else if (envelope.kind === 'credit') this.#credits.credited(envelope.source, envelope.count);
      else if (envelope.kind === 'signal' && envelope.signal.kind === 'terminated') {
        this.#watches.terminated(envelope.from.id, envelope.signal.reason, envelope.signal.last);
      }
    }
  }

  /** An envelope cannot be packed, or nobody will ever take it. */
  refused(envelope: Envelope, error: MegactorError): void {
    this.#credits.credited(envelope.shard, 1);
    if (envelope.kind === 'watch') this.#watches.terminated(envelope.to, error.code);
    if (envelope.kind !== 'mail') return;
    const { shard, to, type, body, ask } = envelope;
    if (ask !== 0) this.#asks.settle(ask, undefined, error);
    const reason = error.code === 'MESSAGE_NOT_CLONEABLE' ? 'not-cloneable' : 'host-died';
    this.#dead({ shard, id: to, name: '' }, reason, type, body, ask);
  }

  /** A message that only a dead host had is what ended it. */
  poisoned(ref: ActorRef, type: string): void {
    this.#dead(ref, 'poison', type, BODY_LOST);
  }

  hostDied(shards: ReadonlySet<number>): void {
    this.#asks.rejectWhere(
      (shard) => shards.has(shard) && !isCanary('ask-unsettled'),
      () => new MegactorError('HOST_DIED', 'the thread of the actor died before it replied'),
    );
    for (const shard of shards) this.#credits.forget(shard);
  }

  hostBack(shards: ReadonlySet<number>): void {
    this.#watches.renew(shards);
  }

  /** A host will not come back: nobody of it will ever be heard of. */
  hostGone(shards: ReadonlySet<number>): void {
    this.#watches.lost(shards);
  }

  /** Takes nothing new; what is under way may still be answered. */
  close(): void {
    this.#closed = true;
  }

  /** Settles what is left. */
  end(): void {
    this.#asks.rejectWhere(() => true, stopped);
    this.#watches.end();
  }

  #mail(ref: ActorRef, type: string, body: unknown, ask: number): MailEnvelope {
    const { shard, id: to } = ref;
    return { kind: 'mail', shard, source: MAIN_SHARD, to, from: null, type, body, ask, seq: -1 };
  }

  #send(envelope: Envelope): boolean {
    if (!this.#link(envelope)) return false;
    this.#credits.sent(envelope.shard);
    return true;
  }

  #dead(ref: ActorRef, reason: DeadLetterReason, type: string, body: unknown, ask = 0): false {
    const { shard, id: to, name } = ref;
    noteDeadLetter(this.#office, { shard, to, from: null, type, body, ask }, reason, name);
    return false;
  }
}
