/** What `bench workspace` measures, in one place: constants and settings. Measures nothing. */
import { z } from 'zod';
import { runsOf, settingsWithRuns } from '../harness/settings.ts';

export const settingsSchema = settingsWithRuns.extend({
  /** Writes of the long series; default 100,000. */
  writes: z.int().min(1_000).max(1_000_000).optional(),
});
export type WorkspaceSettings = z.infer<typeof settingsSchema>;

export interface Plan {
  readonly runs: number;
  /** Everybody has one write under way. */
  readonly agents: number;
  /** New files that each of them writes. */
  readonly filesEach: number;
  /** Writes of the long series, over files that are written again and again. */
  readonly writes: number;
  readonly filesEachOfMany: number;
  /** Reads of one series, one after another. */
  readonly reads: number;
  /** Agents that append to one file, and that edit their own part of another. */
  readonly sharing: number;
  readonly linesEach: number;
  /** Agents that write the same line, all having read the same. */
  readonly clashing: number;
  /** After so many answers the writing process is killed. */
  readonly killsAfter: readonly number[];
}

export const planOf = (settings: WorkspaceSettings): Plan => ({
  runs: runsOf(settings),
  agents: 590,
  filesEach: 20,
  writes: settings.writes ?? 100_000,
  filesEachOfMany: 20,
  reads: 5_000,
  sharing: 200,
  linesEach: 5,
  clashing: 50,
  killsAfter: [400, 1_500, 3_000],
});

/** Bytes of a file: a page of text. */
export const CONTENT_BYTES = 1_024;
/** How often the backlog is looked at. */
export const LOOK_EVERY_MS = 20;
/** No call may take longer. */
export const DEADLINE_MS = 600_000;

export const TARGETS = { writesPerSecond: 1_000, readMs: 1, readAfterMs: 2, backlog: 4_096 } as const;
