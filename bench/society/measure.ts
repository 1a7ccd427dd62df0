/** Runs what `bench society` measures, one after another, and puts the result together. Prints progress, not results. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryUrl } from '../../src/platform/index.ts';
import { environment, withDirectory } from '../harness/environment.ts';
import type { Progress } from '../harness/program.ts';
import { runModule, serveMegactor } from '../harness/programs.ts';
import { machine, type BenchResult, type Row } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { loadResultSchema, type LoadResult, type LoadSettings } from './load.ts';
import { runOwnModel, type OwnModelRun } from './own-model.ts';
import { criticalPathRow, ownModelRows, serverRows, sizeRows } from './rows.ts';
import {
  CRITICAL_PATH_CALLS,
  GOAL,
  LATENCY_MS,
  LOAD,
  REFERENCES,
  RUNS_DEFAULT,
  SEED,
  SHORT_GOAL,
  SIZES_DEFAULT,
  WORKERS_PER_ADMIN,
  type SocietySettings,
} from './settings.ts';
import { runTeam, type TeamRun } from './team.ts';

const teamLine = (run: TeamRun): string =>
  `${run.wallSeconds.toFixed(2)} s, ${run.calls} calls, ${run.filesDelivered} of ${run.filesExpected} files`;

const measureServer = (durationMs: number): Promise<LoadResult> =>
  withDirectory(async (folder) => {
    const rehearsal = join(folder, 'rehearsal.json');
    writeFileSync(rehearsal, JSON.stringify({ scenario: 'chat', latencyMs: 0, shape: { calls: 5 } }));
    const server = await serveMegactor(['rehearsal-server', '--rehearsal', rehearsal, '--seed', String(SEED)]);
    try {
      const { connections, warmUpMs } = LOAD;
      const settings: LoadSettings = { url: server.url, connections, warmUpMs, durationMs, serverPid: server.pid };
      const finished = await runModule(entryUrl('load', import.meta.url), [JSON.stringify(settings)]);
      if (finished.exitCode !== 0) throw new Error(`the load generator failed: ${finished.stderr.trim().slice(-300)}`);
      const result = loadResultSchema.parse(JSON.parse(finished.stdout));
      if (result.refused > 0) throw new Error(`the server refused ${result.refused} requests`);
      return result;
    } finally {
      await server.close();
    }
  });

const sharedSettings = (): Record<string, unknown> => ({
  journal: 'lmdb, durability flushed',
  memory: 'none',
  embedder: 'none',
  ...environment(),
});

const measureTeams = async (settings: SocietySettings, progress: Progress): Promise<BenchResult> => {
  const runs = settings.quick ? 1 : RUNS_DEFAULT;
  const sizes = [...new Set(settings.sizes ?? SIZES_DEFAULT)];
  const durationMs = settings.quick ? LOAD.quickDurationMs : LOAD.durationMs;
  const teams = new Map(sizes.map((size) => [size, new Series<TeamRun>()]));
  const server = new Series<LoadResult>();
  const shared = sharedSettings();
  // Size by size within a round, so that a machine that slows down does so for all sizes.
  for (let round = 1; round <= runs; round += 1) {
    for (const [size, series] of teams) {
      const run = await series.add(() => runTeam(size));
      progress(`${size} agents, run ${round} of ${runs}: ${run === null ? 'failed' : teamLine(run)}`);
    }
    const load = await server.add(() => measureServer(durationMs));
    const rate = load === null ? 'failed' : `${Math.round(load.answers / load.seconds)} requests/s`;
    progress(`rehearsal-server, run ${round} of ${runs}: ${rate}`);
  }
  const serverRuns = server.measured;
  const rows: Row[] = [
    criticalPathRow(),
    ...[...teams].flatMap(([size, series]) => sizeRows(size, series.measured)),
    ...serverRows(serverRuns),
  ];
  return {
    bench: 'society',
    machine: machine(),
    runs,
    settings: {
      model: 'the rehearsal over HTTP, in a process of its own: no language model',
      scenario: 'team',
      goal: GOAL,
      latencyMs: LATENCY_MS,
      workersPerAdmin: WORKERS_PER_ADMIN,
      criticalPathCalls: CRITICAL_PATH_CALLS,
      reviews: 'none',
      seed: SEED,
      sizes,
      ...shared,
      wallTime: 'from the start of the `megactor run` process to its end',
      cpu: 'user and system time of the `megactor run` process with all its threads; the server is not in it',
      server: {
        scenario: 'chat',
        connections: LOAD.connections,
        warmUpMs: LOAD.warmUpMs,
        durationMs,
        requestBytes: 'failed' in serverRuns ? null : (serverRuns.runs[0]?.requestBytes ?? null),
        method:
          'load from another process over loopback, one request at a time per connection; the server has one thread',
      },
      references: REFERENCES,
    },
    rows,
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
  settings.model === undefined ? measureTeams(settings, progress) : measureOwnModel(settings, progress);
