/**
 * Turns of ephemeral actors. A synchronous handler makes no promise: its turn goes on with the next message until the
 * mailbox is empty or one of two caps is reached, messages or milliseconds. An asynchronous handler ends its turn.
 * What it does not do: durable steps, or decide what becomes of a failed actor.
 *
 * Invariants: A1 A turn starts only from the run queue, and an actor is in it only while no turn of it is under way.
 */
import type { ActorCell } from './cell.ts';
import { NO_ITEMS } from './cell.ts';
import type { CellContext } from './cell-context.ts';
import type { LoadedDefinition } from './definition-loader.ts';
import { isAllMail, type MailboxItem, type MailEnvelope } from './envelope.ts';
import {
  batchFor,
  enterStart,
  handleMail,
  handleSignal,
  isPromise,
  turnOf,
  UNHANDLED,
  type Replier,
} from './handling.ts';
import type { Life } from './life.ts';
import { BATCH_MAX, isMail, isSignal, type ShardCore } from './shard-core.ts';

/** The clock is read once per this many messages of a turn. */
const CLOCK_EVERY = 8;

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
    const until = core.loopMs + core.limits.turnMs;
    for (let count = 1; ; count += 1) {
      const item = core.take(cell);
      if (item === undefined) break;
      let result: unknown;
      try {
        result = item.kind === 'mail' ? handleMail(core, cell, item) : handleSignal(core, cell, item);
      } catch (thrown) {
        this.#fail(cell, thrown, [item]);
        return;
      }
      if (isPromise(result)) {
        this.#await(cell, result, [item]);
        return;
      }
      this.#settle(cell, item, result);
      if (cell.stopRequest !== null || count >= messagesMax) break;
      if (count % CLOCK_EVERY === 0 && core.clock.monotonic() >= until) break;
    }
    this.#end(cell);
  }

  #batch(cell: ActorCell): void {
    const items = this.#core.takeBatch(cell);
    cell.batch = items;
    let result: unknown;
    try {
      result = isAllMail(items) ? this.#callBatch(cell, items) : this.#signalsFirst(cell, items);
    } catch (thrown) {
      this.#fail(cell, thrown, items);
      return;
    }
    if (isPromise(result)) this.#await(cell, result, items);
    else this.#end(cell);
  }

  async #signalsFirst(cell: ActorCell, items: readonly MailboxItem[]): Promise<void> {
    for (const signal of items.filter(isSignal)) await handleSignal(this.#core, cell, signal);
    await this.#callBatch(cell, items.filter(isMail));
  }

  #callBatch(cell: ActorCell, mails: readonly MailEnvelope[]): unknown {
    const batch = batchFor(this.#core, cell, mails, this.#reply);
    if (batch.length === 0) return undefined;
    cell.current = null;
    return (cell.definition as LoadedDefinition).receiveBatch?.(cell.state, batch, cell.context as CellContext);
  }

  #await(cell: ActorCell, result: PromiseLike<unknown>, items: MailboxItem[]): void {
    const { turn } = cell;
    cell.batch = items;
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
    cell.current = null;
    cell.batch = NO_ITEMS;
    cell.abort = null;
    this.#life.turnWentWell(cell);
    this.#core.turnOver();
    if (cell.stopRequest === null) this.#core.turnEnded(cell, cell.mailbox.length > 0);
    else this.#life.stopNow(cell);
  }

  #fail(cell: ActorCell, thrown: unknown, items: readonly MailboxItem[]): void {
    cell.current = null;
    cell.batch = NO_ITEMS;
    cell.abort = null;
    this.#core.turnOver();
    this.#life.failed(cell, thrown, items);
  }
}
