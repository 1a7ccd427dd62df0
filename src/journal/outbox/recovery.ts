/**
 * What the rows of one shard say about its actors: spawn or snapshot, then the entries of the log beyond the mark, in
 * order. It decodes only the actors that have something to do. It changes no row.
 *
 * Invariants: F1 the first spawn of an id counts, also after its actor stopped. F2 entries of an actor that is not there
 * change nothing here.
 */
import { ActorFold } from '../actor-fold.ts';
import { unborn } from '../fold.ts';
import { unpackData } from '../codec.ts';
import type {
  ActorRecord,
  ChildRecord,
  InboxEntry,
  RecoveredActor,
  RecoveredShard,
  StepLogEntry,
  TimerRecord,
} from '../shard-log.ts';
import type { ActorRow } from '../snapshot-codec.ts';
import { decodeParcel, type Parcel } from './parcel.ts';

/** An actor's latest snapshot, without its history. */
export interface StoredSnapshot {
  readonly record: ActorRecord;
  readonly step: number;
  readonly state: Uint8Array;
  readonly open: boolean;
  readonly timers: readonly TimerRecord[];
  readonly children: readonly ChildRecord[];
}

/** One append as it is kept: its entries packed, and the children that its outgoing spawns gave to actors of the shard. */
export interface StoredAppend {
  readonly entries: Uint8Array;
  readonly spawned: readonly { readonly parent: number; readonly child: ChildRecord }[];
}

export interface ShardRows {
  readonly snapshots: ReadonlyMap<number, StoredSnapshot>;
  /** History that snapshots hold, packed entry by entry. */
  readonly histories: ReadonlyMap<number, readonly Uint8Array[]>;
  /** Spawns that the mark has not passed, by actor, in inbox order. */
  readonly spawns: ReadonlyMap<number, { readonly seq: number; readonly record: ActorRecord }>;
  /** Appends that the mark has not passed. */
  readonly log: readonly StoredAppend[];
  /** Mail and signals that are not consumed, by position. */
  readonly waiting: ReadonlyMap<number, Parcel>;
  readonly openTurns: ReadonlySet<number>;
  readonly idMax: number;
}

const receiverOf = (entry: InboxEntry): number => {
  if (entry.kind === 'spawn') return entry.actor.id;
  return entry.kind === 'mail' ? entry.mail.to : entry.to;
};

export const entriesOf = (append: StoredAppend): StepLogEntry[] => unpackData(append.entries) as StepLogEntry[];

const snapshotRow = (kept: StoredSnapshot, historyLength: number): ActorRow => ({
  ...kept,
  state: unpackData(kept.state),
  historyLength,
});

/** The actors among `ids` that are there, in the order of `ids`. */
const fold = (rows: ShardRows, ids: ReadonlySet<number>): RecoveredActor[] => {
  const logged = new Map([...ids].map((id) => [id, new ActorFold()]));
  for (const append of rows.log) {
    for (const entry of entriesOf(append)) {
      const own = append.spawned.filter(({ parent }) => parent === entry.actor);
      logged.get(entry.actor)?.apply(
        entry,
        own.map(({ child }) => child),
      );
    }
  }
  return [...logged].flatMap(([id, log]) => {
    const history = (rows.histories.get(id) ?? []).map(unpackData);
    const snapshot = rows.snapshots.get(id);
    if (snapshot !== undefined) return log.onto(snapshotRow(snapshot, history.length), history);
    const spawned = rows.spawns.get(id);
    return spawned === undefined ? [] : log.onto(unborn(spawned.record), []);
  });
};

/** Everything that an opening finds, decoded anew. */
export const recoverShard = (rows: ShardRows): RecoveredShard => {
  const deliveries = [...rows.waiting].map(([seq, parcel]) => ({ seq, entry: decodeParcel(parcel) }));
  const busy = new Set<number>();
  for (const id of rows.spawns.keys()) if (!rows.snapshots.has(id)) busy.add(id);
  for (const append of rows.log) for (const entry of entriesOf(append)) busy.add(entry.actor);
  for (const { entry } of deliveries) busy.add(receiverOf(entry));
  for (const id of rows.openTurns) busy.add(id);
  const passive = [...rows.snapshots].filter(([id]) => !busy.has(id));
  return {
    actors: fold(rows, new Set([...busy].sort((left, right) => left - right))),
    passive: passive.length,
    passiveTimers: passive.flatMap(([actor, { timers }]) => timers.map(({ key, dueMs }) => ({ actor, key, dueMs }))),
    deliveries,
    idMax: rows.idMax,
  };
};

/** The actors among `ids` that have a snapshot. */
export const loadActors = (rows: ShardRows, ids: readonly number[]): RecoveredActor[] =>
  fold(rows, new Set(ids.filter((id) => rows.snapshots.has(id))));
