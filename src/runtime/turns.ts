/**
 * Turns of ephemeral actors. A synchronous handler makes no promise: its turn goes on with the next message until the
 * mailbox is empty or one of two caps is reached, messages or milliseconds. An asynchronous handler ends its turn.
 * What it does not do: durable steps, or decide what becomes of a failed actor.
 *
 * Invariants: A1 A turn starts only from the run queue, and an actor is in it only while no turn of it is under way.
 */
import type { Hand } from '../actor/index.ts';
import type { ActorCell } from './cell.ts';
import { NO_ITEMS } from './cell.ts';
import type { CellContext } from './cell-context.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import { takeForTurn, type Replier, type TakenBatch } from './batch.ts';
import type { MailboxItem } from './envelope.ts';
import { enterStart, handleMail, handleSignal, isPromise, turnOf, UNHANDLED } from './handling.ts';
import type { Life } from './life.ts';
import { BATCH_MAX, isMail, type ShardCore } from './shard-core.ts';

/** The clock is read after so many messages of a turn, and then for at most twice as many while they are short. */
const CLOCK_EVERY = 8;
/** Messages between two readings that took no longer than this together are short. */
const SHORT_MS = 0.1;

export class Turns {
  readonly #core: ShardCore;
  readonly #life: Life;
  readonly #reply: Replier = (mail, value) => this.#core.reply(mail, value);

  constructor(core: ShardCore, life: Life) {
    this.#core = core;
    this.#life = life;
  }

  run(cell: ActorCell): void {
    cell.status = 'running';
    cell.turn += 1;
    this.#core.turnStarted();
    if (cell.begins) this.#begin(cell);
    else if (cell.definition?.receiveBatch === undefined) this.#single(cell, cell.definition?.batchMax ?? BATCH_MAX);
    else this.#batch(cell);
  }

  /** The turn before any mail. */
  #begin(cell: ActorCell): void {
    cell.begins = false;
    enterStart(this.#core, cell);
    let result: unknown;
    try {
      result = cell.definition?.onStart?.(cell.state, cell.context as CellContext);
    } catch (thrown) {
      this.#fail(cell, thrown, NO_ITEMS);
      return;
    }
    if (isPromise(result)) this.#await(cell, result, NO_ITEMS);
    else this.#end(cell);
  }

