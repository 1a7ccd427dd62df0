/** The single measurements of `bench gate`: a server, a population or a plain loop, and what came of it. */
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { z } from 'zod';
import { entryUrl } from '../../src/platform/index.ts';
import { withDirectory } from '../harness/environment.ts';
import { runSubjectAt } from '../harness/programs.ts';
import { plainResultSchema, type PlainResult, type PlainSettings } from './plain.ts';
import { populationResultSchema, type PopulationResult, type PopulationSettings } from './population.ts';
import {
  admitted,
  fairShare,
  limitsDurationMs,
  recovery,
  type Admitted,
  type LimitsPerWindow,
  type Recovery,
} from './reading.ts';
import { serveRehearsal, statsOf, Watch, type LimitsOfServer } from './server.ts';
import { CALLS_WITHOUT_END, MINUTE_MS, SDK_RETRIES, type Sizes } from './settings.ts';

const at = (name: string): URL => entryUrl(name, import.meta.url);

const POPULATION = {
  model: 'openai:rehearsal',
  oneShard: false,
  heavy: null,
  config: {},
  durationMs: null,
  threads: null,
} as const;

export const runPopulation = (
  folder: string,
  settings: Pick<PopulationSettings, 'baseUrl' | 'agents' | 'calls' | 'shards'> & Partial<PopulationSettings>,
): Promise<PopulationResult> => {
  const directory = join(folder, 'journal');
  mkdirSync(directory);
  return runSubjectAt(at('./population'), { ...POPULATION, directory, ...settings }, populationResultSchema);
};

export const runPlain = (settings: PlainSettings): Promise<PlainResult> =>
  runSubjectAt(at('./plain'), settings, plainResultSchema);

/** A server with `rehearsal` and `limits`, watched while `work` goes on. */
const watched = <Result>(
  rehearsal: unknown,
  limits: LimitsOfServer,
  work: (parts: { folder: string; url: string; baseUrl: string; watch: Watch }) => Promise<Result>,
): Promise<Result> =>
  withDirectory(async (folder) => {
    const server = await serveRehearsal(folder, rehearsal, limits);
    const watch = new Watch(server.url);
    try {
      return await work({ folder, url: server.url, baseUrl: `${server.url}/v1`, watch });
    } finally {
      await watch.stop().catch(() => {});
      await server.close();
    }
  });

export const chatRehearsal = (latencyMs: number, calls: number): Record<string, unknown> => ({
  scenario: 'chat',
  latencyMs,
  shape: { calls },
});

/** How a population is held to the limits. */
export type Way = 'configured' | 'headers' | 'long' | 'oneShard' | 'heavy' | 'sdk';

export const limitsPerWindow = ({ limits }: Sizes): LimitsPerWindow => {
  const { windowMs, windows, requestsPerMinute, tokensPerMinute } = limits;
  const scaled = (perMinute: number): number => Math.floor((perMinute * windowMs) / MINUTE_MS);
  return { windowMs, windows, requests: scaled(requestsPerMinute), tokens: scaled(tokensPerMinute) };
};

export type LimitsRun = Admitted & { readonly fairShare: number };

/** Answers of so many tokens use up the tokens of a window before its requests. */
const LONG_ANSWERS = { output: { distribution: 'uniform', min: 150, max: 450 } };

export const runLimits = (way: Way, sizes: Sizes): Promise<LimitsRun> => {
  const { agents, heavy, requestsPerMinute, tokensPerMinute, windowMs } = sizes.limits;
  const perWindow = limitsPerWindow(sizes);
  const rehearsal = {
    ...chatRehearsal(sizes.latencyMs, CALLS_WITHOUT_END),
    ...(way === 'long' ? { tokens: LONG_ANSWERS } : {}),
  };
  const { requests, tokens } = perWindow;
  return watched(rehearsal, { requests, tokens, windowMs }, async ({ folder, baseUrl, watch }) => {
    const durationMs = limitsDurationMs(perWindow);
    const calls = CALLS_WITHOUT_END;
    watch.start();
    if (way === 'sdk') {
      await runPlain({ baseUrl, model: 'rehearsal', agents, calls, maxRetries: SDK_RETRIES, durationMs });
    } else {
      await runPopulation(folder, {
        baseUrl,
        agents,
        calls,
        shards: sizes.shards,
        oneShard: way === 'oneShard',
        heavy: way === 'heavy' ? heavy : null,
        durationMs,
        config: way === 'headers' ? {} : { model: { requestsPerMinute, tokensPerMinute, limitWindowMs: windowMs } },
      });
    }
    await watch.stop();
    const found = admitted(watch.samples, perWindow);
    return { ...found, fairShare: fairShare(found.byAgent, agents, way === 'heavy' ? heavy.agents : 0) };
  });
};

export interface CostRun {
  readonly calls: number;
  readonly seconds: number;
  readonly clientCpuMs: number;
  readonly startMb: number;
  readonly peakMb: number | null;
}

/** Whose client is measured. */
export type Client = 'megactor' | 'plain' | 'openai-agents' | 'langgraph';

const peerResultSchema = z.union([plainResultSchema, z.strictObject({ skipped: z.string() })]);

/** @throws Error when a peer is not installed, or a call failed */
export const runCost = (client: Client, agents: number, sizes: Sizes): Promise<CostRun> => {
  const { calls } = sizes.cost;
  return watched(chatRehearsal(sizes.latencyMs, calls), {}, async ({ folder, url, baseUrl }) => {
    let run: CostRun & { readonly failed?: number };
    if (client === 'megactor') {
      run = await runPopulation(folder, { baseUrl, agents, calls, shards: sizes.shards });
    } else if (client === 'plain') {
      run = await runPlain({ baseUrl, model: 'rehearsal', agents, calls, maxRetries: 0, durationMs: null });
    } else {
      const found = await runSubjectAt(at('./peer'), { peer: client, baseUrl, agents, calls }, peerResultSchema);
      if ('skipped' in found) throw new Error(found.skipped);
      run = found;
    }
    const served = (await statsOf(url)).calls;
    const wrong = [run.calls, served].find((count) => count !== agents * calls);
    if (wrong !== undefined) throw new Error(`${wrong} calls instead of ${agents * calls}`);
    return run;
  });
};

export const runOutage = ({ outage, latencyMs, shards }: Sizes): Promise<Recovery & { readonly calls: number }> => {
  const { agents, calls, afterMs, lengthMs } = outage;
  const rehearsal = { ...chatRehearsal(latencyMs, calls), outage: { afterMs, lengthMs } };
  return watched(rehearsal, {}, async ({ folder, baseUrl, watch }) => {
    watch.start();
    const run = await runPopulation(folder, { baseUrl, agents, calls, shards });
    await watch.stop();
    if (run.stopped !== null) throw new Error(`the gate stopped: ${run.stopped}`);
    return { ...recovery(watch.samples, outage), calls: run.calls };
  });
};
