/**
 * How snapshots become bytes: the latest of an actor, chunks of its history, its timers, its name, the mark of a shard,
 * and what a compaction keeps of what it cuts off. All are packed on the client's thread but for the marks, which hold
 * only numbers. It does no input or output.
 *
 * Invariant: every record is sealed with its table, shard and key (`codec.ts`), so that one that was changed, cut or
 * moved is noticed.
 */
import {
  addressFromTuple,
  type AddressTuple,
  addressToTuple,
  damaged,
  openSeal,
  pack,
  packData,
  Packed,
  seal,
  timerFromTuple,
  type TimerTuple,
  timerTuple,
  unpackData,
} from './codec.ts';
import { hashString } from '../protocol/ids.ts';
import type { ActorRecord, ActorSnapshot, ChildRecord, SnapshotMark, TimerRecord } from './shard-log.ts';

/** The latest snapshot of an actor, without its history. */
export interface ActorRow {
  readonly record: ActorRecord;
  readonly step: number;
  readonly state: unknown;
  readonly open: boolean;
  readonly timers: readonly TimerRecord[];
  readonly children: readonly ChildRecord[];
  /** Entries of its history that are in chunks. */
  readonly historyLength: number;
}

type ActorBody = readonly [
  ...record: readonly [string, string, unknown, AddressTuple, unknown],
  /** Absent before the first step: undefined and null are different states. */
  state: readonly [] | readonly [unknown],
  timers: readonly TimerTuple[],
  children: readonly (readonly [number, number, string])[],
];
type ActorTuple = readonly ['actors', number, number, string, number, boolean, number, Uint8Array];

/** What the journal's thread writes for one snapshot; it reads nothing but the numbers and the name. */
export type SnapshotWire = readonly [
  id: number,
  name: string,
  row: Uint8Array,
  /** Where the chunk begins in the history, and the chunk; null when nothing was added. */
  historyFirst: number,
  history: Uint8Array | null,
  /** null without timers. */
  timers: Uint8Array | null,
];

/** @throws MESSAGE_NOT_CLONEABLE */
export const encodeActorRow = (shard: number, row: ActorRow): Uint8Array => {
  const { id, name, module, export: exported, init, parent, options } = row.record;
  const body: ActorBody = [
    module,
    exported,
    init,
    addressToTuple(parent),
    options,
    row.state === undefined ? [] : [row.state],
    row.timers.map(timerTuple),
    row.children.map((child) => [child.shard, child.id, child.name] as const),
  ];
  // The body is packed apart, since who removes the actor only wants its name.
  return seal(pack(['actors', shard, id, name, row.step, row.open, row.historyLength, packData(body)]));
};

const openActor = (shard: number, id: number, bytes: Uint8Array): ActorTuple =>
  openSeal(bytes, 'actors', shard, id) as ActorTuple;

/** @throws JOURNAL_DAMAGED */
export const nameOfActorRow = (shard: number, id: number, bytes: Uint8Array): string => openActor(shard, id, bytes)[3];

/** @throws JOURNAL_DAMAGED */
export const decodeActorRow = (shard: number, id: number, bytes: Uint8Array): ActorRow => {
  const [, , , name, step, open, historyLength, packed] = openActor(shard, id, bytes);
  const [module, exported, init, parent, options, state, timers, children] = unpackData(packed) as ActorBody;
  return {
    record: { id, name, module, export: exported, init, parent: addressFromTuple(parent), options },
    step,
    state: state[0],
    open,
    timers: timers.map(timerFromTuple),
    children: children.map(([childShard, childId, childName]) => ({ shard: childShard, id: childId, name: childName })),
    historyLength,
  };
};

/** Entries of an actor's history from `first` on. @throws MESSAGE_NOT_CLONEABLE */
export const encodeHistory = (shard: number, id: number, first: number, entries: readonly unknown[]): Uint8Array =>
  seal(packData(['history', shard, id, first, entries]));

/** A chunk of a history and where it begins. */
export type HistoryChunk = readonly [first: number, bytes: Uint8Array];

