/** What `bench gate` measures, in one place: constants, sizes and settings. Measures nothing. */
import { z } from 'zod';
import { flags, optionalRuns } from '../harness/settings.ts';

export const PARTS = ['limits', 'cost', 'outage', 'budget', 'bytes'] as const;
export type Part = (typeof PARTS)[number];

export const settingsSchema = z.strictObject({
  ...flags,
  runs: optionalRuns,
  /** What to measure; all of it when absent. */
  parts: z.array(z.enum(PARTS)).min(1).optional(),
  /** Agents of the part `cost`. */
  sizes: z.array(z.int().min(1).max(100_000)).min(1).optional(),
  /** Runs of the other libraries; 0 leaves them out. */
  peerRuns: optionalRuns,
  /** `openai:NAME`: the user's own server in place of the rehearsal. */
  model: z.string().startsWith('openai:').optional(),
  agents: z.int().min(1).optional(),
  /** With `model`: most calls in all. */
  calls: z.int().min(1).optional(),
});

export type GateSettings = z.infer<typeof settingsSchema>;

/** All sizes; tests use smaller ones. */
export interface Sizes {
  readonly runs: number;
  readonly peerRuns: number;
  readonly parts: readonly Part[];
  readonly shards: number;
  readonly latencyMs: number;
  readonly limits: {
    readonly agents: number;
    /** Of a minute, as the server and the configuration are told of it. */
    readonly windowMs: number;
    /** Counted: those after the first. */
    readonly windows: number;
    readonly requestsPerMinute: number;
    readonly tokensPerMinute: number;
    readonly heavy: { readonly agents: number; readonly factor: number };
  };
  readonly cost: { readonly populations: readonly number[]; readonly calls: number };
  readonly outage: {
    readonly agents: number;
    readonly calls: number;
    readonly afterMs: number;
    readonly lengthMs: number;
  };
  /** Agents of a team: 1 and a multiple of 6. */
  readonly team: number;
}

export const FULL: Sizes = {
  runs: 3,
  peerRuns: 1,
  parts: PARTS,
  shards: 8,
  latencyMs: 200,
  limits: {
    agents: 589,
    windowMs: 6_000,
    windows: 5,
    requestsPerMinute: 3_000,
    tokensPerMinute: 500_000,
    heavy: { agents: 10, factor: 50 },
  },
  cost: { populations: [590, 2_000, 5_000], calls: 5 },
  outage: { agents: 590, calls: 40, afterMs: 5_000, lengthMs: 30_000 },
  team: 589,
};

export const sizesOf = ({ quick, runs, parts, sizes, peerRuns }: GateSettings): Sizes => ({
  ...FULL,
  runs: Math.max(1, runs ?? (quick ? 1 : FULL.runs)),
  peerRuns: peerRuns ?? FULL.peerRuns,
  parts: parts ?? FULL.parts,
  cost: { ...FULL.cost, populations: sizes ?? FULL.cost.populations },
});

export const SEED = 7;
export const OWN_CALLS_DEFAULT = 5;
export const MINUTE_MS = 60_000;
/** More calls than anybody gets to make in a measurement that ends by the clock. */
export const CALLS_WITHOUT_END = 900;
export const SDK_RETRIES = 1_000;

export const TARGETS = {
  goodput: 0.95,
  rejected: 0.01,
  fairShare: 0.95,
  cpuRatio: 1,
  rateRatio: 1,
  /** From here on the rate has a target. */
  rateFrom: 2_000,
  memoryKb: 150,
  bytesPerFile: 24 * 1_024,
} as const;
