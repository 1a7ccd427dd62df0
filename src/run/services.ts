/** What the system of a run is made of: its services, on which threads, with what options, and its agents. */
import { join } from 'node:path';
import { coreCount, entryUrl } from '../platform/index.ts';
import type { ServiceSpec } from '../protocol/service.ts';
import type { SystemOptions } from '../runtime/index.ts';
import { ownerName } from '../memory/owners.ts';
import { budgetsOf } from './model-settings.ts';
import type { RunFile } from './run-directory.ts';
import type { RunSettings } from './settings.ts';

/** What the agents of a run are; the modules themselves are loaded on the hosts. */
const AGENT_DEFINITIONS = ['boss', 'admin', 'ordinary'].map((level) => ({
  module: entryUrl(`../../actors/${level}`, import.meta.url).href,
  export: level,
}));

const moduleOf = (name: string): string => entryUrl(`services/${name}`, import.meta.url).href;

/** The roster's thread. */
const SHARED_THREAD = 'services';
/** With no more cores than this a thread more starts later, and does nothing at the same time as the others. */
const FEW_CORES = 2;

/** The thread of a service that shares the roster's where there are few cores. */
const threadOf = (name: string, { deterministic }: RunSettings): string =>
  // What a deterministic run does must not depend on the machine.
  deterministic || coreCount() > FEW_CORES ? name : SHARED_THREAD;

const sandboxSpec = (settings: RunSettings, mode: 'bwrap' | 'none'): ServiceSpec => {
  const { runningMax, ...limits } = settings.config.programs ?? {};
  const options = {
    mode,
    network: settings.sandboxNetwork,
    limits,
    roster: true,
    ...(runningMax === undefined ? {} : { runningMax }),
  };
  // Alone: it reads what programs print, which may be much.
  return { name: 'sandbox', module: moduleOf('sandbox'), thread: 'sandbox', options };
};

/** The memories of a run, shared among as many threads as it has for them, and their local embedder. */
const memorySpecs = ({ settings }: RunFile, runDirectory: string): ServiceSpec[] => {
  const { memoryThreads: owners, embedder, deterministic } = settings;
  if (owners === 0) return [];
  const directory = embedder === 'none' ? null : join(runDirectory, 'memory');
  const memories = Array.from({ length: owners }, (_, owner): ServiceSpec => {
    const name = ownerName(owner);
    return {
      name,
      module: moduleOf('memory'),
      // Vectors are work of another size.
      thread: owner === 0 && embedder === 'none' ? threadOf(name, settings) : name,
      options: { owner, owners, directory, embedder, deterministic },
    };
  });
  return embedder === 'local'
    ? [...memories, { name: 'embedder', module: moduleOf('embedder'), thread: 'embedder' }]
    : memories;
};

/** What the system is told of the agents: what they are, and which of them stay in memory, as far as the configuration says it. */
export const agentsOf = ({
  config,
}: RunSettings): Pick<SystemOptions, 'definitions' | 'residentMax' | 'passivateAfterMs' | 'checkpoint'> => {
  const { residentMax, passivateAfterMs, checkpointEntries } = config.actors ?? {};
  return {
    definitions: AGENT_DEFINITIONS,
    ...(residentMax === undefined ? {} : { residentMax }),
    ...(passivateAfterMs === undefined ? {} : { passivateAfterMs }),
    ...(checkpointEntries === undefined ? {} : { checkpoint: { entries: checkpointEntries } }),
  };
};

export const serviceSpecs = (run: RunFile, runDirectory: string): ServiceSpec[] => {
  const { settings } = run;
  const { model, models, modelOf, prices, cassette } = settings.config;
  const { seed, deterministic, sandbox } = settings;
  return [
    {
      name: 'roster',
      module: moduleOf('roster'),
      thread: SHARED_THREAD,
      // A grace period would end a run at a moment that depends on the machine.
      options: {
        seed,
        programs: sandbox !== 'off',
        leave: ['workspace', ...(sandbox === 'off' ? [] : ['sandbox'])],
        ...(deterministic ? { finishGraceMs: null, commits: false } : {}),
      },
    },
    {
      name: 'model',
      module: moduleOf('model'),
      // Alone, so that an answer reaches the journal however busy the agents are.
      thread: 'model',
      options: {
        model: settings.model,
        seed,
        deterministic,
        baseUrl: settings.baseUrl,
        agentHeaders: settings.agentHeaders,
        ...(settings.rehearsal === null ? {} : { rehearsal: settings.rehearsal }),
        config: { model, models, modelOf, prices, cassette },
        record: settings.record,
        run: run.runId,
        embedder: settings.embedder.startsWith('openai:') ? settings.embedder : null,
        budgets: budgetsOf(settings.config, settings.budget),
      },
    },
    {
      name: 'workspace',
      module: moduleOf('workspace'),
      thread: threadOf('workspace', settings),
      options: {
        directory: settings.workspace,
        runId: run.runId,
        ignore: [runDirectory],
        sync: settings.durability === 'flushed',
        roster: true,
      },
    },
    ...(sandbox === 'off' ? [] : [sandboxSpec(settings, sandbox)]),
    ...memorySpecs(run, runDirectory),
  ];
};
