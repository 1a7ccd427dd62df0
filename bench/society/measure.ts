/**
 * Runs what `bench society` measures, one after another, and puts the result together. Prints progress, not results. What
 * the parts measure is in `parts.ts`.
 */
import { environment } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { machine, type BenchResult } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { runOwnModel, type OwnModelRun } from './own-model.ts';
import { choose } from './parts.ts';
import { ownModelRows } from './rows.ts';
import {
  BAD_OUTPUT_RATE,
  CRITICAL_PATH_CALLS,
  FAILURE_KINDS,
  FAILURE_RATE,
  GOAL,
  LATENCY_MS,
  LOAD,
  planOf,
  POLLING_LATENCIES,
  WARM_UP,
  REFERENCES,
  SEED,
  SHORT_GOAL,
  WORKERS_PER_ADMIN,
  type SocietySettings,
} from './settings.ts';

const sharedSettings = (): Record<string, unknown> => ({
  journal: 'lmdb, durability flushed',
  memory: 'none',
  embedder: 'none',
  ...environment(),
});

const measureRehearsal = async (settings: SocietySettings, progress: Progress): Promise<BenchResult> => {
  const plan = planOf(settings);
  const durationMs = settings.quick ? LOAD.quickDurationMs : LOAD.durationMs;
  const shared = sharedSettings();
  const chosen = choose(plan, durationMs);
  // All of it within a round, so that a machine that slows down does so for every row.
  for (let round = 1; round <= plan.runs; round += 1) {
    for (const job of chosen.jobs) progress(`${job.name}, run ${round} of ${plan.runs}: ${await job.run()}`);
  }
  return {
    bench: 'society',
    machine: machine(),
    runs: plan.runs,
    settings: {
      model: 'the rehearsal over HTTP, in a process of its own: no language model',
      serverWarmUp: WARM_UP,
      directories: 'of all runs, removed at the end',
      parts: [...plan.parts],
      goal: GOAL,
      latencyMs: LATENCY_MS,
      seed: SEED,
      sizes: plan.sizes,
      ...shared,
      wallTime: 'from the start of the `megactor run` process to its end',
      cpu: 'user and system time of the `megactor run` process with all its threads; the server is not in it',
      team: {
        scenario: 'team',
        reviews: 'none',
        workersPerAdmin: WORKERS_PER_ADMIN,
        criticalPathCalls: CRITICAL_PATH_CALLS,
      },
      society: {
        scenario: 'society',
        reviews: 'model',
        usefulCalls:
          'answers with a tool call that succeeded and is neither terminate nor change_task_status, and the plan',
        badOutput: { rate: BAD_OUTPUT_RATE, of: 'answers that write a file', judge: 'leads that read the file' },
        failures: { rate: FAILURE_RATE, kinds: FAILURE_KINDS, of: 'all answers', with: plan.failures },
        polling: { latenciesMs: POLLING_LATENCIES, report: 'a mail to an Admin from somebody it hired' },
      },
      server: {
        scenario: 'chat',
        connections: LOAD.connections,
        warmUpMs: LOAD.warmUpMs,
        durationMs,
        method:
          'load from another process over loopback, one request at a time per connection; the server has one thread',
      },
      references: REFERENCES,
      notMeasuredHere: 'surviving a kill in the middle: `npm run kill` does nothing else',
    },
    rows: chosen.rows(),
  };
};

const measureOwnModel = async (settings: SocietySettings, progress: Progress): Promise<BenchResult> => {
  const { model = '', agents = 1, calls = null } = settings;
  const series = new Series<OwnModelRun>();
  const shared = sharedSettings();
  const most = calls === null ? '' : `, paused after ${calls} calls`;
  progress(`one run of up to ${agents} agents with ${model}${most}; its calls are paid for like any others`);
  const run = await series.add(() => runOwnModel(model, agents, calls));
  const endedAs = run === null ? null : `${run.summary.status} (${run.summary.reason})`;
  const { measured } = series;
  progress('failed' in measured ? `nothing was measured: ${measured.failed}` : `the run ended ${endedAs}`);
  return {
    bench: 'society',
    machine: machine(),
    runs: 1,
    settings: {
      model,
      scenario: 'society',
      goal: SHORT_GOAL,
      agentsMax: agents,
      callsMax: calls,
      reviews: 'model',
      seed: SEED,
      ...shared,
      endedAs,
      measures:
        'the model server and this program together: what the agents do, and so the number of calls, differs from run to run and from model to model. Only the CPU and the memory are of this program alone. No targets.',
    },
    rows: ownModelRows(measured),
  };
};

export const measure = (settings: SocietySettings, progress: Progress): Promise<BenchResult> =>
  settings.model === undefined ? measureRehearsal(settings, progress) : measureOwnModel(settings, progress);
