/** What `bench society` measures, in one place: constants, settings, and figures of others. Measures nothing. */
import { z } from 'zod';
import { flags } from '../harness/settings.ts';

export const LATENCY_MS = 200;
export const WORKERS_PER_ADMIN = 5;
/** Plan, the Boss's talk, five hirings and a talk, a file and a report, the Admin's report, the Boss's end. */
export const CRITICAL_PATH_CALLS = WORKERS_PER_ADMIN + 7;
export const CRITICAL_PATH_S = (CRITICAL_PATH_CALLS * LATENCY_MS) / 1_000;
export const SIZES_DEFAULT = [31, 109, 589] as const;
/** Admins are the Boss's members, of whom there may be this many. */
export const ADMINS_MAX = 128;
export const SEED = 7;
export const RUNS_DEFAULT = 3;
export const GOAL = 'Work out the policy of a small island country, one ministry after another';
/** For somebody's own model: a goal that a few agents finish in a few calls each. */
export const SHORT_GOAL =
  'Write a one-page guide to five birds of an island. Each agent writes one file of at most five sentences.';
export const OWN_MODEL_LIMIT_MS = 3_600_000;

export const RATIO_TARGET = 3;
export const REQUESTS_TARGET = 5_000;

/** Admins of a society of that size, or null when one Boss and groups of one Admin and five workers do not make it. */
export const adminsOf = (size: number): number | null => {
  const admins = (size - 1) / (WORKERS_PER_ADMIN + 1);
  return Number.isInteger(admins) && admins >= 1 && admins <= ADMINS_MAX ? admins : null;
};

export const settingsSchema = z.strictObject({
  ...flags,
  sizes: z
    .array(z.int().refine((size) => adminsOf(size) !== null, 'no such size'))
    .min(1)
    .optional(),
  /** `openai:NAME`: the user's own server in place of the rehearsal. */
  model: z.string().startsWith('openai:').optional(),
  agents: z.int().min(1).optional(),
  /** After so many calls the run is paused. */
  calls: z.int().min(1).optional(),
});

export type SocietySettings = z.infer<typeof settingsSchema>;

/** How long the load lasts that the rehearsal server is measured with. */
export const LOAD = { connections: 32, warmUpMs: 1_000, durationMs: 3_000, quickDurationMs: 1_500 } as const;

/** Figures of another program, for comparison. They were measured before, elsewhere; nothing here measures them. */
export const REFERENCES = [
  {
    name: 'MegaAgent (Python, its published code)',
    source:
      'Wang et al., Findings of ACL 2025, arXiv 2408.09955; a scripted model at 200 ms, the same shape of society',
    measuredHere: false,
    figures: [
      { agents: 31, wallSeconds: 10.3, modelCalls: 133, processorMsPerCall: 9.1, commits: 27, files: '25 of 25' },
      { agents: 109, wallSeconds: 25.3, modelCalls: 458, processorMsPerCall: 7.9, commits: 92, files: '90 of 90' },
      { agents: 589, wallSeconds: 126, modelCalls: 2_485, processorMsPerCall: 10.7, commits: 492, files: '490 of 490' },
    ],
  },
] as const;
