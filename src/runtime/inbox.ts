/**
 * What the journal delivers to a shard, at its opening and afterwards: mail and signals go to their actors with their
 * positions, spawns start actors, and what nobody can take is dropped in the journal.
 * What it does not do: decide what is due to be delivered; the journal does.
 *
 * Invariants: D1 Every delivered position ends in a step or in a drop, or stays in the journal for the next opening when
 * the turn of its actor was given up because the system stops; that of an actor which is stopping ends with the stop.
 * Nothing is delivered before the shard has
 * recovered.
 */
import type {
  ActorRecord,
  Delivery,
  Outgoing,
  RecoveredActor,
  RecoveredShard,
  StepLogEntry,
} from '../journal/shard-log.ts';
import { toMegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import { itemOf } from './delivered.ts';
import { EarlyDeliveries } from './early-deliveries.ts';
import type { MailboxItem, Signal } from './envelope.ts';
import { toldFurtherUp } from './family.ts';
import { heeds } from './handling.ts';
import type { Life } from './life.ts';
import { isMail, type ShardCore } from './shard-core.ts';

export interface InboxParts {
  readonly core: ShardCore;
  readonly life: Life;
  /** What the shard does with a spawn that is in the journal already. */
  readonly startJournaled: (record: ActorRecord, seq: number) => void;
  /** Keeps a delivery for an actor that is not in memory and may be passive. False when it cannot be. */
  readonly hold: (id: number, delivery: Delivery) => boolean;
}

/** What nobody here takes, and what of it goes on to somebody else in the same commit. */
interface Refused {
  readonly drops: StepLogEntry[];
  readonly forwards: Outgoing[];
}

/** Signals were taken before the mail, wherever they stand in the inbox. */
const inTheirOrder = ({ durable }: ActorCell): void => {
  if (durable === null || durable.retry === null) return;
  const place = new Map(durable.progress.taken.map((seq, index) => [seq, index]));
  durable.retry = durable.retry.toSorted((left, right) => (place.get(left.seq) ?? 0) - (place.get(right.seq) ?? 0));
};

export class Inbox {
  readonly #core: ShardCore;
  readonly #life: Life;
  readonly #startJournaled: InboxParts['startJournaled'];
  readonly #hold: InboxParts['hold'];
  /** For actors whose spawn may still come. */
  readonly #waiting: EarlyDeliveries;
  /** Deliveries that came before recovery was done; null afterwards. */
  #early: Delivery[] | null = [];

  constructor({ core, life, startJournaled, hold }: InboxParts) {
    this.#core = core;
    this.#life = life;
    this.#startJournaled = startJournaled;
    this.#hold = hold;
    this.#waiting = new EarlyDeliveries(core.parts.clock, (late) => this.#release(late, true));
  }

  /** The actor `id` is known now: what the journal delivered for it before is taken. */
  arrived(id: number): void {
    this.#release(this.#waiting.arrived(id), false);
  }

  readonly onDelivery = (deliveries: readonly Delivery[]): void => {
    if (this.#early !== null) {
      // One by one: a whole group may be more than a call takes arguments.
      for (const delivery of deliveries) this.#early.push(delivery);
      return;
    }
    const refused: Refused = { drops: [], forwards: [] };
    for (const delivery of deliveries) this.#deliver(delivery, refused);
    this.#drop(refused);
  };

  /** @param cells the actors made of `recovered.actors` */
  recover(recovered: RecoveredShard, cells: readonly ActorCell[]): void {
    const awaited = new Map<number, ActorCell>();
    recovered.actors.forEach((found: RecoveredActor, index) => {
      const cell = cells[index] as ActorCell;
      for (const seq of found.begun?.taken ?? []) awaited.set(seq, cell);
    });
    const refused: Refused = { drops: [], forwards: [] };
    for (const delivery of recovered.deliveries) this.#deliver(delivery, refused, awaited.get(delivery.seq));
    for (const cell of new Set(awaited.values())) inTheirOrder(cell);
    const early = this.#early ?? [];
    this.#early = null;
    for (const delivery of early) this.#deliver(delivery, refused);
    this.#drop(refused);
  }

  #release(deliveries: readonly Delivery[], expired: boolean): void {
    if (deliveries.length === 0) return;
    const refused: Refused = { drops: [], forwards: [] };
    for (const delivery of deliveries) this.#deliver(delivery, refused, undefined, expired);
    this.#drop(refused);
  }

  /** @param expired it waited for its actor for long enough */
  #deliver(delivery: Delivery, refused: Refused, interrupted?: ActorCell, expired = false): void {
    const { seq, entry } = delivery;
    this.#core.saves.delivered(seq);
    if (entry.kind === 'spawn') {
      this.#startJournaled(entry.actor, seq);
      return;
    }
    const to = entry.kind === 'mail' ? entry.mail.to : entry.to;
    if (interrupted === undefined && !this.#core.cells.has(to) && this.#hold(to, delivery)) return;
    if (interrupted === undefined && !expired && entry.kind === 'mail' && this.#mayCome(to, delivery)) return;
    const item = itemOf(this.#core, seq, entry);
    if (interrupted?.durable != null) {
      interrupted.durable.retry = [...(interrupted.durable.retry ?? []), item];
      return;
    }
    const reason = this.#hand(item);
    if (reason === null) return;
    const isGone = reason === 'not-found' || reason === 'stopped';
    const forwards = isGone && item.kind === 'signal' ? toldFurtherUp(item) : [];
    const durable = reason === 'stopped' ? this.#core.cells.get(to)?.durable : null;
    if (durable != null && !durable.stopWritten) {
      durable.stopSeqs.push(seq);
      durable.stopOutgoing.push(...forwards);
      return;
    }
    refused.drops.push({ kind: 'drop', actor: item.to, taken: [seq], reason, stopped: false });
    refused.forwards.push(...forwards);
    if (item.kind === 'signal' && item.signal.kind === 'stop' && reason === 'not-found') {
      this.#life.family.noSuchChild(item.from, item);
    }
  }

  /** Keeps mail for an actor that is neither here nor was. */
  #mayCome(id: number, delivery: Delivery): boolean {
    const { cells, saves } = this.#core;
    return !cells.has(id) && !saves.hasStopped(id) && this.#waiting.hold(id, delivery);
  }

  /** Gives the item to its actor. @returns why it is to be dropped, or null */
  #hand(item: MailboxItem): string | null {
    const cell = this.#core.cells.get(item.to);
    // The next opening delivers it again.
    if (cell?.status === 'abandoned' && cell.durable !== null) return null;
    if (cell === undefined || cell.ended) {
      const reason = cell === undefined ? 'not-found' : 'stopped';
      if (isMail(item)) this.#core.deadMail(item, reason, cell?.ref.name ?? '', 'ACTOR_NOT_FOUND');
      return reason;
    }
    if (item.kind === 'signal') return this.#handSignal(cell, item.signal, item);
    if (cell.durable !== null) {
      this.#core.force(cell, item);
      return null;
    }
    this.#core.offer(cell, { ...item, seq: -1 });
    return 'ephemeral';
  }

  #handSignal(cell: ActorCell, signal: Signal, item: MailboxItem): string | null {
    if (signal.kind === 'stop') {
      // The position is consumed when the actor has stopped, so that a crash before that repeats the wish.
      cell.durable?.stopSeqs.push(item.seq);
      this.#life.requestStop(cell, signal.reason);
      return cell.durable === null ? 'ephemeral' : null;
    }
    if (signal.kind === 'terminated') cell.watching?.delete(item.kind === 'signal' ? item.from.id : -1);
    // An actor without a handler has no use for the signal; one whose definition is still loading may have.
    const { definition } = cell;
    if (definition !== null && !heeds(definition, signal.kind)) {
      if (signal.kind === 'child-failed' && item.kind === 'signal') this.#life.childGaveUp(cell, item.from, signal);
      return 'unhandled-signal';
    }
    this.#core.force(cell, cell.durable === null ? { ...item, seq: -1 } : item);
    return cell.durable === null ? 'ephemeral' : null;
  }

  #drop({ drops, forwards }: Refused): void {
    const { log } = this.#core.parts;
    if (drops.length === 0 || log === null || this.#core.halted) return;
    log
      .append({ entries: drops, outgoing: forwards })
      .catch((thrown: unknown) => this.#core.halt(toMegactorError(thrown)));
  }
}
