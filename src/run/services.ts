/** Which services a run has, on which threads, with what options. */
import { entryUrl } from '../platform/index.ts';
import type { ServiceSpec } from '../protocol/service.ts';
import { budgetsOf } from './model-settings.ts';
import type { RunFile } from './run-directory.ts';

const moduleOf = (name: string): string => entryUrl(`services/${name}`, import.meta.url).href;

export const serviceSpecs = (run: RunFile, runDirectory: string): ServiceSpec[] => {
  const { settings } = run;
  const { model, models, modelOf, prices, cassette } = settings.config;
  const { seed, deterministic } = settings;
  return [
    {
      name: 'roster',
      module: moduleOf('roster'),
      thread: 'services',
      // A grace period would end a run at a moment that depends on the machine.
      options: { seed, ...(deterministic ? { finishGraceMs: null } : {}) },
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
  ];
};
