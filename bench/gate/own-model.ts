/** The same agents and the same plain loop against the user's own server. It judges nothing: what it can do is unknown. */
import { withDirectory } from '../harness/environment.ts';
import { Series, type Measured } from '../harness/series.ts';
import type { Progress } from '../harness/program.ts';
import type { PlainResult } from './plain.ts';
import type { PopulationResult } from './population.ts';
import { runPlain, runPopulation } from './runs.ts';
import { FULL, OWN_CALLS_DEFAULT } from './settings.ts';

const PROVIDER = 'https://api.openai.com/v1';
const SDK_RETRIES_DEFAULT = 2;

export interface OwnMeasured {
  readonly ours: Measured<PopulationResult>;
  readonly plain: Measured<PlainResult>;
  /** Of each agent, in either measurement. */
  readonly callsEach: number;
}

/**
 * @param callsMax over both measurements; null: five of each agent in each
 * @throws Error when that is less than one call of each agent in each
 */
export const measureOwn = async (
  { model, agents, callsMax }: { model: string; agents: number; callsMax: number | null },
  progress: Progress,
): Promise<OwnMeasured> => {
  const callsEach = callsMax === null ? OWN_CALLS_DEFAULT : Math.floor(callsMax / (2 * agents));
  if (callsEach < 1) throw new Error(`${callsMax} calls are too few: ${agents} agents need ${2 * agents}`);
  const baseUrl = process.env['OPENAI_BASE_URL'] ?? PROVIDER;
  const most = callsEach * agents;
  progress(
    `at most ${most} calls of ${model} by a plain loop and as many through the gate; repeated requests come on top`,
  );
  const plain = new Series<PlainResult>();
  await plain.add(() =>
    runPlain({
      baseUrl,
      model: model.slice('openai:'.length),
      agents,
      calls: callsEach,
      maxRetries: SDK_RETRIES_DEFAULT,
      durationMs: null,
    }),
  );
  const ours = new Series<PopulationResult>();
  await ours.add(() =>
    withDirectory((folder) => runPopulation(folder, { model, baseUrl, agents, calls: callsEach, shards: FULL.shards })),
  );
  return { ours: ours.measured, plain: plain.measured, callsEach };
};
