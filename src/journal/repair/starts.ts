/**
 * From where a shard of a damaged journal can be read: from its beginning, from where it was compacted, or from its
 * mark. Behind a start only snapshots say what was.
 *
 * Invariant: T1 What is kept of a shard never ends before its start.
 */
import { BASE_OF_BEGINNING, decodeBase, type ShardBase } from '../base.ts';
import { NO_COUNTS } from '../tally.ts';
import { CHAINS_START } from '../log-hash.ts';
import { endKey } from '../lmdb-tables.ts';
import { SeqSet } from '../seq-set.ts';
import { decodeMark, type MarkRecord } from '../snapshot-codec.ts';
import type { Located, PageReader } from './pages.ts';
import type { Salvage } from './salvage.ts';

export interface Start {
  readonly kind: 'beginning' | 'base' | 'mark';
  /** What it means to start here; of a mark with the names left out, which its snapshots tell. */
  readonly base: ShardBase;
  /** The mail before `base.inbox` that the shard had not consumed; null: what the inbox still holds. */
  readonly unconsumed: SeqSet | null;
  /** Actors that stopped before and may have been spawned since. */
  readonly stopped: readonly number[];
}

const decoded = <Row>(reader: PageReader, rows: readonly Located[], decode: (bytes: Uint8Array) => Row): Row | null => {
  for (const row of rows) {
    try {
      return decode(reader.value(row) ?? new Uint8Array());
    } catch {
      // An older one may be intact.
    }
  }
  return null;
};

const BEGINNING: Start = { kind: 'beginning', base: BASE_OF_BEGINNING, unconsumed: null, stopped: [] };

const startAtMark = ({ mark, count, stops }: MarkRecord): Start => {
  const unconsumed = new SeqSet();
  unconsumed.addRuns(count.unconsumed);
  const { idMax, openTurns } = count;
  const { log, inbox } = mark;
  const base: ShardBase = {
    log,
    position: log,
    inbox,
    idMax,
    openTurns,
    chains: CHAINS_START,
    counts: NO_COUNTS,
    begun: [],
    names: new Map(),
  };
  return { kind: 'mark', base, unconsumed, stopped: stops.map(([id]) => id) };
};

/** A compaction keeps one append before its position; a base with more is of an earlier repair (`bases.ts`). */
const startAtBase = (base: ShardBase): Start => {
  const isCompacted = base.position - base.log <= 1;
  const kind = isCompacted || base.log + base.inbox > 0 ? 'base' : 'beginning';
  return { kind, base: isCompacted ? base : { ...base, position: base.log }, unconsumed: null, stopped: [] };
};

/** Where base and mark are lost, what is left of a shard that does not reach back to its beginning are the snapshots. */
const startAtEnd = (salvage: Salvage, shard: number): Start => {
  const endOf = (table: 'inbox' | 'log'): number => {
    const last = Math.max(-1, ...(salvage.records[table].get(shard)?.keys() ?? []));
    return Math.max(salvage.ends.get(endKey(table, shard)) ?? 0, last + 1);
  };
  const [log, inbox] = [endOf('log'), endOf('inbox')];
  const count = {
    position: log,
    inboxNext: inbox,
    idMax: Math.max(0, ...salvage.snapshots.ids(shard)),
    unconsumed: [],
    openTurns: [],
  };
  return startAtMark({ mark: { log, inbox }, count, stops: [] });
};

/** Whether a shard has actors, and nothing of what happened at its beginning. */
export const lacksBeginning = (salvage: Salvage, shard: number): boolean =>
  salvage.snapshots.ids(shard).length > 0 &&
  salvage.records.log.get(shard)?.has(0) !== true &&
  salvage.records.inbox.get(shard)?.has(0) !== true;

/** The places to start from in a shard, the earliest first; at least one. */
export const startsOf = (reader: PageReader, salvage: Salvage, shard: number, isCompacted: boolean): Start[] => {
  const { snapshots } = salvage;
  const base = decoded(reader, snapshots.bases(shard), (bytes) => decodeBase(shard, bytes));
  const mark = decoded(reader, snapshots.marks(shard), (bytes) => decodeMark(shard, bytes));
  const starts: Start[] = [];
  if (base !== null) starts.push(startAtBase(base));
  else if (mark === null && isCompacted && lacksBeginning(salvage, shard)) starts.push(startAtEnd(salvage, shard));
  else if (!isCompacted || mark === null) starts.push(BEGINNING);
  if (mark !== null && mark.mark.log >= (base?.position ?? 0)) starts.push(startAtMark(mark));
  return starts;
};
