/**
 * What a replay needs of a journal beyond its appends: where the log of a shard begins (with nothing, or with the
 * snapshots of its compaction), who was spawned since, and what an append would be like once stored. Reads only.
 */
import type { BackendReads } from './backend.ts';
import { decodeBase } from './base.ts';
import {
  decodeInboxEntry,
  decodeInboxRecord,
  decodeLogEntries,
  decodeLogRecord,
  encodeInboxEntry,
  encodeLogEntries,
  SPAWN,
} from './codec.ts';
import { recoveredFrom } from './fold.ts';
import type { HashChains } from './log-hash.ts';
import type { ActorRecord, LogAppend, RecoveredActor, StepLogEntry } from './shard-log.ts';

export interface ShardOrigin {
  /** Of all that came before. */
  readonly chains: HashChains;
  /** Of the actors that were there. */
  readonly names: ReadonlyMap<number, string>;
  /** As they were; what they had begun is in `begun`. */
  readonly actors: readonly RecoveredActor[];
  /** What was known of steps in progress. */
  readonly begun: readonly StepLogEntry[];
}

/** A journal that may have been compacted. */
interface CompactedReads extends BackendReads {
  /** The snapshots of a shard's actors that its compaction made. */
  origins(shard: number): Iterable<readonly [id: number, row: Uint8Array]>;
}

/** @throws JOURNAL_DAMAGED */
export const originOf = (reads: CompactedReads, shard: number): ShardOrigin => {
  const { chains, names, log, position } = decodeBase(shard, reads.base(shard));
  const actors = [...reads.origins(shard)].map(([id, row]) =>
    recoveredFrom(shard, [id, row, reads.history(shard, id)]),
  );
  const begun: StepLogEntry[] = [];
  for (const { first, bytes } of reads.log(shard, log)) {
    if (first >= position) break;
    const { appends } = decodeLogRecord(shard, first, bytes);
    for (const [, , , entries] of appends.slice(0, position - first)) {
      for (const entry of decodeLogEntries(entries)) begun.push(entry);
    }
  }
  return { chains, names, actors, begun };
};

/** @throws JOURNAL_DAMAGED */
export function* spawnsOf(reads: BackendReads, shard: number): Iterable<ActorRecord> {
  const { inbox } = decodeBase(shard, reads.base(shard));
  for (const { first, bytes } of reads.inbox(shard, inbox)) {
    const { kinds, payloads } = decodeInboxRecord(shard, first, bytes);
    for (const [index, payload] of payloads.entries()) {
      if (kinds[index] !== SPAWN || first + index < inbox) continue;
      const entry = decodeInboxEntry(payload);
      if (entry.kind === 'spawn') yield entry.actor;
    }
  }
}

/** An append as it would be read back. @throws MESSAGE_NOT_CLONEABLE */
export const asStored = ({ entries, outgoing }: LogAppend): LogAppend => ({
  entries: decodeLogEntries(encodeLogEntries(entries)),
  outgoing: outgoing.map(({ shard, entry }) => ({ shard, entry: decodeInboxEntry(encodeInboxEntry(entry)) })),
});
