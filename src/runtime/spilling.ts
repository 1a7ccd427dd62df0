/**
 * Full mailboxes of durable actors: what does not fit waits in the journal, where it is anyway, and the mailbox keeps its
 * position. Before the mailbox runs dry the next positions are read back, in bounded batches, one at a time per actor.
 * What it does not do: decide what fits (`Mailbox`), or spill signals that go first; those stay in memory.
 *
 * Invariants: A2 What is behind a full mailbox keeps its place, whatever it is: an ask or a tick, which no journal holds,
 * stays in memory between positions. A3 While something is spilled, there is enough in the mailbox or a refill is under
 * way, which wakes the actor. A4 A mailbox holds no more mail than its capacity. A journal that does not give back what it
 * has delivered is damaged: the shard halts.
 */
import { REFILL_MAX } from '../actor/index.ts';
import type { ShardLog } from '../journal/shard-log.ts';
import { MegactorError, toMegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import { itemOf } from './delivered.ts';
import type { MailboxItem, MailEnvelope } from './envelope.ts';
import type { ShardCore } from './shard-core.ts';

export class Spilling {
  readonly #core: ShardCore;
  #closed = false;

  constructor(core: ShardCore) {
    this.#core = core;
  }

  /** Adds to the user lane, past its bound unless the actor is durable. The mailbox depth is the caller's to count. */
  put(cell: ActorCell, item: MailboxItem): void {
    if (cell.durable === null) cell.mailbox.force(item);
    else if (!cell.mailbox.put(item, item.seq)) this.#spilled(cell);
  }

  /** Adds mail that the journal holds at `seq` and that is not in memory. */
  putPosition(cell: ActorCell, seq: number): void {
    this.#core.counters.addMailboxDepth(1);
    cell.mailbox.spill(seq);
    this.#spilled(cell);
  }

  /** After something was put into the mailbox of `cell`, or taken out of it. */
  refill(cell: ActorCell): void {
    const { mailbox } = cell;
    const before = mailbox.spilled;
    if (before === 0) return;
    const seqs = mailbox.beginRefill(this.#core.batchMaxOf(cell));
    this.#core.counters.add('spilled', mailbox.spilled - before);
    if (seqs.length > 0) void this.#read(cell, seqs);
  }

  /** Takes out everything that is spilled; nothing comes back into the mailbox any more. */
  drain(cell: ActorCell): readonly (number | MailboxItem)[] {
    const { spilled } = cell.mailbox;
    this.#core.counters.addMailboxDepth(-spilled);
    this.#core.counters.add('spilled', -spilled);
    return cell.mailbox.drainSpilled();
  }

  /**
   * What was drained, as far as it makes dead letters: mail that is read comes without its body and its position, and
   * equal mail is one object, so that a long line costs little.
   * @throws what the journal throws; the shard has halted then
   */
  async letters(cell: ActorCell, drained: readonly (number | MailboxItem)[]): Promise<MailboxItem[]> {
    const left: MailboxItem[] = [];
    let last: MailEnvelope | null = null;
    for (let at = 0; at < drained.length; at += REFILL_MAX) {
      const some = drained.slice(at, at + REFILL_MAX);
      const seqs = some.filter((item) => typeof item === 'number');
      const read = seqs.length === 0 ? [] : await this.#items(cell, seqs);
      let next = 0;
      for (const item of some) {
        if (typeof item !== 'number') {
          left.push(item);
          continue;
        }
        const found = read[next] as MailboxItem;
        next += 1;
        if (found.kind !== 'mail') continue;
        const isLikeLast = last !== null && last.type === found.type && isSame(last.from, found.from);
        const letter: MailEnvelope = isLikeLast ? (last as MailEnvelope) : { ...found, body: undefined, seq: -1 };
        last = letter;
        left.push(letter);
      }
    }
    return left;
  }

  close(): void {
    this.#closed = true;
  }

  #spilled(cell: ActorCell): void {
    this.#core.counters.add('spilled');
    this.refill(cell);
  }

  async #read(cell: ActorCell, seqs: readonly number[]): Promise<void> {
    const core = this.#core;
    let items: MailboxItem[];
    try {
      items = await this.#items(cell, seqs);
    } catch {
      return;
    }
    // Who has stopped has settled what was spilled; for who was given up it stays in the journal.
    if (core.halted || cell.ended || !cell.mailbox.isRefilling) return;
    cell.mailbox.endRefill(items);
    core.counters.add('spilled', -items.length);
    this.refill(cell);
    if (cell.mailbox.length > 0) core.wake(cell);
  }

  /** @throws what the journal throws; the shard has halted then */
  async #items(cell: ActorCell, seqs: readonly number[]): Promise<MailboxItem[]> {
    try {
      const read = await (this.#core.parts.log as ShardLog).read(seqs);
      return seqs.map((seq, index) => {
        const { seq: found, entry } = read[index] ?? { seq: -1, entry: null };
        const item = found !== seq || entry === null || entry.kind === 'spawn' ? null : itemOf(this.#core, seq, entry);
        if (item?.to === cell.ref.id) return item;
        throw new MegactorError('JOURNAL_DAMAGED', `mail for '${cell.ref.name}' is not there`, {
          details: { shard: this.#core.shard, seq },
        });
      });
    } catch (thrown) {
      if (!this.#closed) this.#core.halt(toMegactorError(thrown));
      throw thrown;
    }
  }
}

const isSame = (left: MailEnvelope['from'], right: MailEnvelope['from']): boolean =>
  left?.shard === right?.shard && left?.id === right?.id;
