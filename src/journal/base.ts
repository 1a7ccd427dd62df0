/**
 * What a compaction keeps of the part of a shard that it cuts off: where the rest begins, and what counting and hashing
 * go on from. A journal that was never compacted has the base of its beginning. It does no input or output.
 */
import { openSeal, pack, seal } from './codec.ts';
import { CHAINS_START, type HashChains } from './log-hash.ts';
import { type BegunKeys, type JournalCounts, NO_COUNTS } from './tally.ts';

export interface ShardBase {
  /** Where the log that is kept begins. What it holds before `position` is of steps in progress, written anew. */
  readonly log: number;
  /** The positions at which the shard was cut off: everything below says how things stood there. */
  readonly position: number;
  readonly inbox: number;
  readonly idMax: number;
  readonly openTurns: readonly number[];
  readonly chains: HashChains;
  readonly counts: Readonly<JournalCounts>;
  readonly begun: readonly BegunKeys[];
  /** Of the actors that were there, since one that stops later takes its name along. */
  readonly names: ReadonlyMap<number, string>;
}

export const BASE_OF_BEGINNING: ShardBase = {
  log: 0,
  position: 0,
  inbox: 0,
  idMax: 0,
  openTurns: [],
  chains: CHAINS_START,
  counts: NO_COUNTS,
  begun: [],
  names: new Map(),
};

type BaseTuple = readonly ['bases', number, 0, Omit<ShardBase, 'names'>, (readonly [number, string])[]];

export const encodeBase = (shard: number, { names, ...rest }: ShardBase): Uint8Array =>
  seal(pack(['bases', shard, 0, rest, [...names]]));

/** @throws JOURNAL_DAMAGED */
export const decodeBase = (shard: number, bytes: Uint8Array | undefined): ShardBase => {
  if (bytes === undefined) return BASE_OF_BEGINNING;
  const [, , , rest, names] = openSeal(bytes, 'bases', shard, 0) as BaseTuple;
  return { ...rest, names: new Map(names) };
};
