/**
 * Runs of the scenario *team* through `megactor run`: what they send per file, and whether a run that its budget stopped
 * at a third, and that is resumed with more, comes to the same as one that was not.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { withDirectory } from '../harness/environment.ts';
import { runMegactor, type Finished } from '../harness/programs.ts';
import { runWords, type StatedRun } from '../harness/words.ts';
import { summaryOf, type Summary } from '../society/play.ts';
import { filesIn } from '../society/team.ts';
import { adminsOf, GOAL, WORKERS_PER_ADMIN } from '../society/settings.ts';
import { serveRehearsal, statsOf, type Stats } from './server.ts';
import { SEED, type Sizes } from './settings.ts';

const rehearsalOf = ({ team, latencyMs }: Sizes): unknown => ({
  scenario: 'team',
  latencyMs,
  shape: { admins: adminsOf(team) ?? 0, workersPerAdmin: WORKERS_PER_ADMIN },
});

/** A server of its own and a directory for runs against it. */
const withTeam = <Result>(
  sizes: Sizes,
  use: (parts: {
    folder: string;
    run: (words: readonly string[]) => Promise<Finished>;
    url: string;
  }) => Promise<Result>,
): Promise<Result> =>
  withDirectory(async (folder) => {
    const server = await serveRehearsal(folder, rehearsalOf(sizes));
    const env = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: undefined };
    try {
      return await use({ folder, url: server.url, run: (words) => runMegactor([...words, '--json'], env) });
    } finally {
      await server.close();
    }
  });

type Review = 'none' | 'model';

const teamWords = (
  { team }: Sizes,
  runDir: string,
  review: Review,
  sandbox?: NonNullable<StatedRun['sandbox']>,
): string[] => [
  ...runWords({ goal: GOAL, agents: team, seed: SEED, runDir, ...(sandbox === undefined ? {} : { sandbox }) }),
  '--review',
  review,
];

const completed = (finished: Finished): Summary => {
  const summary = summaryOf(finished);
  if (summary.status !== 'completed') throw new Error(`the run ended ${summary.status} (${summary.reason})`);
  return summary;
};

export interface BytesRun {
  readonly files: number;
  readonly bytesIn: number;
  readonly uncachedInput: number;
}

/** @param programs whether agents are offered to run some; the rehearsal runs none, so they need no walls */
export const runBytes = (review: Review, sizes: Sizes, programs = false): Promise<BytesRun> =>
  withTeam(sizes, async ({ folder, run, url }) => {
    const runDir = join(folder, 'run');
    completed(await run(teamWords(sizes, runDir, review, programs ? 'none' : 'off')));
    const { bytesIn, tokens }: Stats = await statsOf(url);
    const files = filesIn(join(runDir, 'workspace'));
    if (files === 0) throw new Error('the team delivered no file');
    return { files, bytesIn, uncachedInput: tokens.input - tokens.cachedInput };
  });

const agentsSchema = z.object({ agents: z.array(z.object({ name: z.string(), level: z.string() })) });

interface Outcome {
  readonly agents: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
}

const contentsOf = (workspace: string): Map<string, string> =>
  new Map(
    readdirSync(workspace, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.slice(workspace.length).startsWith('/.git/'))
      .map((path) => [path.slice(workspace.length + 1), readFileSync(path, 'utf8')] as const),
  );

const outcomeOf = async (run: (words: readonly string[]) => Promise<Finished>, runDir: string): Promise<Outcome> => {
  const { stdout } = await run(['inspect', runDir]);
  const { agents } = agentsSchema.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  return {
    agents: new Map(agents.map(({ name, level }) => [name, level])),
    files: contentsOf(join(runDir, 'workspace')),
  };
};

/** Entries of which only one of the two has the key, or which say something else. */
export const differences = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): number =>
  [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key)).length;

export interface BudgetRun {
  readonly budget: number;
  readonly stoppedAt: number;
  /** How many differ from those of the run without a stop. */
  readonly agents: number;
  readonly files: number;
}

export const runBudget = (sizes: Sizes): Promise<BudgetRun> =>
  withTeam(sizes, async ({ folder, run }) => {
    const whole = join(folder, 'whole');
    const { modelCalls } = completed(await run(teamWords(sizes, whole, 'none')));
    const stopped = join(folder, 'stopped');
    const budget = Math.ceil(modelCalls / 3);
    const paused = summaryOf(await run([...teamWords(sizes, stopped, 'none'), '--budget-calls', String(budget)]));
    if (paused.status !== 'paused') throw new Error(`the budget did not stop the run: it ended ${paused.status}`);
    completed(await run(['resume', stopped, '--budget-calls', String(modelCalls * 2)]));
    const expected = await outcomeOf(run, whole);
    const found = await outcomeOf(run, stopped);
    return {
      budget,
      stoppedAt: paused.modelCalls,
      agents: differences(expected.agents, found.agents),
      files: differences(expected.files, found.files),
    };
  });
