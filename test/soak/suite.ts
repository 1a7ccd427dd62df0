/**
 * `npm run soak -- [--messages N] [--spawns N] [--rounds N] [--starts N] [--seeds N] [--canaries] [--quick] [--json]`: the
 * same work again and again on threads, with a look at memory, maps, threads, files and mailboxes after every round; what
 * grows from round to round is a failure. Defaults: 10,000,000 messages, 1,000,000 spawns and stops, 40 rounds, 50 starts.
 * `--canaries`: leaks planted on purpose, each of which must be reported. Ends with one JSON line; exit 1 on a failure.
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { LEAKS, type Leak } from '../../src/platform/index.ts';
import { judge, type Series, type Trend } from './judge.ts';
import type { ProcessSample, SoakOutcome, SoakSettings } from './trial.ts';

/** The first rounds compile code and fill caches. */
const WARM_UP = 0.25;
const WARM_UP_MIN = 2;
/** Tables of maps and sets are the same after every round; they double when they grow. */
const MAP_BYTES_PER_ROUND = 1_024;
/** Heaps and resident memory move with the work of the compiler and the collector: few rounds say nothing of them. */
const STEADY_ROUNDS_MIN = 20;
/** Most bytes of heap that an operation may leave behind in each thread, and a round beside that. */
const BYTES_PER_MESSAGE = 1;
const BYTES_PER_SPAWN = 8;
const BYTES_PER_ROUND = 65_536;
/** Of the whole process, in all rounds together. */
const RSS_GROWTH_BYTES = 160_000_000;

const TRIAL_LIMIT_MS = 7_200_000;

export const LONG: SoakSettings = {
  seed: 1,
  messages: 250_000,
  spawns: 25_000,
  rounds: 40,
  mapsEvery: 4,
  mapsFrom: 10,
  starts: 50,
};
export const QUICK: SoakSettings = {
  seed: 1,
  messages: 24_000,
  spawns: 2_000,
  rounds: 6,
  mapsEvery: 1,
  mapsFrom: 2,
  starts: 6,
};

const seriesOf = (prefix: string, samples: readonly ProcessSample[], heapBytesPerRound: number): Series[] => {
  const warm = samples.slice(Math.max(WARM_UP_MIN, Math.floor(samples.length * WARM_UP)));
  const series = (name: string, boundPerRound: number, read: (sample: ProcessSample) => number | null): Series => ({
    name: `${prefix}${name}`,
    boundPerRound,
    points: warm.flatMap((sample) => {
      const value = read(sample);
      return value === null ? [] : [[sample.round, value] as const];
    }),
  });
  const threads = Object.keys(samples[0]?.threads ?? {});
  const exact = [
    ...threads.map((name) =>
      series(`maps of ${name}`, MAP_BYTES_PER_ROUND, (at) => at.threads[name]?.mapBytes ?? null),
    ),
    series('open files', 0, ({ openFiles }) => openFiles),
    series('threads', 0, ({ systemThreads }) => systemThreads),
    series('handles', 0, ({ handles }) => handles),
  ];
  if (warm.length < STEADY_ROUNDS_MIN) return exact;
  return [
    ...exact,
    ...threads.map((name) => series(`heap of ${name}`, heapBytesPerRound, (at) => at.threads[name]?.heapBytes ?? null)),
    series('resident memory', RSS_GROWTH_BYTES / warm.length, ({ rssBytes }) => rssBytes),
  ];
};

export const trendsOf = (settings: SoakSettings, { samples, starts }: SoakOutcome): Trend[] => {
  const { messages, spawns } = settings;
  const heap = messages * BYTES_PER_MESSAGE + spawns * BYTES_PER_SPAWN + BYTES_PER_ROUND;
  return [...seriesOf('', samples, heap), ...seriesOf('starts: ', starts, BYTES_PER_ROUND)].map(judge);
};

export interface SoakVerdict {
  readonly wrong: readonly string[];
  readonly trends: readonly Trend[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Runs a trial in a process of its own. @param log whether its progress goes to stderr */
export const runSoak = async (settings: SoakSettings, leak: Leak | null, log = false): Promise<SoakVerdict> => {
  const { MEGACTOR_CANARY: _, ...environment } = process.env;
  const planted = leak === null ? {} : { NODE_ENV: 'test', MEGACTOR_CANARY: leak };
  const words = ['--expose-gc', '--disable-warning=ExperimentalWarning', new URL('trial.ts', import.meta.url).pathname];
  const running = promisify(execFile)(process.execPath, [...words, JSON.stringify(settings)], {
    env: { ...environment, ...planted },
    timeout: TRIAL_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (log) running.child.stderr?.pipe(process.stderr);
  const outcome = JSON.parse((await running).stdout) as SoakOutcome;
  const trends = trendsOf(settings, outcome);
  const wrong = [
    ...outcome.wrong,
    ...outcome.samples
      .filter(({ mailboxDepth }) => mailboxDepth !== 0)
      .map(({ round }) => `round ${round}: mail waits`),
    ...(new Set(outcome.samples.map(({ actors }) => actors)).size > 1 ? ['the number of actors changes'] : []),
    ...trends
      .filter(({ grows }) => grows)
      .map(
        (trend) => `${trend.name}: ${Math.round(trend.perRound)} a round, at most ${Math.round(trend.boundPerRound)}`,
      ),
  ];
  return { wrong, trends, counts: outcome.counts };
};

const main = async (): Promise<void> => {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      messages: text,
      spawns: text,
      rounds: text,
      starts: text,
      seeds: text,
      canaries: flag,
      quick: flag,
      json: flag,
    },
  });
  const form = values.quick ? QUICK : LONG;
  const rounds = Number(values.rounds ?? form.rounds);
  const perRound = (given: string | undefined, own: number): number =>
    given === undefined ? own : Math.ceil(Number(given) / rounds);
  const settings = {
    ...form,
    rounds,
    messages: perRound(values.messages, form.messages),
    spawns: perRound(values.spawns, form.spawns),
    starts: Number(values.starts ?? form.starts),
  };
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const trials = Number(values.seeds ?? 1);
  const counters: Record<string, number> = {};
  const failing: number[] = [];
  const trends: Trend[] = [];
  for (let seed = 1; seed <= trials; seed += 1) {
    const verdict = await runSoak({ ...settings, seed }, null, true);
    for (const [name, count] of Object.entries(verdict.counts)) counters[name] = (counters[name] ?? 0) + count;
    trends.push(...verdict.trends);
    for (const trend of verdict.trends) {
      const { name, first, last, perRound: growth } = trend;
      log(`${name}: ${first} to ${last}, ${growth.toFixed(1)} a round${trend.grows ? ': GROWS' : ''}`);
    }
    log(`seed ${seed}: ${verdict.wrong.length === 0 ? 'flat' : verdict.wrong.join('; ')}`);
    if (verdict.wrong.length > 0) failing.push(seed);
  }
  const canaries: Record<string, number | null> = {};
  for (const leak of values.canaries ? LEAKS : []) {
    const { wrong } = await runSoak(QUICK, leak);
    canaries[leak] = wrong.length > 0 ? 1 : null;
    log(`${leak}: ${wrong.join('; ') || 'escaped'}`);
  }
  const failures = failing.length;
  const firstFailingSeed = failing[0] ?? null;
  const line = { suite: 'soak', trials, failures, firstFailingSeed, counters, canaries, settings, trends };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (failures > 0 || Object.values(canaries).includes(null)) process.exitCode = 1;
};

if (import.meta.main) await main();
