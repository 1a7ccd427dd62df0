/**
 * `npm run sim -- [--seeds N] [--first SEED] [--no-canaries] [--json]`: whole systems in one thread, in which a seed decides what goes on
 * next, what fails and what dies, twice per seed. Ends with one JSON line; exit 1 on a failure, or when a planted defect is
 * not caught. Default: 1,000 seeds, after the corpus of seeds that have found something (`corpus.json`).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { SIM_CANARIES } from '../../src/platform/index.ts';
import { FAULTS } from './draw.ts';
import { runTrial, type TrialOutcome } from './trial.ts';

/** A planted defect that is not caught by this many seeds escapes. */
export const CANARY_SEEDS_MAX = 50;

/** So many trials have every kind of fault. */
const ALL_FAULTS_FROM = 200;

/** A seed that has found something; it is tried first from then on. */
export interface Found {
  readonly seed: number;
  /** What it had found. */
  readonly found: string;
}

export const readCorpus = (): readonly Found[] =>
  JSON.parse(readFileSync(new URL('./corpus.json', import.meta.url), 'utf8')) as readonly Found[];

export interface SimSuiteResult {
  readonly suite: 'sim';
  readonly trials: number;
  readonly failures: number;
  readonly firstFailingSeed: number | null;
  /** How often each fault was there (`FAULTS`), and how much was done. */
  readonly counters: Readonly<Record<string, number>>;
  /** Seeds that were needed to catch each planted defect; null for one that escaped. */
  readonly canaries: Readonly<Record<string, number | null>>;
}

export interface SimSuiteOptions {
  readonly seeds: readonly number[];
  readonly log: (line: string) => void;
  /** A seed runs once only, and the first that fails is the last. */
  readonly untilFailure?: boolean;
}

/** Runs a seed, and again: both must have done the same. */
export const runTwice = async (seed: number): Promise<TrialOutcome> => {
  const first = await runTrial(seed);
  const second = await runTrial(seed);
  if (first.traceHash === second.traceHash) return first;
  const words = `W3 does not repeat: ${first.steps} steps with hash ${first.traceHash}, then ${second.steps} with ${second.traceHash}`;
  return { ...first, wrong: [...first.wrong, words] };
};

export const runSimSuite = async ({ seeds, log, untilFailure = false }: SimSuiteOptions): Promise<SimSuiteResult> => {
  const counters: Record<string, number> = Object.fromEntries(FAULTS.map((fault) => [fault, 0]));
  let [trials, failures] = [0, 0];
  let firstFailingSeed: number | null = null;
  for (const seed of seeds) {
    const { wrong, counters: counted, tail, steps } = await (untilFailure ? runTrial(seed) : runTwice(seed));
    trials += 1;
    for (const [name, by] of Object.entries({ ...counted, steps })) counters[name] = (counters[name] ?? 0) + by;
    if (wrong.length === 0) continue;
    failures += 1;
    firstFailingSeed ??= seed;
    log(
      `failing: npm run sim -- --first ${seed} --seeds 1\n  ${wrong.join('\n  ')}\n  the last steps:\n    ${tail.join('\n    ')}`,
    );
    if (untilFailure) break;
  }
  return { suite: 'sim', trials, failures, firstFailingSeed, counters, canaries: {} };
};

/** Seeds that a process with the planted defect needs to fail; null when none of the first fails. */
export const catchCanary = (canary: string): number | null => {
  const file = fileURLToPath(import.meta.url);
  const args = ['--disable-warning=ExperimentalWarning', file, '--until-failure', '--seeds', String(CANARY_SEEDS_MAX)];
  const env = { ...process.env, NODE_ENV: 'test', MEGACTOR_CANARY: canary };
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`the process with ${canary} ended with: ${stdout}${stderr}`);
  return (JSON.parse(line) as SimSuiteResult).firstFailingSeed;
};

const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

const main = async (): Promise<void> => {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string' },
      'no-canaries': flag,
      'until-failure': flag,
      json: flag,
    },
  });
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const untilFailure = values['until-failure'];
  const drawn = from(Number(values.first ?? 1), Number(values.seeds));
  // Whoever asks for certain seeds wants nothing else.
  const alone = untilFailure || values.first !== undefined;
  const seeds = alone ? drawn : [...new Set([...readCorpus().map(({ seed }) => seed), ...drawn])];
  const result = await runSimSuite({ seeds, log, untilFailure });
  const planted = alone || values['no-canaries'] ? [] : SIM_CANARIES;
  const canaries = Object.fromEntries(planted.map((canary) => [canary, catchCanary(canary)]));
  process.stdout.write(`${JSON.stringify({ ...result, canaries })}\n`);
  const absent = result.trials < ALL_FAULTS_FROM ? [] : FAULTS.filter((fault) => result.counters[fault] === 0);
  if (absent.length > 0) log(`never drawn: ${absent.join(', ')}`);
  if (result.failures > 0 || absent.length > 0 || Object.values(canaries).includes(null)) process.exitCode = 1;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
