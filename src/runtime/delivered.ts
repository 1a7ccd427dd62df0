/** What the journal delivers, as the items that mailboxes hold. */
import { refOfAddress, type ActorRef } from '../actor/index.ts';
import type { InboxEntry } from '../journal/shard-log.ts';
import type { MailboxItem, Signal } from './envelope.ts';
import type { ShardCore } from './shard-core.ts';

const refOf = (core: ShardCore, address: { readonly shard: number; readonly id: number }): ActorRef =>
  core.cells.get(address.id)?.ref ?? refOfAddress(address);

export const itemOf = (core: ShardCore, seq: number, entry: Exclude<InboxEntry, { kind: 'spawn' }>): MailboxItem => {
  const { shard } = core;
  if (entry.kind === 'signal') {
    const { to, from, signal } = entry;
    return { kind: 'signal', shard, source: shard, to, from: refOf(core, from), signal: signal as Signal, seq };
  }
  const { to, from, type, body } = entry.mail;
  const sender = from === null ? null : refOf(core, from);
  return { kind: 'mail', shard, source: shard, to, from: sender, type, body, ask: 0, seq };
};
