/** What every agent of a run is told of its settings. Pure. */
import { defaultPollIntervalMs, limitsWith, type AgentSettings, type Limits } from '../society/index.ts';
import type { PromptTexts } from './prompts.ts';
import type { RunFile } from './run-directory.ts';

type SettledRun = Pick<RunFile, 'runId' | 'settings'>;

export const limitsOf = (run: SettledRun): Limits =>
  limitsWith({ ...run.settings.config.limits, agentsMax: run.settings.maxAgents });

const NO_POLL_INTERVAL_MS = { boss: 0, admin: 0, ordinary: 0 };
/** What the agents of a deterministic run know instead of its id, which is a fresh one. */
const DETERMINISTIC_RUN_ID = 'deterministic';

/** @param prompts of the run's own */
export const agentSettings = (run: SettledRun, prompts: PromptTexts | null = null): Omit<AgentSettings, 'goal'> => {
  const { config, review, deterministic, durability, sandbox, memoryThreads } = run.settings;
  // Where nothing is kept a run cannot wait for an answer.
  const asks = config.human?.questions !== false && durability !== 'none';
  const services = [
    ...(memoryThreads === 0 ? [] : ['memory']),
    ...(sandbox === 'off' ? [] : ['sandbox']),
    ...(asks ? ['human'] : []),
  ];
  const { temperature, maxTokens, compaction } = config.model ?? {};
  const { boss, admin, ordinary } = deterministic
    ? NO_POLL_INTERVAL_MS
    : { ...defaultPollIntervalMs, ...config.pollIntervalMs };
  return {
    run: deterministic ? DETERMINISTIC_RUN_ID : run.runId,
    reviews: review !== 'none',
    ...(review === 'auto' ? { checks: true } : {}),
    ...(services.length === 0 ? {} : { services }),
    ...(prompts === null ? {} : { prompts }),
    limits: limitsOf(run),
    ...(run.settings.approve.length === 0 ? {} : { approve: run.settings.approve }),
    pollIntervalMs: {
      boss: boss ?? defaultPollIntervalMs.boss,
      admin: admin ?? defaultPollIntervalMs.admin,
      ordinary: ordinary ?? defaultPollIntervalMs.ordinary,
    },
    ...(memoryThreads <= 1 ? {} : { memoryOwners: memoryThreads }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(compaction === undefined ? {} : { compaction }),
  };
};
