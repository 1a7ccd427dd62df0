/** What `bench embed` measures, in one place: constants and settings. Measures nothing. */
import { runsOf, type SettingsWithRuns } from '../harness/settings.ts';

export interface Plan {
  readonly runs: number;
  readonly actors: number;
  readonly tells: number;
  readonly asks: number;
  /** How long hosts are blocked, and how long tools run. */
  readonly blockedMs: number;
  readonly agents: number;
}

export const planOf = (settings: SettingsWithRuns): Plan => ({
  runs: runsOf(settings),
  actors: 64,
  tells: 1_000_000,
  asks: 100_000,
  blockedMs: 3_000,
  agents: 500,
});

export const THREADS = 2;
/** Tells in one turn of the service's event loop. */
export const PER_TURN = 256;
/** Tells to one actor before it is asked for what it has: less than its mailbox holds. */
export const PER_ACTOR = 1_000;
export const ASKS_UNDER_WAY = 1_000;
/** How often the service looks how late its event loop is, and, where it does, at the statistics. */
export const LOOK_EVERY_MS = 2;
/** How long a tool of an agent blocks its host. */
export const TOOL_MS = 40;

export const TARGETS = { loopDelayMs: 20, statsMs: 20 } as const;
