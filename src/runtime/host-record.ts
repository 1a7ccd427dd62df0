/** Hosts as the main thread keeps them and shows them to others, and what they need from it. Data only. */
import type { Clock } from '../platform/index.ts';
import type { MegactorError } from '../protocol/errors.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { ControlClient } from './control-client.ts';
import type { Envelope } from './envelope.ts';
import type { Ground, HostThreads } from './ground.ts';
import type { PulseReader, RunningTurn } from './host-pulse.ts';
import type { FromHost, HostTask } from './host-wire.ts';
import type { PeerLink } from './peer-link.ts';
import type { ServiceThreads } from './service-threads.ts';
import type { HostDeath } from './system-options.ts';

/** A host as it looks from outside, without its help. */
export interface HostState {
  readonly host: number;
  readonly shards: readonly number[];
  /** `silent`: it has given no sign of life for a while. `down`: it is being replaced, or was given up. */
  readonly state: 'running' | 'silent' | 'down';
  readonly silentMs: number;
  /** Whose code runs at this moment. */
  readonly actor: ActorAddress | null;
}

/** What a host said; `value` is undefined when it is silent or down, and says nothing. */
export interface HostAnswer<Value> {
  readonly state: HostState;
  readonly value: Value | undefined;
}

export interface HostRecord {
  readonly index: number;
  readonly owned: readonly number[];
  readonly link: PeerLink;
  control: ControlClient | null;
  /** Resolves when the task of the present incarnation has ended, however. */
  ended: Promise<void>;
  /** Of the present incarnation. */
  pulse: PulseReader;
  types: readonly string[];
  kill: (error: MegactorError) => void;
  /** It has not recovered yet. */
  opening: boolean;
  incarnation: number;
  up: boolean;
}

export interface HostsParts {
  /** Time of the main thread. */
  readonly clock: Clock;
  readonly ground: Ground;
  readonly pool: HostThreads;
  readonly services: ServiceThreads;
  /** What is the same in every task. */
  readonly common: Pick<
    HostTask,
    'hosts' | 'shards' | 'seed' | 'counters' | 'directory' | 'limits' | 'checkMail' | 'deterministic' | 'definitions'
  >;
  readonly restartsMax: number;
  readonly blockedAfterMs: number;
  readonly onEnvelopes: (envelopes: readonly Envelope[]) => void;
  readonly onRefused: (envelope: Envelope, error: MegactorError) => void;
  readonly onMessage: (message: Exclude<FromHost, { kind: 'types' }>) => void;
  /** A message ended a host and is nowhere else. */
  readonly onPoison: (turn: RunningTurn, type: string) => void;
  /** A host died; `shards` are its. */
  readonly onDied: (shards: readonly number[], error: MegactorError) => void;
  /** The shards run again. */
  readonly onBack: (shards: readonly number[], idMax: number) => void;
  readonly onDeath: (death: HostDeath) => void;
}
