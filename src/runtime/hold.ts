/** Why an actor with mail has no turn. What it does not do: hold anybody back, or let go. */
import type { ActorCell } from './cell.ts';
import type { ShardCore } from './shard-core.ts';

/** What holds an actor back that has mail. */
export type Hold =
  'starting' | 'poll' | 'backoff' | 'supervisor' | 'stash' | 'refill' | 'credit' | 'pause' | 'stopping' | null;

/** null when nothing does: it is queued or at work, or has no mail. */
export const holdOf = ({ paused, credits }: ShardCore, cell: ActorCell): Hold => {
  if (cell.status === 'starting') return 'starting';
  if (cell.status === 'polling') return 'poll';
  if (cell.status === 'restarting') return cell.waiting === null ? 'backoff' : 'supervisor';
  if (cell.status === 'stopping') return 'stopping';
  if (paused && cell.status === 'queued') return 'pause';
  if (credits.blocked && cell.status === 'queued') return 'credit';
  if (cell.mailbox.length > 0) return null;
  if (cell.mailbox.spilled > 0) return 'refill';
  return (cell.stash?.length ?? 0) > 0 ? 'stash' : null;
};
