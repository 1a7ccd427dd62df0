/**
 * What the journal's thread and its clients say to each other: one union per direction. Several messages of one tick
 * travel as one packed, transferred byte array. Changing a tuple here changes both sides; they always run the same
 * version, since both are in one process.
 */
import type { ErrorWire } from '../protocol/errors.ts';
import type { EntryKind } from './codec.ts';
import type { DurabilityLevel } from './shard-log.ts';

/** An outgoing entry: its shard, kind, the id of the actor if it is a spawn (else 0), and the packed entry. */
export type WireOutgoing = readonly [shard: number, kind: EntryKind, spawnId: number, payload: Uint8Array];

/** null: the run's level. */
export type WireLevel = DurabilityLevel | null;

export type ClientMessage =
  | readonly ['open', request: number, shard: number]
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
      entries: Uint8Array,
      outgoing: readonly WireOutgoing[],
    ]
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
export type CommitMessage = Extract<ClientMessage, readonly ['commit', ...unknown[]]>;

/** A raw record and the position it is stored at. */
export type WireRecord = readonly [first: number, bytes: Uint8Array];

export type ServerMessage =
  | readonly ['ok', request: number, value: unknown]
  | readonly ['failed', request: number, error: ErrorWire]
  /** Part of what an opening finds; many of these come before the `opened`. */
  | readonly ['recover', request: number, shard: number, inbox: readonly WireRecord[], log: readonly WireRecord[]]
  | readonly ['opened', request: number, shard: number, epoch: number, position: number, inboxEnd: number]
  | readonly ['delivery', shard: number, epoch: number, firstSeq: number, payloads: readonly Uint8Array[]]
  | readonly ['quiet', epoch: number];

export type OpenedMessage = Extract<ServerMessage, readonly ['opened', ...unknown[]]>;
