/**
 * What travels between shards, as one union. `shard` is the receiving shard (−1: the main thread) and `source` the
 * sending one: credits are counted per pair of shards, and replies go back to the source.
 * What it does not do: pack (envelope-codec.ts) or carry (the links).
 */
import type { ActorRef, Intensity } from '../actor/index.ts';
import type { ActorRecord } from '../journal/shard-log.ts';
import type { ErrorWire } from '../protocol/errors.ts';
import type { ActorAddress } from '../protocol/ids.ts';

/** Version of the envelopes between the threads of one system. */
export const ENVELOPE_VERSION = 2;

/** A tell or an ask. One shape for both, so that the hot path sees one kind of object. */
export interface MailEnvelope {
  readonly kind: 'mail';
  readonly shard: number;
  readonly source: number;
  readonly to: number;
  /** null: from outside of any actor. */
  readonly from: ActorRef | null;
  readonly type: string;
  readonly body: unknown;
  /** Number of the ask in the source's table; 0 for a tell. */
  readonly ask: number;
  /** Position in the inbox of the journal; −1 for mail that is not journaled. */
  readonly seq: number;
}

/** What the runtime tells an actor. */
export type Signal =
  /** `last`: the state a durable actor had committed when it failed for good; the main thread alone is told. */
  | { readonly kind: 'terminated'; readonly reason: string; readonly last?: unknown }
  /**
   * `exceeded`: it used up its restarts. `up`: who is to be told when the parent is gone, nearest first. `last`: the state
   * a durable child had committed.
   */
  | {
      readonly kind: 'child-failed';
      readonly reason: string;
      readonly exceeded?: boolean;
      readonly up: readonly ActorAddress[];
      readonly last?: unknown;
    }
  | { readonly kind: 'stop'; readonly reason: string };

export type ChildFailed = Extract<Signal, { kind: 'child-failed' }>;

/** A signal on its way to an actor, or to the watchers in the main thread (`to` is then the id of the stopped actor). */
export interface SignalEnvelope {
  readonly kind: 'signal';
  readonly shard: number;
  readonly source: number;
  readonly to: number;
  /** Whom it is about. */
  readonly from: ActorRef;
  readonly signal: Signal;
  readonly seq: number;
}

export interface ReplyEnvelope {
  readonly kind: 'reply';
  readonly shard: number;
  readonly source: number;
  readonly ask: number;
  readonly value: unknown;
  /** null when the ask succeeded. */
  readonly error: ErrorWire | null;
}

/** Asks to be told when `to` stops: as somebody who watches, or as its parent. */
export interface WatchEnvelope {
  readonly kind: 'watch';
  readonly shard: number;
  readonly source: number;
  readonly to: number;
  /** null: the main thread watches. */
  readonly watcher: ActorRef | null;
  readonly as: 'watcher' | 'parent';
}

/** Starts an actor on another shard. */
export interface SpawnEnvelope {
  readonly kind: 'spawn';
  readonly shard: number;
  readonly source: number;
  readonly record: ActorRecord;
  readonly durable: boolean;
  readonly ask: number;
}

/** Asks whether the actor of that name is there; the reply is its ref, or null. */
export interface LookupEnvelope {
  readonly kind: 'lookup';
  readonly shard: number;
  readonly source: number;
  readonly name: string;
  readonly ask: number;
}

/** Bookkeeping between a parent and its children, whatever the reason of the stop was. */
export interface FamilyEnvelope {
  readonly kind: 'child-stopped' | 'child-here';
  readonly shard: number;
  readonly source: number;
  /** The parent. */
  readonly to: number;
  readonly child: ActorRef;
  /** With `child-here`. */
  readonly durable?: boolean;
}

/**
 * What a child tells the supervisor that decides about it. `failed`: it waits, and is to be started again. `halted`: it
 * waits, because it was told to. `up`: it runs again.
 */
export interface ChildReport {
  readonly kind: 'child-report';
  readonly shard: number;
  readonly source: number;
  /** The supervisor. */
  readonly to: number;
  readonly child: ActorRef;
  readonly durable: boolean;
  readonly report: 'failed' | 'halted' | 'up';
  /** Of the order that this answers; 0 for `failed`. */
  readonly order: number;
  readonly reason: string;
  /** By its own backoff, before it is started again. */
  readonly delayMs: number;
  /** The one in its spawn options. */
  readonly intensity: Intensity;
}

/**
 * What a supervisor tells a child. `halt`: end the turn and wait. `start`: go on with a fresh start. `give-up`: the restarts
 * are used up. `alone`: nobody supervises it any more.
 */
export interface SuperviseEnvelope {
  readonly kind: 'supervise';
  readonly shard: number;
  readonly source: number;
  readonly to: number;
  readonly from: ActorRef;
  readonly wish: 'halt' | 'start' | 'give-up' | 'alone';
  /** Grows with every order of a supervisor, so that a late answer to an earlier one is told from it. */
  readonly order: number;
  readonly reason: string;
  /** With `start`: how long the child is to wait before. */
  readonly delayMs: number;
}

/** `count` envelopes from `shard` have arrived at `source`. */
export interface CreditEnvelope {
  readonly kind: 'credit';
  readonly shard: number;
  readonly source: number;
  readonly count: number;
}

export type Envelope =
  | MailEnvelope
  | SignalEnvelope
  | ReplyEnvelope
  | WatchEnvelope
  | SpawnEnvelope
  | LookupEnvelope
  | FamilyEnvelope
  | ChildReport
  | SuperviseEnvelope
  | CreditEnvelope;

/** What an actor's mailbox holds. */
export type MailboxItem = MailEnvelope | SignalEnvelope;
