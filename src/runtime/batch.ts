/**
 * Batches as handlers of whole batches see them. What it does not do: call those handlers, catch, or end turns.
 *
 * Invariant: what cannot be handled is a dead letter and left out; the order is that of the mailbox.
 */
import type { ActorRef, MailOf, MessageMap } from '../actor/index.ts';
import type { ActorCell } from './cell.ts';
import type { MailboxItem, MailEnvelope, SignalEnvelope } from './envelope.ts';
import { bodyFor, numberOf, UNHANDLED } from './handling.ts';
import type { ShardCore } from './shard-core.ts';

/** Answers a mail of a batch. */
export type Replier = (mail: MailEnvelope, value: unknown) => void;

/** One mail of a batch, with its reply. */
export class BatchMail {
  readonly type: string;
  readonly body: unknown;
  readonly sender: ActorRef | null;
  /** null when nobody waits for a reply, or it was used. */
  #answer: ((value: unknown) => void) | null;

  constructor(type: string, body: unknown, sender: ActorRef | null, answer: ((value: unknown) => void) | null) {
    this.type = type;
    this.body = body;
    this.sender = sender;
    this.#answer = answer;
  }

  reply(value: unknown): void {
    const answer = this.#answer;
    this.#answer = null;
    answer?.(value);
  }
}

const answerTo = (mail: MailEnvelope, reply: Replier): ((value: unknown) => void) | null =>
  mail.ask === 0 ? null : (value) => reply(mail, value);

const enterBatch = (core: ShardCore, cell: ActorCell, type: string, seq: number): void =>
  core.pulse.enter(core.shard, cell.ref.id, cell.durable !== null, numberOf(cell, type), seq);

/** The batch as its handler sees it: what it cannot take is a dead letter and left out. */
export const batchFor = (
  core: ShardCore,
  cell: ActorCell,
  mails: readonly MailEnvelope[],
  reply: Replier,
): readonly MailOf<MessageMap>[] => {
  const batch: BatchMail[] = [];
  const [first] = mails;
  if (first !== undefined) enterBatch(core, cell, first.type, first.seq);
  const handlers = cell.definition?.handlers;
  for (const mail of mails) {
    const { type, from } = mail;
    const body = bodyFor(core, cell, mail, handlers?.get(type));
    if (body !== UNHANDLED) batch.push(new BatchMail(type, body, from, answerTo(mail, reply)));
  }
  core.counters.addMessages(batch.length);
  return batch;
};

/** What a turn of an ephemeral actor has taken. */
export interface TakenBatch {
  readonly signals: readonly SignalEnvelope[];
  readonly batch: readonly MailOf<MessageMap>[];
  /** Whoever has to be told when the turn fails, and the first mail, for what is said of it. */
  readonly items: MailboxItem[];
}

/** Everything of the system lane, then up to the definition's limit of mail. Tells in parts stay that, but for the first. */
export const takeForTurn = (core: ShardCore, cell: ActorCell, reply: Replier): TakenBatch => {
  const { hand } = core;
  const limit = core.batchMaxOf(cell);
  const handlers = cell.definition?.handlers;
  const signals: SignalEnvelope[] = [];
  const batch: BatchMail[] = [];
  const items: MailboxItem[] = [];
  let taken = 0;
  let first = true;
  while ((taken < limit || cell.systemLength > 0) && cell.takeNext(hand)) {
    taken += 1;
    const { head, body, from } = hand;
    if (from !== undefined) {
      const type = head as string;
      const handler = handlers?.get(type);
      if (first) {
        first = false;
        items.push(cell.mailOf(type, body, from));
        enterBatch(core, cell, type, -1);
      }
      if (from !== null && handler !== undefined) {
        batch.push(new BatchMail(type, body, from, null));
        continue;
      }
      const checked = bodyFor(core, cell, cell.mailOf(type, body, from), handler);
      if (checked !== UNHANDLED) batch.push(new BatchMail(type, checked, from, null));
      continue;
    }
    const item = head as MailboxItem;
    items.push(item);
    if (item.kind === 'signal') {
      signals.push(item);
      continue;
    }
    if (first) {
      first = false;
      enterBatch(core, cell, item.type, item.seq);
    }
    const checked = bodyFor(core, cell, item, handlers?.get(item.type));
    if (checked !== UNHANDLED) batch.push(new BatchMail(item.type, checked, item.from, answerTo(item, reply)));
  }
  core.counters.addMailboxDepth(-taken);
  core.counters.addMessages(batch.length);
  return { signals, batch, items };
};
