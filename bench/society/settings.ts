/** What `bench society` measures, in one place: constants, settings, and figures of others. Measures nothing. */
import { z } from 'zod';
import { settingsWithRuns } from '../harness/settings.ts';

export const LATENCY_MS = 200;
export const WORKERS_PER_ADMIN = 5;
/** Plan, the Boss's talk, five hirings and a talk, a file and a report, the Admin's report, the Boss's end. */
export const CRITICAL_PATH_CALLS = WORKERS_PER_ADMIN + 7;
export const CRITICAL_PATH_S = (CRITICAL_PATH_CALLS * LATENCY_MS) / 1_000;
export const SIZES_DEFAULT = [31, 109, 589] as const;
/** Admins are the Boss's members, of whom there may be this many. */
export const ADMINS_MAX = 128;
export const SEED = 7;
const RUNS_DEFAULT = 3;
export const GOAL = 'Work out the policy of a small island country, one ministry after another';
/** For somebody's own model: a goal that a few agents finish in a few calls each. */
export const SHORT_GOAL =
  'Write a one-page guide to five birds of an island. Each agent writes one file of at most five sentences.';
export const OWN_MODEL_LIMIT_MS = 3_600_000;

export const RATIO_TARGET = 2;
export const REQUESTS_TARGET = 5_000;
/** A tenth of what the reference below needs. */
export const PROCESSOR_MS_PER_CALL_TARGET = 1.07;
/** Part of all model calls of a society that do work. */
export const USEFUL_TARGET = 0.85;

export const PARTS = ['team', 'shared', 'society', 'badOutput', 'failures', 'polling', 'server'] as const;
export type Part = (typeof PARTS)[number];

/** Part `badOutput`: of the answers that write a file, so many write a bad one; of the good ones so many may be sent back. */
export const BAD_OUTPUT_RATE = 0.05;
export const GOOD_SENT_BACK_TARGET = 0.01;

/** What goes wrong in part `failures`: of all answers, each of these. */
export const FAILURE_RATE = 0.05;
export const FAILURE_KINDS = ['refusal', 'silence', 'badJson', 'repetition', 'unfinished'] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** How long Boss and Admins wait for more reports at most, in part `polling`: the default, and not at all. */
export const POLL_INTERVALS_MS = [1_000, 0] as const;
/** What the server is asked before each run, so that it is warm: so many times so many calls at once. */
export const WARM_UP = { waves: 3, calls: 100 } as const;

/** Agents of part `polling`, unless there are fewer. */
export const POLLING_SIZE = 109;
/** Answers of real servers take longer or shorter; then reports come one by one. */
export const POLLING_LATENCIES = {
  constant: LATENCY_MS,
  varied: { distribution: 'lognormal', median: LATENCY_MS, p95: 3 * LATENCY_MS },
} as const;
export type PollingLatency = keyof typeof POLLING_LATENCIES;

/** Admins of a society of that size, or null when one Boss and groups of one Admin and five workers do not make it. */
export const adminsOf = (size: number): number | null => {
  const admins = (size - 1) / (WORKERS_PER_ADMIN + 1);
  return Number.isInteger(admins) && admins >= 1 && admins <= ADMINS_MAX ? admins : null;
};

export const settingsSchema = settingsWithRuns.extend({
  parts: z.array(z.enum(PARTS)).min(1).optional(),
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

export interface Plan {
  readonly parts: ReadonlySet<Part>;
  readonly runs: number;
  readonly sizes: readonly number[];
  /** What `failures` plays: all kinds together, and each alone. */
  readonly failures: readonly (FailureKind | 'all')[];
}

export const planOf = ({ quick, runs, parts, sizes }: SocietySettings): Plan => ({
  parts: new Set(parts ?? PARTS),
  runs: runs ?? (quick ? 1 : RUNS_DEFAULT),
  sizes: [...new Set(sizes ?? SIZES_DEFAULT)],
  failures: quick ? ['all'] : ['all', ...FAILURE_KINDS],
});

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

/** The same with one shared file for each group. */
export const SHARED_REFERENCE = [
  { agents: 31, wallSeconds: 20.3, lines: '21 of 25' },
  { agents: 109, wallSeconds: 52.3, lines: '87 of 90' },
] as const;
