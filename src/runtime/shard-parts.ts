/** Everything that is injected into a shard. Types only. */
import type { JournalClient, ShardLog } from '../journal/shard-log.ts';
import type { Clock, Random } from '../platform/index.ts';
import type { MegactorError } from '../protocol/errors.ts';
import type { ServiceCallOptions } from '../protocol/service.ts';
import type { CounterRow, EventInput } from '../telemetry/index.ts';
import type { ActorCharge } from './blame.ts';
import type { DefinitionLoader } from './definition-loader.ts';
import type { Envelope } from './envelope.ts';
import type { PulseWriter } from './host-pulse.ts';
import type { SerialOrder } from './serial-order.ts';
import type { ShardLimits } from './shard-limits.ts';

/** The way to other shards. */
export interface ShardLinks {
  /**
   * `local`: the receiver has it already. `queued`: it leaves with the next batch and will be acknowledged.
   * `refused`: it cannot be taken.
   */
  send(envelope: Envelope): 'local' | 'queued' | 'refused';
}

/** The way to services. */
export type ServiceCaller = (
  service: string,
  method: string,
  args: unknown,
  options: ServiceCallOptions & { caller: string },
) => Promise<unknown>;

export interface ShardParts {
  readonly shard: number;
  /** Number of shards of the system. */
  readonly shards: number;
  readonly seed: number;
  /** Counts the starts of this shard within the process, so that ids and asks are never used twice. */
  readonly incarnation: number;
  readonly clock: Clock;
  /** For jitter only; what handlers see is seeded by name and step. */
  readonly random: Random;
  readonly links: ShardLinks;
  /** null without a journal. */
  readonly log: ShardLog | null;
  readonly journal: Pick<JournalClient, 'deliver'> | null;
  readonly callService: ServiceCaller;
  readonly loader: DefinitionLoader;
  readonly counters: CounterRow;
  readonly onEvent: (event: EventInput) => void;
  /** The shard cannot go on: its journal failed. */
  readonly onFailure: (error: MegactorError) => void;
  readonly limits?: Partial<ShardLimits>;
  /** Pass messages within the shard through the codec and freeze them, so that tests see what threads would do. */
  readonly checkMail?: boolean;
  /** Says whose code runs; default: to nobody. */
  readonly pulse?: PulseWriter;
  /** What actors of this shard did to its threads before. */
  readonly charges?: readonly ActorCharge[];
  /** Starts turns one by one over all shards of the host, instead of this shard's run queue. */
  readonly serial?: SerialOrder | undefined;
}
