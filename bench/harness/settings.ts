/**
 * What the settings of all benchmarks have in common: the words of the command line (`--quick`, `--json`), and, where a
 * file of settings is taken (`--set`), how often everything is repeated. Each benchmark adds its own.
 */
import { z } from 'zod';

/** Of every benchmark. */
export const flags = { quick: z.boolean(), json: z.boolean() } as const;

const repetitions = (least: number) => z.int().min(least).max(100).optional();

/** Of those that take a file. */
export const settingsWithRuns = z.strictObject({ ...flags, runs: repetitions(1) });
export type SettingsWithRuns = z.infer<typeof settingsWithRuns>;

/** How often something may be repeated that may also be left out. */
export const optionalRuns = repetitions(0);

const RUNS = 7;
const QUICK_RUNS = 3;

export const runsOf = ({ quick, runs }: Pick<SettingsWithRuns, 'quick' | 'runs'>): number =>
  runs ?? (quick ? QUICK_RUNS : RUNS);
