/**
 * Says of shards that are not kept from their beginnings where counting and hashing go on: behind every append that sent
 * something which is in no inbox any more, since readers look up what an append sent.
 *
 * Invariant: B3 A reader finds everything that an append behind the base of its shard has sent.
 */
import type { ShardBase } from '../base.ts';
import { SENT_FIELDS } from '../codec.ts';
import { ShardHash } from '../log-hash.ts';
import { Tally } from '../tally.ts';
import type { Cut } from './cut.ts';
import type { SettledShard } from './settle.ts';
import type { ReadAppend, ReadShard, ReadShards } from './shards.ts';

/** Whether a position of an inbox is in what is written of it. */
export type IsThere = (shard: number, seq: number) => boolean;

const hasSentWhatIsGone = ({ stored }: ReadAppend, isThere: IsThere): boolean => {
  const sent = stored[4];
  for (let at = 0; at < sent.length; at += SENT_FIELDS) {
    if (!isThere(sent[at] ?? 0, sent[at + 1] ?? 0)) return true;
  }
  return false;
};

const namesOf = (read: ReadShards, shard: ReadShard, settled: SettledShard): Map<number, string> => {
  const names = new Map(shard.start.base.names);
  for (const [id, { row }] of settled.actors) names.set(id, row.record.name);
  for (const [id, { record }] of read.spawns[shard.shard] ?? []) names.set(id, record.name);
  return names;
};

/** The base that is written for a shard; null for one that is kept from its beginning and whole. */
export const baseFor = (
  read: ReadShards,
  shard: ReadShard,
  cut: Cut,
  settled: SettledShard,
  isThere: IsThere,
): ShardBase | null => {
  const { kind, base } = shard.start;
  const kept = shard.appends.filter(({ position }) => position >= base.position && position < cut.log);
  const last = kept.findLast((append) => hasSentWhatIsGone(append, isThere));
  if (last === undefined && kind !== 'mark') return kind === 'beginning' ? null : base;
  const names = namesOf(read, shard, settled);
  if (last === undefined) return { ...base, names };
  const tally = new Tally(base.counts, base.begun);
  const hash = new ShardHash(base.chains);
  for (const { position, entries } of shard.appends) {
    if (position < base.position) hash.remember(entries);
    else if (position <= last.position) {
      for (const entry of entries) tally.add(entry);
      hash.add(entries, [], (actor) => names.get(actor) ?? '');
    }
  }
  const { chains } = hash;
  return { ...base, position: last.position + 1, chains, counts: tally.counts, begun: tally.begun, names };
};
