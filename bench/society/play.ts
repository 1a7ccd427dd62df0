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
import { GOAL, SEED, WARM_UP } from './settings.ts';

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

const statsAt = async (url: string): Promise<Stats> => statsSchema.parse(await (await fetch(`${url}/stats`)).json());

/**
 * Asks the server some questions that belong to no run: a model's server has been running for a while when somebody uses it,
 * and what compiling its code takes of the processors is not the run's.
 * @returns what it has counted of them
 */
const warmUp = async (url: string): Promise<Stats> => {
  const messages = [
    { role: 'system', content: `You are nobody of a run. ${'Wait until somebody has a task for you. '.repeat(40)}` },
    { role: 'user', content: 'user: Wait.' },
  ];
  const ask = async (): Promise<void> => {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'rehearsal', messages }),
    });
    await answer.text();
    if (!answer.ok) throw new Error(`the rehearsal server answers ${answer.status}`);
  };
  for (let wave = 0; wave < WARM_UP.waves; wave += 1) {
    await Promise.all(Array.from({ length: WARM_UP.calls }, ask));
  }
  return statsAt(url);
};

const without = (all: Stats, before: Stats): Stats => ({
  calls: all.calls - before.calls,
  bytesIn: all.bytesIn - before.bytesIn,
  planted: all.planted.slice(before.planted.length),
});

/** @throws Error when the run did not complete, unless it may fail, or had another number of agents than it was to have */
export const play = <Result>(spec: PlaySpec, read: (played: Played) => Result): Promise<Result> =>
  withDirectory(
    async (folder) => {
      const rehearsal = join(folder, 'rehearsal.json');
      writeFileSync(rehearsal, JSON.stringify(spec.rehearsal));
      const config = join(folder, 'config.json');
      if (spec.config !== undefined) writeFileSync(config, JSON.stringify(spec.config));
      const server = await serveMegactor(['rehearsal-server', '--rehearsal', rehearsal, '--seed', String(SEED)]);
      try {
        const before = await warmUp(server.url);
        const runDir = join(folder, 'run');
        const words = [
          ...runWords({ goal: GOAL, agents: spec.agents, seed: SEED, runDir }, '--review', spec.review),
          ...(spec.config === undefined ? [] : ['--config', config]),
        ];
        const env = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: undefined };
        const finished = await runMegactor([...words, '--json', '--quiet'], env);
        const summary = summaryOf(finished);
        const stats = without(await statsAt(server.url), before);
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
    },
    { keep: true },
  );
