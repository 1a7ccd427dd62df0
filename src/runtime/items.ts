/** Small facts about envelopes and what mailboxes hold. Pure. */
import { MAIN_SHARD } from '../protocol/ids.ts';
import type { ActorCell } from './cell.ts';
import type { MailboxItem, MailEnvelope, SignalEnvelope } from './envelope.ts';

/** Mail for self from a timer, or anything else that never leaves the shard. */
export const ownMail = (cell: ActorCell, type: string, body: unknown): MailEnvelope =>
  cell.mailOf(type, body, cell.ref);

export const isMain = (shard: number): boolean => shard === MAIN_SHARD;

/** Type guard, for filters. */
export const isMail = (item: MailboxItem): item is MailEnvelope => item.kind === 'mail';
export const isSignal = (item: MailboxItem): item is SignalEnvelope => item.kind === 'signal';

/** Where the journal holds them. */
export const positions = (items: readonly MailboxItem[]): number[] =>
  items.map((item) => item.seq).filter((seq) => seq >= 0);
