/**
 * Mail that comes to a durable actor over a link or from its own shard: a tell is journaled first and comes back as a
 * delivery, an ask goes into the mailbox. What it does not do: take what the journal delivers (inbox.ts).
 *
 * Invariants: A2 An ask waits for the tells before it, and what comes behind an ask that waits does too. A4 No more waits
 * than the mailbox may hold.
 */
import type { ActorCell } from './cell.ts';
import type { DurableCell } from './durable-cell.ts';
import type { MailEnvelope } from './envelope.ts';
import type { ShardCore } from './shard-core.ts';

export class DurableMail {
  readonly #core: ShardCore;

  constructor(core: ShardCore) {
    this.#core = core;
  }

  /** False when it is refused; then it is a dead letter. */
  take(cell: ActorCell, durable: DurableCell, mail: MailEnvelope): boolean {
    const waits = durable.held.length > 0 || (mail.ask !== 0 && durable.delivering > 0);
    // An ask is in no journal: where tells keep a position each, only so many may wait.
    if (mail.ask !== 0 && (waits ? durable.held.length : cell.mailbox.behind) >= cell.options.mailbox.capacity) {
      this.#refuse(cell, mail);
      return false;
    }
    if (waits) this.#wait(cell, durable, mail);
    else if (mail.ask !== 0) this.#core.force(cell, mail);
    else this.#deliver(cell, durable, mail);
    return true;
  }

  #deliver(cell: ActorCell, durable: DurableCell, mail: MailEnvelope): void {
    const { journal, shard } = this.#core.parts;
    const { to, from, type, body } = mail;
    durable.delivering += 1;
    const settle = (): void => {
      durable.delivering -= 1;
      // Who has stopped has settled what was held; for who was given up the journal still takes tells.
      if (durable.delivering > 0 || (cell.ended && cell.status !== 'abandoned')) return;
      const { held } = durable;
      durable.held = [];
      for (const next of held) this.take(cell, durable, next);
    };
    journal?.deliver([{ shard, entry: { kind: 'mail', mail: { to, from, type, body } } }]).then(settle, () => {
      this.#core.deadMail(mail, 'journal-failed', cell.ref.name, 'DISK');
      settle();
    });
  }

  /** When too much waits, the asks are refused, so that the tells go where tells wait: into the journal. */
  #wait(cell: ActorCell, durable: DurableCell, mail: MailEnvelope): void {
    durable.held.push(mail);
    if (durable.held.length <= cell.options.mailbox.capacity) return;
    const { held } = durable;
    durable.held = [];
    for (const each of held) if (each.ask !== 0) this.#refuse(cell, each);
    for (const each of held) if (each.ask === 0) this.take(cell, durable, each);
  }

  #refuse(cell: ActorCell, mail: MailEnvelope): void {
    this.#core.deadMail(mail, 'mailbox-full', cell.ref.name, 'MAILBOX_FULL');
  }
}
