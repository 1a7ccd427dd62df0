/** What `bench journal` measures, in one place: constants and settings. Measures nothing. */
import { z } from 'zod';
import { flags } from '../harness/settings.ts';

export const settingsSchema = z.strictObject(flags);

export type JournalSettings = z.infer<typeof settingsSchema>;

/** All sizes of one measurement; tests use smaller ones. */
export interface Sizes {
  readonly runs: number;
  readonly shards: number;
  /** How long each of the loops goes on. */
  readonly loopMs: number;
  readonly tell: { readonly pairs: number; readonly items: number; readonly burst: number };
  readonly outside: { readonly pairs: number; readonly items: number; readonly burst: number };
  readonly latency: { readonly rounds: number; readonly steps: number };
  readonly populations: readonly number[];
  /** How many actors of a population have mail. */
  readonly mail: number;
  /** How many of the others are woken afterwards, in the population that has targets. */
  readonly idle: number;
  readonly team: number;
  readonly memory: { readonly actors: number; readonly resident: number; readonly tells: number };
}

const FULL: Sizes = {
  runs: 3,
  shards: 8,
  loopMs: 1_500,
  tell: { pairs: 64, items: 6_000, burst: 256 },
  outside: { pairs: 64, items: 2_000, burst: 256 },
  latency: { rounds: 5, steps: 200 },
  populations: [10_000, 100_000, 1_000_000],
  mail: 1_000,
  idle: 20_000,
  team: 589,
  memory: { actors: 1_000_000, resident: 10_000, tells: 100_000 },
};

/** The largest populations take minutes to make. */
export const sizesOf = ({ quick }: JournalSettings): Sizes =>
  quick
    ? {
        ...FULL,
        runs: 1,
        populations: [10_000, 100_000],
        memory: { actors: 100_000, resident: 10_000, tells: 20_000 },
      }
    : FULL;

/** Above this a population is measured once. */
export const REPEATED_MAX = 100_000;
export const RESUME_SIZE = 100_000;
/** Populations of this size are resumed after a kill, too, and woken; a larger or smaller one tells how it grows. */
export const hasTargets = (actors: number): boolean => actors === RESUME_SIZE;
export const MEMORY_SIZE = 1_000_000;
export const MEMORY_SAMPLES = 10;

export const BATCH = 1_000;
export const WRITERS = 256;
export const PER_CALL = 64;
export const SNAPSHOTS_PER_CALL = 1_000;
export const SEED = 7;

export const TARGETS = {
  tellRatio: 0.2,
  stepRatio: 5,
  firstStepSeconds: 2,
  servedSeconds: 5,
  teamRatio: 1.3,
  memoryRatio: 1.2,
} as const;
