/**
 * One run of the scenario *team*: a rehearsal server in a process of its own, `megactor run` in another, and what came of
 * it. A run that did not do all its work is no measurement.
 */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { withDirectory } from '../harness/environment.ts';
import { runMegactor, serveMegactor, type Finished } from '../harness/programs.ts';
import { adminsOf, GOAL, LATENCY_MS, SEED, WORKERS_PER_ADMIN } from './settings.ts';

const summarySchema = z.object({
  status: z.string(),
  reason: z.string(),
  agents: z.int(),
  modelCalls: z.int(),
  tokens: z.object({ input: z.int(), output: z.int() }),
  wallSeconds: z.number(),
  files: z.int(),
  commits: z.int(),
});

export type Summary = z.infer<typeof summarySchema>;

const statsSchema = z.object({ calls: z.int(), bytesIn: z.int() });

/** What one run was. */
export interface TeamRun {
  readonly wallSeconds: number;
  readonly reportedSeconds: number;
  readonly calls: number;
  readonly requestBytes: number;
  readonly processorMs: number | null;
  readonly peakMemoryMb: number | null;
  readonly commits: number;
  readonly filesDelivered: number;
  readonly filesExpected: number;
}

/** The summary that a finished `megactor run --json` printed. @throws Error with what it said instead */
export const summaryOf = (finished: Finished): Summary => {
  const line = finished.stdout.trimEnd().split('\n').at(-1) ?? '';
  if (line === '') {
    const said = finished.stderr
      .trim()
      .slice(-500)
      .replace(/^megactor: /u, '');
    throw new Error(`megactor run ended with ${finished.exitCode}: ${said}`);
  }
  return summarySchema.parse(JSON.parse(line));
};

/** Files of a workspace that hold something, git's own left out. */
export const filesIn = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile() && !path.slice(folder.length).startsWith('/.git/') && statSync(path).size > 0;
  }).length;

/** @throws Error when the society did not do all of its work */
export const runTeam = (size: number): Promise<TeamRun> =>
  withDirectory(async (folder) => {
    const admins = adminsOf(size) ?? 0;
    const rehearsal = join(folder, 'rehearsal.json');
    const shape = { admins, workersPerAdmin: WORKERS_PER_ADMIN };
    writeFileSync(rehearsal, JSON.stringify({ scenario: 'team', latencyMs: LATENCY_MS, shape }));
    const server = await serveMegactor(['rehearsal-server', '--rehearsal', rehearsal, '--seed', String(SEED)]);
    try {
      const runDir = join(folder, 'run');
      const words = [
        'run',
        GOAL,
        '--model',
        'openai:rehearsal',
        '--sandbox',
        'off',
        '--max-agents',
        String(size),
        '--review',
        'none',
      ];
      const finished = await runMegactor([...words, '--seed', String(SEED), '--run-dir', runDir, '--json', '--quiet'], {
        OPENAI_BASE_URL: `${server.url}/v1`,
        OPENAI_API_KEY: undefined,
      });
      const summary = summaryOf(finished);
      const stats = statsSchema.parse(await (await fetch(`${server.url}/stats`)).json());
      const filesDelivered = filesIn(join(runDir, 'workspace'));
      if (summary.status !== 'completed') throw new Error(`the run ended ${summary.status} (${summary.reason})`);
      if (summary.agents !== size) throw new Error(`there were ${summary.agents} agents instead of ${size}`);
      return {
        wallSeconds: finished.wallMs / 1_000,
        reportedSeconds: summary.wallSeconds,
        calls: stats.calls,
        requestBytes: stats.bytesIn,
        processorMs: finished.processorMs,
        peakMemoryMb: finished.peakMemoryMb,
        commits: summary.commits,
        filesDelivered,
        filesExpected: admins * WORKERS_PER_ADMIN,
      };
    } finally {
      await server.close();
    }
  });
