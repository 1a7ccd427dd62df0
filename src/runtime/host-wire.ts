/** What a host starts with, and what the main thread may ask of it (the control plane). */
import type { MessagePort } from 'node:worker_threads';
import type { DeadLetter } from '../actor/index.ts';
import type { ActorRecord } from '../journal/shard-log.ts';
import type { ErrorWire } from '../protocol/errors.ts';
import type { EventBatch } from '../telemetry/index.ts';
import type { ActorCharge } from './blame.ts';
import type { ServiceDirectory, ServicePorts } from './service-client.ts';
import type { FoundActor } from './shard.ts';
import type { ShardLimits } from './shard-core.ts';
import type { ActorSnapshot, InspectOptions } from './snapshot.ts';

/** The host of a shard: fixed for the life of a system, so that nobody has to ask. */
export const hostOfShard = (shard: number, hosts: number): number => shard % hosts;

export interface HostTask {
  readonly host: number;
  readonly hosts: number;
  /** Shards of this host. */
  readonly owned: readonly number[];
  /** Shards of the system. */
  readonly shards: number;
  readonly seed: number;
  readonly incarnation: number;
  readonly counters: SharedArrayBuffer;
  /** Of this incarnation alone. */
  readonly pulse: SharedArrayBuffer;
  readonly beatMs: number;
  /** What its actors did to hosts before. */
  readonly charges: readonly ActorCharge[];
  readonly control: MessagePort;
  /** Data link to the main thread. */
  readonly main: MessagePort;
  /** Data links to the other hosts that run. */
  readonly peers: readonly (readonly [host: number, port: MessagePort])[];
  readonly directory: ServiceDirectory;
  readonly services: ServicePorts;
  readonly journal: MessagePort | null;
  readonly limits: Partial<ShardLimits>;
  readonly checkMail: boolean;
  /** One turn at a time over all shards, on a virtual clock. */
  readonly deterministic: boolean;
  /** Loaded as soon as the host runs; modules by their ids. */
  readonly definitions: readonly (readonly [module: string, name: string])[];
}

/** Sent over the data link to the main thread, beside batches of envelopes. */
export type FromHost =
  | { readonly kind: 'events'; readonly batch: EventBatch }
  | { readonly kind: 'shard-failed'; readonly shard: number; readonly error: ErrorWire }
  /** Message types by their numbers in this thread, from `first` on. */
  | { readonly kind: 'types'; readonly first: number; readonly types: readonly string[] };

/** The control plane of a host. */
export interface HostControl {
  /** Recovers the shards. @returns the largest id ever used */
  open(): Promise<number>;
  /** Begins to take envelopes and to run turns. */
  start(): void;
  spawn(shard: number, record: ActorRecord, durable: boolean): Promise<void>;
  lookup(name: string): Promise<FoundActor | null>;
  /** All actors in memory. */
  actors(): ActorSnapshot[];
  /** These actors of a shard, in memory or passive. */
  inspect(shard: number, ids: readonly number[], options?: InspectOptions): Promise<ActorSnapshot[]>;
  deadLetters(): DeadLetter[];
  /** A host died; its shards are these. */
  peerDied(host: number): void;
  /** It runs again. */
  peerBack(host: number): void;
  /** A host will not come back. */
  peerGone(host: number): void;
  attachPeer(host: number, port: MessagePort): void;
  quiesce(): void;
  /** Quiesces and waits for the turns under way until the deadline, then gives them up. */
  drain(deadlineMs: number): Promise<void>;
  /** Drains, closes everything and ends the host. */
  /** @param checkpoint whether what only the log says is put into snapshots first */
  stop(deadlineMs: number, checkpoint: boolean): Promise<void>;
}

/** How a control call comes back: Comlink loses the code of an error. */
export type Settled<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: ErrorWire };

type Guarded<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Settled<Awaited<Result>>>
    : never;
};

/** The control plane as it is exposed: every method settles with a value or an `ErrorWire`. */
export type GuardedControl = Guarded<HostControl>;
