/** What `bench threads` measures, in one place: constants and settings. Measures nothing. */
import { runsOf, type SettingsWithRuns } from '../harness/settings.ts';

export interface Plan {
  readonly runs: number;
  /** Objects of each one-way measurement. */
  readonly objects: number;
  readonly roundTrips: number;
  readonly parkedMs: number;
}

export const planOf = (settings: SettingsWithRuns): Plan => ({
  runs: runsOf(settings),
  objects: 1_000_000,
  roundTrips: 50_000,
  parkedMs: 10_000,
});

export const BATCHES = [1, 64, 1_024] as const;
/** Objects under way between two threads, so that neither side collects without limit. */
export const UNDER_WAY = 32_768;
/** Sent in one turn of the event loop. */
export const PER_TURN = 4_096;
export const RING_BYTES = 1 << 20;
/** Pairs of actors, each with so many messages in a row, and so many such rows under way. */
export const PAIRS = 8;
export const BURST = 1_000;
export const BURSTS_UNDER_WAY = 3;

export const TARGETS = { linkRatio: 2, actorsRatio: 1, roundTrips: 50_000, parkedPercent: 0.1 } as const;
