/**
 * The end of a durable actor in the journal: one commit says that it has stopped, consumes whatever mail it leaves,
 * tells its parent if it failed, and whoever is above of failures of its children that it did not get to hear. What it does not do: decide that it stops (life.ts).
 *
 * Invariants: D1 What is addressed to an actor that is about to stop is consumed with the stop or behind it, never
 * before: after a crash in between, the actor is there and has its mail.
 */
import type { StepLogEntry } from '../journal/shard-log.ts';
import type { ActorCell } from './cell.ts';
import { StepProgress, type DurableCell } from './durable-cell.ts';
import type { MailboxItem } from './envelope.ts';
import { lastWords, toldFurtherUp } from './family.ts';
import { positions } from './items.ts';
import type { Life } from './life.ts';
import type { ShardCore } from './shard-core.ts';
import type { StepWriter } from './step-writer.ts';

export interface DurableStopsParts {
  readonly core: ShardCore;
  readonly life: Life;
  readonly writer: StepWriter;
  /** What the last step held back leaves. */
  readonly release: (progress: StepProgress) => void;
}

/** What a mailbox had spilled: its positions, and what makes dead letters. */
interface Spilled {
  readonly seqs: readonly number[];
  readonly letters: readonly MailboxItem[];
}

export class DurableStops {
  readonly #parts: DurableStopsParts;
  readonly #core: ShardCore;

  constructor(parts: DurableStopsParts) {
    this.#parts = parts;
    this.#core = parts.core;
  }

  /** Writes that the actor has stopped, with whatever mail it leaves, then calls `bury`. */
  conclude(cell: ActorCell, durable: DurableCell, bury: () => void): void {
    if (this.#core.halted || this.#core.parts.log === null) {
      this.#parts.life.abandon(cell);
      return;
    }
    const spilled = this.#core.spilling.drain(cell);
    if (spilled.length === 0) {
      this.#write(cell, durable, { seqs: [], letters: [] }, bury);
      return;
    }
    const seqs = spilled.filter((item) => typeof item === 'number');
    this.#core.spilling.letters(cell, spilled).then(
      (letters) => this.#write(cell, durable, { seqs, letters }, bury),
      () => this.#parts.life.abandon(cell),
    );
  }

  #write(cell: ActorCell, durable: DurableCell, { seqs, letters }: Spilled, bury: () => void): void {
    const { progress, stopSeqs, stopOutgoing } = durable;
    this.#core.counters.addMailboxDepth(-cell.mailbox.length);
    const had = new Set([...cell.batch, ...(durable.retry ?? []), ...cell.mailbox.drain()]);
    // Its timers end with it.
    const left = [...had, ...letters, ...(cell.stash ?? []).filter((item) => !had.has(item))];
    const items = left.filter((item) => !this.#core.timers.isTick(item));
    cell.stash = null;
    const taken = [...new Set([...stopSeqs, ...progress.taken, ...positions(items), ...seqs])];
    const { by, reason = '' } = cell.stopRequest ?? {};
    const failed = by === 'failure';
    const last = durable.committed?.unpack();
    // Its own failure before those of its children, so that whoever hears of them knows that it is gone.
    const unheard = items.flatMap((item) => (item.kind === 'signal' ? toldFurtherUp(item) : []));
    const outgoing = [...(failed ? lastWords(cell, last) : progress.outgoing), ...unheard, ...stopOutgoing];
    const drop: StepLogEntry = { kind: 'drop', actor: cell.ref.id, taken, reason, stopped: true };
    durable.retry = items;
    durable.progress = new StepProgress();
    durable.stopWritten = true;
    this.#parts.writer.append({ entries: [drop], outgoing }).then(
      () => {
        if (!failed) this.#parts.release(progress);
        bury();
      },
      () => this.#parts.life.abandon(cell),
    );
  }
}
