/** Spawn options as a user gives them, checked and completed. */
import { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { SpawnOptions } from './definition.ts';
import { MAILBOX_CAPACITY, type MailboxLimits } from './mailbox.ts';
import { SUPERVISION_DEFAULT, type SupervisionPolicy } from './policy.ts';

/** What outlives a spawn; kept in the actor's record. Plain data. */
export interface ActorOptions {
  readonly supervision: SupervisionPolicy;
  readonly mailbox: MailboxLimits;
  readonly pollIntervalMs: number;
  /** Of a durable actor: idle time after which it leaves the memory, 0 for never. Absent: as the system says. */
  readonly passivateAfterMs?: number;
  /** Of a durable actor: its parent's parent and so on, nearest first; who hears of its failure when the parent is gone. */
  readonly ancestors?: readonly ActorAddress[];
  /** How long a turn may go on after the actor was told to stop, and how long `onStop` may take. Absent: as the system says. */
  readonly stopTimeoutMs?: number;
  /** Its parent decides about restarts, because they concern others too. */
  readonly supervised?: true;
}

const milliseconds = z.number().nonnegative().finite();

const schema = z.strictObject({
  name: z.string().min(1).max(256).optional(),
  durable: z.boolean().optional(),
  restart: z.enum(['permanent', 'transient', 'temporary']).optional(),
  intensity: z.strictObject({ max: z.int().nonnegative(), withinMs: milliseconds }).optional(),
  restartsInARowMax: z.int().nonnegative().optional(),
  backoff: z.strictObject({ minMs: milliseconds, maxMs: milliseconds }).optional(),
  mailbox: z
    .strictObject({
      capacity: z.int().positive().optional(),
      overflow: z.enum(['reject', 'spill', 'drop-new', 'unbounded']).optional(),
    })
    .optional(),
  pollIntervalMs: milliseconds.optional(),
  passivateAfterMs: z.union([milliseconds, z.literal(Infinity)]).optional(),
  stopTimeoutMs: milliseconds.optional(),
  shard: z.int().nonnegative().optional(),
  placement: z
    .union([
      z.enum(['same-shard', 'round-robin', 'by-name']),
      z.strictObject({ key: z.union([z.string(), z.number()]) }),
      z.strictObject({ shard: z.int().nonnegative() }),
    ])
    .optional(),
  id: z.int().positive().optional(),
});

/** @throws CONFIG_INVALID */
export const checkPollInterval = (ms: number): number => {
  if (milliseconds.safeParse(ms).success) return ms;
  throw new MegactorError('CONFIG_INVALID', `a poll interval is a number of milliseconds, not ${ms}`);
};

const EPHEMERAL: ActorOptions = {
  supervision: SUPERVISION_DEFAULT,
  mailbox: { capacity: MAILBOX_CAPACITY, overflow: 'reject' },
  pollIntervalMs: 0,
};

/** True when only who it is and where it lives was asked for. */
const saysNothing = (options: SpawnOptions): boolean =>
  options.restart === undefined &&
  options.intensity === undefined &&
  options.restartsInARowMax === undefined &&
  options.backoff === undefined &&
  options.mailbox === undefined &&
  options.pollIntervalMs === undefined &&
  options.passivateAfterMs === undefined &&
  options.stopTimeoutMs === undefined;

/** @throws CONFIG_INVALID naming the field */
export const resolveSpawnOptions = (options: SpawnOptions | undefined): ActorOptions => {
  if (options === undefined) return EPHEMERAL;
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    throw new MegactorError('CONFIG_INVALID', `spawn options: ${z.prettifyError(parsed.error)}`);
  }
  if (options.shard !== undefined && options.placement !== undefined) {
    throw new MegactorError('CONFIG_INVALID', 'spawn options: give `shard` or `placement`, not both');
  }
  const durable = options.durable === true;
  const overflow = options.mailbox?.overflow ?? (durable ? 'spill' : 'reject');
  if (!durable && overflow === 'spill') {
    throw new MegactorError('CONFIG_INVALID', 'spawn options: only a durable actor can spill to the journal');
  }
  if (!durable && saysNothing(options)) return EPHEMERAL;
  const { passivateAfterMs: after, restartsInARowMax: inARowMax } = options;
  return {
    supervision: {
      restart: options.restart ?? SUPERVISION_DEFAULT.restart,
      intensity: options.intensity ?? SUPERVISION_DEFAULT.intensity,
      backoff: options.backoff ?? SUPERVISION_DEFAULT.backoff,
      ...(inARowMax === undefined ? {} : { inARowMax }),
    },
    // The mail of a durable actor is in the journal before it is here, so there is nothing to refuse.
    mailbox: { capacity: options.mailbox?.capacity ?? MAILBOX_CAPACITY, overflow: durable ? 'spill' : overflow },
    pollIntervalMs: options.pollIntervalMs ?? 0,
    // The record travels as plain data, and 0 is the one way to say never there.
    ...(after === undefined ? {} : { passivateAfterMs: Number.isFinite(after) ? after : 0 }),
    ...(options.stopTimeoutMs === undefined ? {} : { stopTimeoutMs: options.stopTimeoutMs }),
  };
};
