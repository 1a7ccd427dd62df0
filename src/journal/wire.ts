/**
 * What the journal's thread and its clients say to each other: one union per direction. Several messages of one tick
 * travel as one packed, transferred byte array. Changing a tuple here changes both sides; they always run the same
 * version, since both are in one process.
 */
import type { ErrorWire } from '../protocol/errors.ts';
import type { EntryKind } from './codec.ts';
import type { DurabilityLevel } from './shard-log.ts';
import type { HistoryChunk, SnapshotWire } from './snapshot-codec.ts';

/** An outgoing entry: its shard, kind, the id of the actor if it is a spawn (else 0), its parent's address, and the packed entry. */
export type WireOutgoing = readonly [
  shard: number,
  kind: EntryKind,
  spawnId: number,
  parentShard: number,
  parentId: number,
  payload: Uint8Array,
];

/** null: the run's level. */
export type WireLevel = DurabilityLevel | null;

export type ClientMessage =
  /** An opening by an earlier life of a host than the last one is refused. */
  | readonly ['open', request: number, shard: number, incarnation: number]
  | readonly ['release', request: number, shard: number, epoch: number]
  | readonly [
      'append',
      request: number,
      shard: number,
      epoch: number,
      position: number,
      level: WireLevel,
      taken: readonly number[],
      opened: readonly number[],
      closed: readonly number[],
      stopped: readonly number[],
      entries: Uint8Array,
      outgoing: readonly WireOutgoing[],
    ]
  | readonly [
      'snapshot',
      request: number,
      shard: number,
      epoch: number,
      position: number,
      snapshots: readonly SnapshotWire[],
      mark: readonly [log: number, inbox: number] | null,
    ]
  /** Answered with `WireActor`s. */
  | readonly ['load', request: number, shard: number, epoch: number, ids: readonly number[]]
  /** Answered with an id or null. */
  | readonly ['find', request: number, shard: number, epoch: number, name: string]
  /** Answered with the packed entries, in the order of `seqs`. */
  | readonly ['read', request: number, shard: number, epoch: number, seqs: readonly number[]]
  /** Needs no owner: answered with a `WirePeek`, or with the `WireActor`s of `ids`. */
  | readonly ['peek', request: number, shard: number, ids: readonly number[] | null]
  | readonly ['deliver', request: number, level: WireLevel, outgoing: readonly WireOutgoing[]]
  | readonly ['get', request: number, store: string, key: string]
  | readonly ['range', request: number, store: string, from: string, to: string]
  | readonly ['result', request: number, store: string, effectId: string]
  | readonly [
      'commit',
      request: number,
      store: string,
      effectId: string | null,
      result: Uint8Array,
      changes: readonly (readonly [key: string, value: Uint8Array | null])[],
    ]
  | readonly ['pending', request: number]
  | readonly ['quiet']
  | readonly ['close', request: number];

export type AppendMessage = Extract<ClientMessage, readonly ['append', ...unknown[]]>;
export type SnapshotMessage = Extract<ClientMessage, readonly ['snapshot', ...unknown[]]>;
export type ReadMessage = Extract<ClientMessage, readonly ['load' | 'find' | 'read', ...unknown[]]>;
export type PeekMessage = Extract<ClientMessage, readonly ['peek', ...unknown[]]>;
export type CommitMessage = Extract<ClientMessage, readonly ['commit', ...unknown[]]>;

/** A raw record and the position or id it is stored at. */
export type WireRecord = readonly [first: number, bytes: Uint8Array];

/** The rows of an actor. */
export type WireActor = readonly [id: number, row: Uint8Array, history: readonly HistoryChunk[]];

/** How a shard stood when it was opened, as far as its records do not say it. */
export interface WireOpening {
  readonly epoch: number;
  /** Positions of the next append and the next inbox entry. */
  readonly position: number;
  readonly inboxEnd: number;
  /** The mark. */
  readonly log: number;
  readonly inbox: number;
  readonly idMax: number;
  /** Unconsumed positions, as `SeqSet.runs`. */
  readonly unconsumed: readonly number[];
  readonly openTurns: readonly number[];
  /** Actors that stopped before the mark and whose spawn may be after it. */
  readonly stopped: readonly number[];
}

/** What an opening would find, to be folded in the same way. */
export interface WirePeek {
  readonly opening: WireOpening;
  readonly inbox: readonly WireRecord[];
  readonly log: readonly WireRecord[];
}

export type ServerMessage =
  | readonly ['ok', request: number, value: unknown]
  | readonly ['failed', request: number, error: ErrorWire]
  /** Begins what an opening finds. */
  | readonly ['opening', request: number, shard: number, opening: WireOpening]
  /** A part of it; many of these come before the `opened`. */
  | readonly ['recover', request: number, shard: number, inbox: readonly WireRecord[], log: readonly WireRecord[]]
  /** Its end: how many actors have snapshots, and the timers of each that has some, packed. */
  | readonly ['opened', request: number, shard: number, actors: number, timers: readonly WireRecord[]]
  | readonly ['delivery', shard: number, epoch: number, firstSeq: number, payloads: readonly Uint8Array[]]
  | readonly ['quiet', epoch: number];

export type OpenedMessage = Extract<ServerMessage, readonly ['opened', ...unknown[]]>;