  #single(cell: ActorCell, messagesMax: number): void {
    const core = this.#core;
    const { hand, counters, pulse } = core;
    const { handlers } = cell.definition as LoadedDefinition;
    const until = core.loopMs + core.limits.turnMs;
    let readAt = CLOCK_EVERY;
    let lastMs = core.loopMs;
    let taken = 0;
    let tells = 0;
    // The type that the pulse was told of; negative when it was told of none, or of a message that is no tell in parts.
    let number = -1;
    while (cell.takeNext(hand)) {
      taken += 1;
      const handler = hand.from === undefined ? undefined : handlers.get(hand.head as string);
      if (handler === undefined || (hand.from === null && handler.schema !== undefined)) {
        number = -1;
        if (!this.#whole(cell, itemIn(hand, cell))) {
          counters.addTaken(taken, tells);
          return;
        }
      } else {
        tells += 1;
        if (number < 0) pulse.enter(core.shard, cell.ref.id, false, handler.number, -1);
        else if (number !== handler.number) pulse.on(handler.number);
        ({ number } = handler);
        core.inHand = cell;
        let result: unknown;
        try {
          result = handler.handle?.(cell.state, hand.body, cell.context as CellContext);
        } catch (thrown) {
          counters.addTaken(taken, tells);
          this.#fail(cell, thrown, [itemIn(hand, cell)]);
          return;
        }
        if (isPromise(result)) {
          counters.addTaken(taken, tells);
          const mail = itemIn(hand, cell);
          cell.current = core.inHand === cell && isMail(mail) ? mail : null;
          this.#await(cell, result, [mail]);
          return;
        }
      }
      if (cell.stopRequest !== null || taken >= messagesMax) break;
      if (taken === readAt) {
        const nowMs = core.clock.monotonic();
        if (nowMs >= until) break;
        // While messages are short, one reading does for more of them.
        readAt += nowMs - lastMs < SHORT_MS ? 2 * CLOCK_EVERY : CLOCK_EVERY;
        lastMs = nowMs;
      }
    }
    counters.addTaken(taken, tells);
    this.#end(cell);
  }

  /** Handles what is no tell in parts, or needs a closer look. False when the turn does not go on. */
  #whole(cell: ActorCell, item: MailboxItem): boolean {
    const core = this.#core;
    core.inHand = null;
    let result: unknown;
    try {
      result = item.kind === 'mail' ? handleMail(core, cell, item) : handleSignal(core, cell, item);
    } catch (thrown) {
      this.#fail(cell, thrown, [item]);
      return false;
    }
    if (isPromise(result)) {
      this.#await(cell, result, [item]);
      return false;
    }
    this.#settle(cell, item, result);
    cell.current = null;
    return true;
  }

  #batch(cell: ActorCell): void {
    const taken = takeForTurn(this.#core, cell, this.#reply);
    const { items, batch, signals } = taken;
    cell.batch = items;
    let result: unknown;
    try {
      result = signals.length === 0 ? this.#callBatch(cell, batch) : this.#signalsFirst(cell, taken);
    } catch (thrown) {
      this.#fail(cell, thrown, items);
      return;
    }
    if (isPromise(result)) this.#await(cell, result, items);
    else this.#end(cell);
  }

  async #signalsFirst(cell: ActorCell, { signals, batch }: TakenBatch): Promise<void> {
    for (const signal of signals) await handleSignal(this.#core, cell, signal);
    await this.#callBatch(cell, batch);
  }

  #callBatch(cell: ActorCell, batch: TakenBatch['batch']): unknown {
    if (batch.length === 0) return undefined;
    cell.current = null;
    return (cell.definition as LoadedDefinition).receiveBatch?.(cell.state, batch, cell.context as CellContext);
  }

  #await(cell: ActorCell, result: PromiseLike<unknown>, items: MailboxItem[]): void {
    const { turn } = cell;
    cell.batch = items;
    // Whoever goes on later has its own mail.
    this.#core.inHand = null;
    this.#core.pulse.waiting(turnOf(this.#core, cell), result);
    result.then(
      (value) => {
        if (cell.turn !== turn || cell.status !== 'running') return;
        const [item] = items;
        if (item !== undefined && cell.definition?.receiveBatch === undefined) this.#settle(cell, item, value);
        this.#end(cell);
      },
      (thrown: unknown) => {
        if (cell.turn === turn && cell.status === 'running') this.#fail(cell, thrown, items);
      },
    );
  }

  #settle(cell: ActorCell, item: MailboxItem, value: unknown): void {
    // A stashed message is answered when it is handled again.
    if (item.kind === 'mail' && value !== UNHANDLED && cell.current === item) this.#core.reply(item, value);
  }

  #end(cell: ActorCell): void {
    this.#letGo(cell);
    if (!cell.isPlain) this.#life.turnWentWell(cell);
    this.#core.turnOver();
    if (cell.stopRequest === null) this.#core.turnEnded(cell, cell.length > 0);
    else this.#life.stopNow(cell);
  }

  #fail(cell: ActorCell, thrown: unknown, items: readonly MailboxItem[]): void {
    this.#letGo(cell);
    this.#core.turnOver();
    this.#life.failed(cell, thrown, items);
  }

  /** Nothing of the turn is held any more. */
  #letGo(cell: ActorCell): void {
    this.#core.inHand = null;
    this.#core.hand.body = undefined;
    cell.current = null;
    cell.batch = NO_ITEMS;
    cell.abort = null;
  }
}

/** What was taken, as one item. */
const itemIn = ({ head, body, from }: Hand, cell: ActorCell): MailboxItem =>
  from === undefined ? (head as MailboxItem) : cell.mailOf(head as string, body, from);