/** @throws JOURNAL_DAMAGED unless the chunks make up `length` entries */
export const decodeHistory = (
  shard: number,
  id: number,
  chunks: readonly HistoryChunk[],
  length: number,
): unknown[] => {
  const history: unknown[] = [];
  const where = { table: 'history', shard, actor: id };
  for (const [first, bytes] of chunks) {
    if (history.length >= length) break;
    const opened = openSeal(bytes, 'history', shard, id, unpackData) as [string, number, number, number, unknown[]];
    const [, , , at, entries] = opened;
    if (at !== first || first !== history.length) {
      throw damaged(`the history of actor ${id} has a gap at ${history.length}`, { ...where, position: first });
    }
    for (const entry of entries) history.push(entry);
  }
  if (history.length !== length) {
    throw damaged(`the history of actor ${id} has ${history.length} entries, not ${length}`, {
      ...where,
      position: history.length,
    });
  }
  return history;
};

/** What the table of timers has of an actor; null when it has none. */
export const timersRecord = (shard: number, id: number, timers: readonly TimerRecord[]): Uint8Array | null => {
  const dues = timers.map(({ key, dueMs }) => [key, dueMs] as const);
  return timers.length === 0 ? null : seal(pack(['timers', shard, id, dues]));
};

/** @throws MESSAGE_NOT_CLONEABLE */
export const encodeSnapshot = (shard: number, snapshot: ActorSnapshot): SnapshotWire => {
  const { record, step, open, timers, children, history, historyBefore, packedState } = snapshot;
  const { id, name } = record;
  const state = packedState === undefined ? snapshot.state : new Packed(packedState);
  const historyLength = historyBefore + history.length;
  return [
    id,
    name,
    encodeActorRow(shard, { record, step, state, open, timers, children, historyLength }),
    historyBefore,
    history.length === 0 ? null : encodeHistory(shard, id, historyBefore, history),
    timersRecord(shard, id, timers),
  ];
};

/** @throws JOURNAL_DAMAGED */
export const decodeTimers = (shard: number, id: number, bytes: Uint8Array): readonly (readonly [string, number])[] =>
  (openSeal(bytes, 'timers', shard, id) as [string, number, number, [string, number][]])[3];

export const encodeName = (shard: number, name: string, id: number): Uint8Array =>
  seal(pack(['names', shard, hashString(name), name, id]));

/** @throws JOURNAL_DAMAGED @returns null for the record of another name that shares the key */
export const decodeName = (shard: number, name: string, bytes: Uint8Array): number | null => {
  const tuple = openSeal(bytes, 'names', shard, hashString(name)) as [string, number, number, string, number];
  return tuple[3] === name ? tuple[4] : null;
};

/** What the journal's thread knows of a shard at some moment, so that it can count on from there. */
export interface ShardCount {
  readonly position: number;
  readonly inboxNext: number;
  readonly idMax: number;
  /** `SeqSet.runs` */
  readonly unconsumed: readonly number[];
  readonly openTurns: readonly number[];
}

/** An actor that stopped, and a position of the inbox that its spawn is before. */
export type Stop = readonly [id: number, before: number];

export interface MarkRecord {
  readonly mark: SnapshotMark;
  /** As it was when the mark was moved. */
  readonly count: ShardCount;
  /** Actors that stopped before `mark.log` and may have been spawned at or after `mark.inbox`. */
  readonly stops: readonly Stop[];
}

export const encodeMark = (shard: number, { mark, count, stops }: MarkRecord): Uint8Array =>
  seal(
    pack([
      'marks',
      shard,
      0,
      mark.log,
      mark.inbox,
      count.position,
      count.inboxNext,
      count.idMax,
      count.unconsumed,
      count.openTurns,
      stops,
    ]),
  );

type MarkTuple = readonly [
  string,
  number,
  number,
  ...numbers: [number, number, number, number, number],
  number[],
  number[],
  Stop[],
];

/** @throws JOURNAL_DAMAGED */
export const decodeMark = (shard: number, bytes: Uint8Array): MarkRecord => {
  const tuple = openSeal(bytes, 'marks', shard, 0) as MarkTuple;
  const [, , , log, inbox, position, inboxNext, idMax, unconsumed, openTurns, stops] = tuple;
  return { mark: { log, inbox }, count: { position, inboxNext, idMax, unconsumed, openTurns }, stops };
};
