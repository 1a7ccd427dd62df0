/** How a system is started: what a caller may give, and what is made of it. */
import { z } from 'zod';
import { coreCount, freshSeed, type Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { SHARDS_MAX, type ActorAddress } from '../protocol/ids.ts';
import type { EventRecord } from '../protocol/event.ts';
import type { ServiceSpec } from '../protocol/service.ts';
import type { DurabilityLevel } from '../journal/shard-log.ts';
import type { ActorDefinition } from '../actor/index.ts';
import { toModuleId } from './module-id.ts';
import { processGround, type Ground } from './ground.ts';
import type { ShardLimits } from './shard-core.ts';

/** A host's thread ended without having been asked to. */
export interface HostDeath {
  readonly host: number;
  readonly shards: readonly number[];
  readonly error: MegactorError;
  /** False when it is not replaced, because too many died: its shards stand still. */
  readonly replaced: boolean;
  /** The actor whose code ended it, if that is known. */
  readonly blamed: ActorAddress | null;
}

/** Something without which the system cannot go on as it should. */
export interface SystemFailure {
  readonly part: 'service' | 'shard';
  /** The name of the service thread, or the number of the shard. */
  readonly name: string;
  readonly error: MegactorError;
}

export interface JournalOptions {
  /** null: in memory. */
  readonly directory: string | null;
  readonly durability: DurabilityLevel;
  /** The caller has the lease of the directory, and keeps it until the system has stopped. */
  readonly leased?: boolean;
}

export interface StopOptions {
  /** How long turns under way may take to end. Default 5 s. */
  readonly deadlineMs?: number;
  /** Whether what only the log says is put into snapshots first. Default true. */
  readonly checkpoint?: boolean;
}

export interface SystemOptions {
  /** Default: as many as there are cores, at most one per shard. */
  readonly threads?: number;
  /** Default 8. Fixed for the life of a journal. */
  readonly shards?: number;
  /** Default: a fresh one. */
  readonly seed?: number;
  /** A directory (durability `flushed`), or more of it. One system at a time may have it. Default: no journal. */
  readonly journal?: string | JournalOptions;
  readonly services?: readonly ServiceSpec[];
  /**
   * Aborted before or during the start, that rejects with ABORTED and leaves nothing behind; aborted later, the system
   * stops as by `stop()`.
   */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: EventRecord) => void;
  /** What a service sent with `host.notify`. */
  readonly onServiceMessage?: (service: string, message: unknown) => void;
  readonly onHostDeath?: (death: HostDeath) => void;
  readonly onFailure?: (failure: SystemFailure) => void;
  /** Most replacements of hosts within a minute. Default 5. */
  readonly hostRestartsMax?: number;
  /**
   * Milliseconds without a sign of life after which a host is taken for blocked by an actor that does not give its
   * thread back, is ended and replaced. 0: never, for work with a debugger. Default 10,000.
   */
  readonly blockedAfterMs?: number;
  /** Most megabytes of objects per host. Default 4,096. */
  readonly maxOldGenerationMb?: number;
  /** For tests: pass messages between actors of one thread through the codec, and freeze them. */
  readonly checkMail?: boolean;
  /**
   * Actors that will be spawned: hosts load their modules as soon as they run, so that no first spawn waits for that.
   * Default: a module is loaded by the first spawn on each host.
   */
  readonly definitions?: readonly Pick<ActorDefinition, 'module' | 'export'>[];
  readonly limits?: Partial<ShardLimits>;
  /**
   * Milliseconds without a turn after which a durable actor leaves the memory; whatever is sent to it brings it back.
   * 0 or Infinity: never by time. Default 300,000. An actor's own spawn option goes before.
   */
  readonly passivateAfterMs?: number;
  /**
   * Durable actors of all shards that stay in memory; beyond, those that have rested longest leave it. A wish, not a
   * bound: busy actors stay. 0 or Infinity: no cap. Default 100,000.
   */
  readonly residentMax?: number;
  /** How far the snapshots of a shard may be behind its log. Default: 4,000 entries, 64 MiB of states. */
  readonly checkpoint?: { readonly entries?: number; readonly bytes?: number };
  /**
   * One host thread that runs one turn at a time, on a virtual clock, in an order that follows from the journal: the same
   * mail from outside, put into the journal while all is quiet, gives the same log. Slower; no `threads` beside 1.
   */
  readonly deterministic?: boolean;
  /** Time of the main thread. Hosts keep the process's own. */
  readonly clock?: Clock;
  /** For simulations: another ground than the process's own threads, ports and time. */
  readonly ground?: Ground;
  /**
   * Programs of the threads, for a service that bundles this package: what it made of `megactor/host-entry` and
   * `megactor/service-entry`. Default: files of these names beside this package's code.
   */
  readonly hostEntry?: URL;
  readonly serviceEntry?: URL;
}

