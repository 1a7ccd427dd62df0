/** What `bench memory` measures, in one place: constants and settings. Measures nothing. */
import { z } from 'zod';
import { optionalRuns, runsOf, settingsWithRuns } from '../harness/settings.ts';

const PARTS = ['quality', 'agents', 'large'] as const;
export type Part = (typeof PARTS)[number];

export const settingsSchema = settingsWithRuns.extend({
  /** A file with a set for the quality, a line of JSON per scope; only the quality is measured then. */
  set: z.string().min(1).optional(),
  parts: z.array(z.enum(PARTS)).min(1).optional(),
  /** Default: `local` where its packages are installed. */
  embedder: z.enum(['local', 'none']).optional(),
  /** Of the first generated set; each run has the next. */
  seed: z.int().min(1).max(1_000_000).optional(),
  scopes: z.int().min(1).max(1_000).optional(),
  /** Of each kind and scope. */
  queries: z.int().min(1).max(12).optional(),
  agents: z.int().min(1).max(10_000).optional(),
  memories: z.int().min(1).max(10_000).optional(),
  recalls: z.int().min(10).max(1_000_000).optional(),
  /** Memories of one scope. */
  large: z.int().min(100).max(1_000_000).optional(),
  /** How often the one large scope is made. */
  largeRuns: optionalRuns,
});

export type Settings = z.infer<typeof settingsSchema>;

export interface Plan {
  readonly runs: number;
  readonly parts: readonly Part[];
  readonly set: string | null;
  readonly embedder: 'local' | 'none' | null;
  readonly seed: number;
  readonly scopes: number;
  readonly queries: number;
  readonly agents: number;
  readonly memories: number;
  readonly recalls: number;
  readonly large: number;
  readonly largeRuns: number;
}

export const planOf = (settings: Settings): Plan => {
  const { set = null, embedder = null } = settings;
  return {
    runs: set === null ? runsOf(settings) : 1,
    parts: set === null ? (settings.parts ?? PARTS) : ['quality'],
    set,
    embedder,
    seed: settings.seed ?? 101,
    scopes: settings.scopes ?? 8,
    queries: settings.queries ?? 6,
    agents: settings.agents ?? 590,
    memories: settings.memories ?? 200,
    recalls: settings.recalls ?? 20_000,
    large: settings.large ?? 100_000,
    largeRuns: settings.largeRuns ?? 1,
  };
};

/** Adds that are under way at once. */
export const UNDER_WAY = 256;
/** Vectors of the large scope. */
export const DIMENSIONS = 512;
export const LARGE_QUERIES = 500;

export const TARGETS = {
  identifierHit3: 0.95,
  /** Of the fused ranking, beside the better of the two alone. */
  fusedLess: -0.02,
  /** Of the fused ranking, beside words alone, for paraphrases. */
  paraphraseMore: 0.2,
  recallP50Ms: 0.5,
  recallP99Ms: 5,
  addsPerSecond: 5_000,
  largeP50Ms: 5,
  largeRecall: 0.95,
} as const;
