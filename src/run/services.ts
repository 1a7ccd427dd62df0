/** Which services a run has, on which threads, with what options. */
import { entryUrl } from '../platform/index.ts';
import type { ServiceSpec } from '../protocol/service.ts';
import { budgetsOf } from './model-settings.ts';
import type { RunFile } from './run-directory.ts';
import type { RunSettings } from './settings.ts';

const moduleOf = (name: string): string => entryUrl(`services/${name}`, import.meta.url).href;

const sandboxSpec = (settings: RunSettings, mode: 'bwrap' | 'none'): ServiceSpec => {
  const { runningMax, ...limits } = settings.config.programs ?? {};
  const options = {
    mode,
    network: settings.sandboxNetwork,
    limits,
    ...(runningMax === undefined ? {} : { runningMax }),
  };
  // Alone: it reads what programs print, which may be much.
  return { name: 'sandbox', module: moduleOf('sandbox'), thread: 'sandbox', options };
};

export const serviceSpecs = (run: RunFile, runDirectory: string): ServiceSpec[] => {
  const { settings } = run;
  const { model, models, modelOf, prices, cassette } = settings.config;
  const { seed, deterministic, sandbox } = settings;
  return [
    {
      name: 'roster',
      module: moduleOf('roster'),
      thread: 'services',
      // A grace period would end a run at a moment that depends on the machine.
      options: { seed, programs: sandbox !== 'off', ...(deterministic ? { finishGraceMs: null } : {}) },
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
        budgets: budgetsOf(settings.config, settings.budget),
      },
    },
    {
      name: 'workspace',
      module: moduleOf('workspace'),
      thread: 'workspace',
      options: {
        directory: settings.workspace,
        runId: run.runId,
        ignore: [runDirectory],
        sync: settings.durability === 'flushed',
      },
    },
    ...(sandbox === 'off' ? [] : [sandboxSpec(settings, sandbox)]),
  ];
};
