/**
 * One run of the scenario *society*, and what its events and its files say: what the model calls were good for, what was
 * reviewed, what is there at the end.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countAdmins, countAnswers, readEvents, type AdminCounts, type AnswerCounts } from './answers.ts';
import { play } from './play.ts';
import { LATENCY_MS } from './settings.ts';
import { pathsIn } from './team.ts';

export interface SocietyRun {
  readonly completed: boolean;
  readonly wallSeconds: number;
  readonly processorMs: number | null;
  readonly answers: AnswerCounts;
  readonly admins: AdminCounts;
  /** Paths in the workspace. */
  readonly files: readonly string[];
  readonly nudges: number;
  readonly remedies: Readonly<Record<string, number>>;
  /** Failures that the server was asked for, by kind. */
  readonly planted: Readonly<Record<string, number>>;
}

export interface SocietySpec {
  readonly agents: number;
  readonly latencyMs?: unknown;
  readonly failures?: Readonly<Record<string, number>>;
  readonly pollIntervalMs?: number;
  /** Whether a run that does not complete is a result too. */
  readonly mayFail?: boolean;
}

const countBy = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** @throws Error when the society did not complete, unless it may fail */
export const runSociety = (spec: SocietySpec): Promise<SocietyRun> => {
  const { agents, latencyMs = LATENCY_MS, failures = {}, pollIntervalMs: wait, mayFail = false } = spec;
  const rehearsal = { scenario: 'society', latencyMs, failures };
  const config = wait === undefined ? {} : { config: { pollIntervalMs: { boss: wait, admin: wait } } };
  return play({ agents, rehearsal, review: 'model', mayFail, ...config }, (played) => {
    const { summary, stats, runDir, wallSeconds, processorMs } = played;
    const events = readEvents(readFileSync(join(runDir, 'events.jsonl'), 'utf8'));
    return {
      completed: summary.status === 'completed',
      wallSeconds,
      processorMs,
      answers: countAnswers(events, summary.modelCalls),
      admins: countAdmins(events),
      files: pathsIn(join(runDir, 'workspace')),
      nudges: summary.nudges,
      remedies: summary.remedies,
      planted: countBy(stats.planted.map(({ kind }) => kind)),
    };
  });
};
