/**
 * Options of the rehearsal model. What it does not do: hold the seed's random streams (`draw.ts`).
 *
 * 1. What this version cannot rehearse is refused with CONFIG_INVALID, never ignored.
 */
import { z } from 'zod';
import { MegactorError } from '../../protocol/errors.ts';

const amount = z.number().nonnegative().finite();

/** A number, or a distribution that a number is drawn from. */
export const distributionSchema = z.union([
  amount,
  z.strictObject({ distribution: z.literal('uniform'), min: amount, max: amount }),
  z.strictObject({ distribution: z.literal('exponential'), mean: amount }),
  z.strictObject({ distribution: z.literal('lognormal'), median: amount.positive(), p95: amount.positive() }),
]);

export type Distribution = z.infer<typeof distributionSchema>;

export const FAILURE_KINDS = [
  'badJson',
  'prose',
  'refusal',
  'silence',
  'repetition',
  'unfinished',
  'badOutput',
  'http429',
  'http500',
  'timeout',
] as const;

export type FailureKind = (typeof FAILURE_KINDS)[number];

const rate = z.number().min(0).max(1);

/** The longest simulated delay: timers take no more, and nobody waits that long. */
export const LATENCY_MAX_MS = 3_600_000;

/** The schema of a rehearsal file. */
export const rehearsalOptionsSchema = z.strictObject({
  /** From a request to its answer. */
  latencyMs: distributionSchema.default(50),
  /** Replaces the estimate from the length of the texts. */
  tokens: z
    .strictObject({
      input: distributionSchema.optional(),
      cachedInput: distributionSchema.optional(),
      output: distributionSchema.optional(),
    })
    .default({}),
  /** Parts of all answers that fail in this way. */
  failures: z.partialRecord(z.enum(FAILURE_KINDS), rate).default({}),
  /** Scenario society: the part of Ordinary agents that ask the person something, and wait for the answer before they hand in. */
  questions: rate.default(0),
  shape: z
    .strictObject({
      admins: z.number().int().min(1).max(10_000).optional(),
      workersPerAdmin: z.number().int().min(1).max(10_000).optional(),
      /** Scenario chat: model calls of every agent, the last text included. */
      calls: z.number().int().min(1).max(1_000_000).optional(),
      /** Scenario team: one file per Admin, which its workers read and then append to. */
      variant: z.literal('shared').optional(),
    })
    .optional(),
  outage: z
    .strictObject({ afterMs: amount, lengthMs: amount, status: z.number().int().min(400).max(599).default(503) })
    .optional(),
  /** Scenario chat: agents whose names end in a number from 1 to `agents` make `factor` times as many calls. */
  heavy: z.strictObject({ agents: z.number().int().min(0), factor: amount.max(10_000) }).optional(),
  scenario: z.enum(['society', 'team', 'chat']).default('society'),
});

export type RehearsalOptions = z.infer<typeof rehearsalOptionsSchema> & {
  readonly seed: number;
};

const refuse = (what: string): never => {
  throw new MegactorError('CONFIG_INVALID', `the rehearsal file: ${what}`);
};

const checkSupport = (options: z.infer<typeof rehearsalOptionsSchema>): void => {
  const chat = options.scenario === 'chat';
  if (options.heavy !== undefined && !chat) refuse('"heavy" belongs to scenario "chat"');
  if (options.shape?.calls !== undefined && !chat) refuse('"shape.calls" belongs to scenario "chat"');
  if (chat && (options.shape?.admins !== undefined || options.shape?.workersPerAdmin !== undefined)) {
    refuse('scenario "chat" has no Admins and workers: its "shape" has only "calls"');
  }
  if (options.questions > 0 && options.scenario !== 'society') refuse('"questions" belongs to scenario "society"');
  if (options.shape?.variant !== undefined && options.scenario !== 'team') {
    refuse('"shape.variant" belongs to scenario "team"');
  }
  const shape = options.shape;
  if (shape !== undefined && (shape.admins === undefined) !== (shape.workersPerAdmin === undefined)) {
    refuse('"shape" needs both "admins" and "workersPerAdmin"');
  }
  const total = Object.values(options.failures).reduce((sum, value) => sum + value, 0);
  if (total > 1) refuse('the rates of "failures" add up to more than 1');
};

/**
 * The content of a rehearsal file, checked and completed.
 * @param raw the parsed JSON; undefined for the defaults
 * @throws CONFIG_INVALID
 */
export const parseRehearsalOptions = (raw: unknown, seed: number): RehearsalOptions => {
  const parsed = rehearsalOptionsSchema.safeParse(raw ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is invalid'}`.trim());
  }
  checkSupport(parsed.data);
  return { ...parsed.data, seed };
};

/** Agents a shape makes, the Boss included; null when no shape is set. */
export const agentsOfShape = (options: RehearsalOptions): number | null => {
  const { admins, workersPerAdmin } = options.shape ?? {};
  return admins === undefined || workersPerAdmin === undefined ? null : 1 + admins * (1 + workersPerAdmin);
};

/**
 * Refuses what no society can play, and a shape that does not fit into the run.
 * @throws CONFIG_INVALID
 */
export const checkShapeFits = (options: RehearsalOptions, agentsMax: number, fanOutMax = 128): void => {
  if (options.scenario === 'chat') {
    refuse('scenario "chat" calls a tool "step" that no society has: it is for clients of `megactor rehearsal-server`');
  }
  const agents = agentsOfShape(options);
  if (agents === null) return;
  if (agents > agentsMax) refuse(`the shape makes ${agents} agents, but at most ${agentsMax} are allowed`);
  const widest = Math.max(options.shape?.admins ?? 0, options.shape?.workersPerAdmin ?? 0);
  if (widest > fanOutMax) refuse(`the shape makes groups of ${widest}, but at most ${fanOutMax} are allowed`);
};
