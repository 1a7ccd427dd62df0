/**
 * What the rows of one shard say about its actors: spawn or snapshot, then the entries of the log beyond the mark, in
 * order. It decodes only the actors that have something to do. It changes no row.
 *
 * Invariants: F1 the first spawn of an id counts, also after its actor stopped. F2 an entry of a step that a snapshot
 * holds changes nothing (J6). F3 entries of an actor that is not there change nothing here.
 */
import { unpack } from '../codec.ts';
import type {
  ActorRecord,
  ChildRecord,
  InboxEntry,
  RecoveredActor,
  RecoveredShard,
  StepEntry,
  StepLogEntry,
  TimerRecord,
} from '../shard-log.ts';
import { isOpen } from '../shard-state.ts';
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

interface Begun {
  readonly step: number;
  taken: readonly number[];
  readonly effects: Map<string, unknown>;
  readonly intents: Set<string>;
}

interface FoldedActor {
  readonly record: ActorRecord;
  step: number;
  state: unknown;
  readonly history: unknown[];
  readonly historySaved: number;
  open: boolean;
  readonly timers: Map<string, TimerRecord>;
  readonly children: Map<number, ChildRecord>;
  begun: Begun | null;
}

const receiverOf = (entry: InboxEntry): number => {
  if (entry.kind === 'spawn') return entry.actor.id;
  return entry.kind === 'mail' ? entry.mail.to : entry.to;
};

export const entriesOf = (append: StoredAppend): StepLogEntry[] => unpack(append.entries) as StepLogEntry[];

const fromSnapshot = (rows: ShardRows, id: number): FoldedActor | undefined => {
  const kept = rows.snapshots.get(id);
  if (kept === undefined) return undefined;
  const history = (rows.histories.get(id) ?? []).map(unpack);
  return {
    record: kept.record,
    step: kept.step,
    state: unpack(kept.state),
    history,
    historySaved: history.length,
    open: kept.open,
    timers: new Map(kept.timers.map((timer) => [timer.key, timer])),
    children: new Map(kept.children.map((child) => [child.id, child])),
    begun: null,
  };
};

const fromSpawn = (record: ActorRecord): FoldedActor => ({
  record,
  step: 0,
  state: undefined,
  history: [],
  historySaved: 0,
  open: false,
  timers: new Map(),
  children: new Map(),
  begun: null,
});

const begunOf = (actor: FoldedActor, step: number): Begun => {
  if (actor.begun?.step !== step) actor.begun = { step, taken: [], effects: new Map(), intents: new Set() };
  return actor.begun;
};

const applyStep = (actor: FoldedActor, entry: StepEntry): void => {
  actor.step = entry.step + 1;
  actor.state = entry.state;
  for (const added of entry.history) actor.history.push(added);
  for (const { key, timer } of entry.timers ?? []) {
    if (timer === null) actor.timers.delete(key);
    else actor.timers.set(key, timer);
  }
  actor.open = isOpen(entry);
  actor.begun = null;
};

const applyEntry = (actor: FoldedActor, entry: StepLogEntry): void => {
  if (entry.kind === 'drop') {
    // The step in progress goes on without the mail that was dropped from it.
    if (actor.begun !== null) actor.begun.taken = actor.begun.taken.filter((seq) => !entry.taken.includes(seq));
    return;
  }
  if (entry.step < actor.step) return;
  switch (entry.kind) {
    case 'begin': {
      const begun = begunOf(actor, entry.step);
      begun.taken = entry.taken;
      if (!begun.effects.has(entry.key)) begun.intents.add(entry.key);
      return;
    }
    case 'effect': {
      const begun = begunOf(actor, entry.step);
      begun.effects.set(entry.key, entry.result);
      begun.intents.delete(entry.key);
      return;
    }
    case 'step':
      applyStep(actor, entry);
      return;
    default:
      entry satisfies never;
  }
};

const recovered = (actor: FoldedActor): RecoveredActor => ({
  record: actor.record,
  step: actor.step,
  state: actor.state,
  history: actor.history,
  historySaved: actor.historySaved,
  open: actor.open,
  timers: [...actor.timers.values()],
  children: [...actor.children.values()],
  begun:
    actor.begun === null
      ? null
      : { taken: actor.begun.taken, effects: actor.begun.effects, intents: [...actor.begun.intents] },
});

/** The actors among `ids` that are there, in the order of `ids`. */
const fold = (rows: ShardRows, ids: ReadonlySet<number>): RecoveredActor[] => {
  const actors = new Map<number, FoldedActor>();
  for (const id of ids) {
    const spawned = rows.spawns.get(id);
    const actor = fromSnapshot(rows, id) ?? (spawned === undefined ? undefined : fromSpawn(spawned.record));
    if (actor !== undefined) actors.set(id, actor);
  }
  for (const append of rows.log) {
    for (const entry of entriesOf(append)) {
      const actor = actors.get(entry.actor);
      if (actor !== undefined) applyEntry(actor, entry);
    }
    for (const { parent, child } of append.spawned) actors.get(parent)?.children.set(child.id, child);
  }
  return [...actors.values()].map(recovered);
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
    actors: fold(rows, busy),
    passive: passive.length,
    passiveTimers: passive.flatMap(([actor, { timers }]) => timers.map(({ key, dueMs }) => ({ actor, key, dueMs }))),
    deliveries,
    idMax: rows.idMax,
  };
};

/** The actors among `ids` that have a snapshot. */
export const loadActors = (rows: ShardRows, ids: readonly number[]): RecoveredActor[] =>
  fold(rows, new Set(ids.filter((id) => rows.snapshots.has(id))));
