/**
 * One run of the scenario *society*, and what its events and its files say: what the model calls were good for, what was
 * reviewed, what is there at the end.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { faultsOf } from '../../src/model/index.ts';
import {
  countAdmins,
  countAnswers,
  countReviews,
  readEvents,
  type AdminCounts,
  type AnswerCounts,
  type ReviewCounts,
} from './answers.ts';
import { play } from './play.ts';
import { LATENCY_MS } from './settings.ts';
import { pathsIn } from './team.ts';

export interface SocietyRun {
  readonly completed: boolean;
  readonly wallSeconds: number;
  readonly processorMs: number | null;
  readonly answers: AnswerCounts;
  readonly admins: AdminCounts;
  readonly reviews: ReviewCounts;
  /** Of the agents with bad output: those of whom a bad file is left that their supervisor accepted. */
  readonly approvedBad: number;
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

/** Notes are added to by whoever likes to: they are nobody's own, and need not be there. */
export const OPTIONAL = /\/notes\.md$/u;

const countBy = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

const reportSchema = z.object({
  files: z.array(z.object({ path: z.string(), author: z.string(), groupVerdict: z.string() })),
});

/** @param agents whose output was made bad @returns those of whom a bad file was accepted and is there */
export const approvedBad = (runDir: string, agents: ReadonlySet<string>): string[] => {
  const { files } = reportSchema.parse(JSON.parse(readFileSync(join(runDir, 'report.json'), 'utf8')));
  const bad = files.filter(({ path, author, groupVerdict }) => {
    if (!agents.has(author) || groupVerdict !== 'accepted' || OPTIONAL.test(path)) return false;
    return faultsOf(readFileSync(join(runDir, 'workspace', path), 'utf8'), author).length > 0;
  });
  return [...new Set(bad.map(({ author }) => author))];
};

/** @throws Error when the society did not complete, unless it may fail */
export const runSociety = (spec: SocietySpec): Promise<SocietyRun> => {
  const { agents, latencyMs = LATENCY_MS, failures = {}, pollIntervalMs: wait, mayFail = false } = spec;
  const rehearsal = { scenario: 'society', latencyMs, failures };
  const config = wait === undefined ? {} : { config: { pollIntervalMs: { boss: wait, admin: wait } } };
  return play({ agents, rehearsal, review: 'model', mayFail, ...config }, (played) => {
    const { summary, stats, runDir, wallSeconds, processorMs } = played;
    const bad = new Set(stats.planted.filter(({ kind }) => kind === 'badOutput').map(({ agent }) => agent));
    const events = readEvents(readFileSync(join(runDir, 'events.jsonl'), 'utf8'));
    return {
      completed: summary.status === 'completed',
      wallSeconds,
      processorMs,
      answers: countAnswers(events, summary.modelCalls),
      admins: countAdmins(events),
      reviews: countReviews(events, bad),
      approvedBad: bad.size === 0 ? 0 : approvedBad(runDir, bad).length,
      files: pathsIn(join(runDir, 'workspace')),
      nudges: summary.nudges,
      remedies: summary.remedies,
      planted: countBy(stats.planted.map(({ kind }) => kind)),
    };
  });
};