/** Below, collections of garbage and a busy machine would be blamed. */
const BLOCKED_AFTER_MIN_MS = 250;
const BLOCKED_AFTER_MS = 10_000;

const schema = z.object({
  threads: z.int().min(1).max(SHARDS_MAX).optional(),
  shards: z.int().min(1).max(SHARDS_MAX).optional(),
  seed: z.int().nonnegative().optional(),
  hostRestartsMax: z.int().nonnegative().optional(),
  maxOldGenerationMb: z.int().positive().optional(),
  blockedAfterMs: z.union([z.literal(0), z.number().min(BLOCKED_AFTER_MIN_MS)]).optional(),
  passivateAfterMs: z.union([z.number().nonnegative(), z.literal(Infinity)]).optional(),
  residentMax: z.union([z.int().nonnegative(), z.literal(Infinity)]).optional(),
  checkpoint: z
    .strictObject({ entries: z.int().positive().optional(), bytes: z.int().positive().optional() })
    .optional(),
  deterministic: z.boolean().optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

export interface SystemSettings {
  readonly hosts: number;
  readonly shards: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly ground: Ground;
  readonly journal: JournalOptions | null;
  readonly hostRestartsMax: number;
  readonly maxOldGenerationMb: number;
  readonly blockedAfterMs: number;
  readonly limits: Partial<ShardLimits>;
  readonly deterministic: boolean;
  /** Modules by their ids. */
  readonly definitions: readonly (readonly [module: string, name: string])[];
}

const RESIDENT_MAX = 100_000;

/** 0 is a way to say that there is no limit. */
const orNever = (limit: number): number => (limit === 0 ? Infinity : limit);

/** What the options say about every shard. */
const limitsOf = (options: SystemOptions, shards: number): Partial<ShardLimits> => {
  const { passivateAfterMs, residentMax, checkpoint } = options;
  return {
    ...options.limits,
    ...(passivateAfterMs === undefined ? {} : { passivateAfterMs: orNever(passivateAfterMs) }),
    residentMax: Math.max(1, Math.ceil(orNever(residentMax ?? RESIDENT_MAX) / shards)),
    ...(checkpoint?.entries === undefined ? {} : { checkpointEntries: checkpoint.entries }),
    ...(checkpoint?.bytes === undefined ? {} : { checkpointBytes: checkpoint.bytes }),
  };
};

/** @throws CONFIG_INVALID */
export const resolveSystemOptions = (options: SystemOptions): SystemSettings => {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw new MegactorError('CONFIG_INVALID', `system options: ${z.prettifyError(parsed.error)}`);
  const shards = options.shards ?? 8;
  const { journal, deterministic = false, ground = processGround } = options;
  if (deterministic && (options.threads ?? 1) !== 1) {
    throw new MegactorError('CONFIG_INVALID', 'system options: a deterministic system has one thread');
  }
  return {
    shards,
    hosts: deterministic ? 1 : Math.min(options.threads ?? coreCount(), shards),
    seed: options.seed ?? freshSeed(),
    clock: options.clock ?? ground.clock,
    ground,
    journal: typeof journal === 'string' ? { directory: journal, durability: 'flushed' } : (journal ?? null),
    hostRestartsMax: options.hostRestartsMax ?? 5,
    maxOldGenerationMb: options.maxOldGenerationMb ?? 4_096,
    blockedAfterMs: options.blockedAfterMs ?? BLOCKED_AFTER_MS,
    limits: limitsOf(options, shards),
    deterministic,
    definitions: (options.definitions ?? []).map(({ module, export: name }) => [toModuleId(module), name]),
  };
};
