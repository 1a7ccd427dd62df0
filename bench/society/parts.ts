/**
 * The parts of `bench society`: what is run for each of them, and the rows that it gives. It repeats nothing itself.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entryUrl } from '../../src/platform/index.ts';
import { withDirectory } from '../harness/environment.ts';
import { runModule, serveMegactor } from '../harness/programs.ts';
import type { Row } from '../harness/result.ts';
import { Series } from '../harness/series.ts';
import { loadResultSchema, type LoadResult, type LoadSettings } from './load.ts';
import { criticalPathRow, serverRows, sharedRows, sizeRows } from './rows.ts';
import {
  BAD_OUTPUT_RATE,
  FAILURE_KINDS,
  FAILURE_RATE,
  LOAD,
  POLLING_LATENCIES,
  POLLING_SIZE,
  POLL_INTERVALS_MS,
  SEED,
  type FailureKind,
  type Plan,
  type PollingLatency,
} from './settings.ts';
import { badOutputRows, cleanOf, cleanRows, failureRows, pollingRows, usefulRows } from './society-rows.ts';
import { runSociety, type SocietyRun } from './society.ts';
import { runTeam, type TeamRun, type Variant } from './team.ts';

/** Something that is measured once in every round. */
export interface Job {
  readonly name: string;
  /** Says in a few words what it came to. */
  run(): Promise<string>;
}

export interface Chosen {
  readonly jobs: readonly Job[];
  /** When all jobs have been run. */
  rows(): Row[];
}

const teamLine = (run: TeamRun): string =>
  `${run.wallSeconds.toFixed(2)} s, ${run.calls} calls, ${run.delivered} of ${run.expected}`;

const societyLine = ({ completed, wallSeconds, answers, files }: SocietyRun): string => {
  const useful = `${answers.useful} of ${answers.calls} calls useful`;
  return `${wallSeconds.toFixed(2)} s, ${useful}, ${files.length} files${completed ? '' : ', not completed'}`;
};

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

/** Jobs of one measurement, and the series that they fill. */
class Jobs {
  readonly list: Job[] = [];

  add<Run>(name: string, measure: () => Promise<Run>, lineOf: (run: Run) => string): Series<Run> {
    const series = new Series<Run>();
    const run = async (): Promise<string> => {
      const measured = await series.add(measure);
      const { measured: all } = series;
      if (measured !== null) return lineOf(measured);
      return 'failed' in all ? `failed: ${all.failed}` : 'failed';
    };
    this.list.push({ name, run });
    return series;
  }
}

const ratesOf = (kind: FailureKind | 'all'): Readonly<Record<string, number>> =>
  Object.fromEntries((kind === 'all' ? FAILURE_KINDS : [kind]).map((one) => [one, FAILURE_RATE]));

const teams = (jobs: Jobs, { sizes, parts }: Plan, variant: Variant): (() => Row[]) => {
  if (!parts.has(variant === 'shared' ? 'shared' : 'team')) return () => [];
  const about = variant === 'shared' ? ' with shared files' : '';
  const all = sizes.map((size) => ({
    size,
    series: jobs.add(`team of ${size}${about}`, () => runTeam(size, variant), teamLine),
  }));
  return () =>
    all.flatMap(({ size, series }) =>
      variant === 'shared' ? sharedRows(size, series.measured) : sizeRows(size, series.measured),
    );
};

/** Societies of all sizes in which nothing fails, and the largest again with failures. */
const societies = (jobs: Jobs, { sizes, parts, failures }: Plan): (() => Row[]) => {
  const largest = Math.max(...sizes);
  const played = parts.has('society') ? sizes : parts.has('failures') ? [largest] : [];
  const clean = played.map((size) => ({
    size,
    series: jobs.add(`society of ${size}`, () => runSociety({ agents: size }), societyLine),
  }));
  const failing = parts.has('failures') ? failures : [];
  const spoiled = failing.map((kind) => ({
    kind,
    series: jobs.add(
      `society of ${largest} with failures: ${kind}`,
      () => runSociety({ agents: largest, failures: ratesOf(kind), mayFail: true }),
      societyLine,
    ),
  }));
  return () => {
    const useful = parts.has('society') ? clean.flatMap(({ size, series }) => usefulRows(size, series.measured)) : [];
    const reference = clean.find(({ size }) => size === largest)?.series.measured;
    if (spoiled.length === 0 || reference === undefined) return useful;
    const compared = cleanOf(reference);
    const rows = spoiled.flatMap(({ kind, series }) => failureRows(kind, series.measured, compared));
    return [...useful, ...cleanRows(reference), ...rows];
  };
};

const badOutput = (jobs: Jobs, { sizes, parts }: Plan): (() => Row[]) => {
  if (!parts.has('badOutput')) return () => [];
  const agents = Math.max(...sizes);
  const series = jobs.add(
    `society of ${agents} with bad output`,
    () => runSociety({ agents, failures: { badOutput: BAD_OUTPUT_RATE } }),
    ({ reviews, approvedBad }) =>
      `${reviews.revised} of ${reviews.planted} sent back, ${approvedBad} approved, ${reviews.goodSentBack} of ${reviews.good} good ones sent back`,
  );
  return () => badOutputRows(agents, series.measured);
};

const polling = (jobs: Jobs, { sizes, parts }: Plan): (() => Row[]) => {
  if (!parts.has('polling')) return () => [];
  const agents = Math.min(POLLING_SIZE, Math.max(...sizes));
  const all = (Object.keys(POLLING_LATENCIES) as PollingLatency[]).map((latency) => ({
    latency,
    measured: POLL_INTERVALS_MS.map((pollIntervalMs) => ({
      pollIntervalMs,
      series: jobs.add(
        `society of ${agents}, ${latency} latency, Admins wait ${pollIntervalMs} ms`,
        () => runSociety({ agents, latencyMs: POLLING_LATENCIES[latency], pollIntervalMs }),
        societyLine,
      ),
    })),
  }));
  return () =>
    all.flatMap(({ latency, measured }) =>
      pollingRows(
        latency,
        measured.map(({ pollIntervalMs, series }) => ({ pollIntervalMs, series: series.measured })),
      ),
    );
};

const rehearsalServer = (jobs: Jobs, { parts }: Plan, durationMs: number): (() => Row[]) => {
  if (!parts.has('server')) return () => [];
  const series = jobs.add(
    'rehearsal-server',
    () => measureServer(durationMs),
    (load) => `${Math.round(load.answers / load.seconds)} requests/s`,
  );
  return () => serverRows(series.measured);
};

/** @param durationMs how long the server alone is measured */
export const choose = (plan: Plan, durationMs: number): Chosen => {
  const jobs = new Jobs();
  const rows = [
    ...(plan.parts.has('team') ? [() => [criticalPathRow()]] : []),
    teams(jobs, plan, 'own'),
    teams(jobs, plan, 'shared'),
    societies(jobs, plan),
    badOutput(jobs, plan),
    polling(jobs, plan),
    rehearsalServer(jobs, plan, durationMs),
  ];
  return { jobs: jobs.list, rows: () => rows.flatMap((rowsOf) => rowsOf()) };
};
