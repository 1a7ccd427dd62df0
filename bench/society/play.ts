/**
 * One run of the rehearsal over HTTP: a rehearsal server in a process of its own, `megactor run` in another, and what both
 * say at the end. It judges nothing; who reads a run says what it must have come to.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { withDirectory } from '../harness/environment.ts';
import { runMegactor, serveMegactor, type Finished } from '../harness/programs.ts';
import { runWords } from '../harness/words.ts';
import { GOAL, SEED } from './settings.ts';

const summarySchema = z.object({
  status: z.string(),
  reason: z.string(),
  agents: z.int(),
  modelCalls: z.int(),
  tokens: z.object({ input: z.int(), output: z.int() }),
  wallSeconds: z.number(),
  files: z.int(),
  commits: z.int(),
  nudges: z.int(),
  reviews: z.object({ accept: z.int(), revise: z.int() }),
  remedies: z.record(z.string(), z.int()),
});

export type Summary = z.infer<typeof summarySchema>;

const statsSchema = z.object({
  calls: z.int(),
  bytesIn: z.int(),
  planted: z.array(z.object({ kind: z.string(), agent: z.string() })),
});

export type Stats = z.infer<typeof statsSchema>;

/** What a run was; its directory is gone when whoever reads it has done so. */
export interface Played {
  readonly wallSeconds: number;
  readonly processorMs: number | null;
  readonly peakMemoryMb: number | null;
  readonly summary: Summary;
  readonly stats: Stats;
  readonly runDir: string;
}

export interface PlaySpec {
  readonly agents: number;
  /** The rehearsal file. */
  readonly rehearsal: Readonly<Record<string, unknown>>;
  readonly review: 'model' | 'none';
  /** Whether a run that does not complete is a result too; default not. */
  readonly mayFail?: boolean;
  /** The configuration file; default none. */
  readonly config?: Readonly<Record<string, unknown>>;
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

/** @throws Error when the run did not complete, unless it may fail, or had another number of agents than it was to have */
export const play = <Result>(spec: PlaySpec, read: (played: Played) => Result): Promise<Result> =>
  withDirectory(async (folder) => {
    const rehearsal = join(folder, 'rehearsal.json');
    writeFileSync(rehearsal, JSON.stringify(spec.rehearsal));
    const config = join(folder, 'config.json');
    if (spec.config !== undefined) writeFileSync(config, JSON.stringify(spec.config));
    const server = await serveMegactor(['rehearsal-server', '--rehearsal', rehearsal, '--seed', String(SEED)]);
    try {
      const runDir = join(folder, 'run');
      const words = [
        ...runWords({ goal: GOAL, agents: spec.agents, seed: SEED, runDir }, '--review', spec.review),
        ...(spec.config === undefined ? [] : ['--config', config]),
      ];
      const env = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: undefined };
      const finished = await runMegactor([...words, '--json', '--quiet'], env);
      const summary = summaryOf(finished);
      const stats = statsSchema.parse(await (await fetch(`${server.url}/stats`)).json());
      if (summary.status !== 'completed' && spec.mayFail !== true)
        throw new Error(`the run ended ${summary.status} (${summary.reason})`);
      if (summary.agents !== spec.agents) {
        throw new Error(`there were ${summary.agents} agents instead of ${spec.agents}`);
      }
      const { processorMs, peakMemoryMb } = finished;
      return read({ wallSeconds: finished.wallMs / 1_000, processorMs, peakMemoryMb, summary, stats, runDir });
    } finally {
      await server.close();
    }
  });
