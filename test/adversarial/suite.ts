/**
 * `npm run adversarial -- [--seeds N] [--first SEED] [--real N] [--no-canaries] [--json]`: societies whose models misbehave,
 * each drawn from a seed and played to its end, some of them twice; and one in 50 also on real threads (`--real`: so many).
 * Ends with one JSON line; exit 1 on a failure, when a kind of bad behaviour never occurred, or when a broken build is not
 * caught. Default: 2,000 seeds.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { BAD_KINDS } from './behaviours.ts';
import { MUTANTS } from './mutants.ts';
import { REAL_EVERY, REAL_HAPPENINGS, runReal } from './real.ts';
import { HAPPENINGS, runTrial, type TrialOutcome } from './trial.ts';

/** A broken build that is not caught by this many seeds escapes. */
export const CANARY_SEEDS_MAX = 50;
/** So many trials have every kind of behaviour and every happening. */
const EVERYTHING_FROM = 400;
/** Of so many seeds one is played twice. */
const TWICE_EVERY = 25;

export interface AdversarialResult {
  readonly suite: 'adversarial';
  readonly trials: number;
  readonly failures: number;
  readonly firstFailingSeed: number | null;
  /** Answers by kind of behaviour, and what else happened, over all trials. */
  readonly counters: Readonly<Record<string, number>>;
  /** Seeds that were needed to catch each broken build; null for one that escaped. */
  readonly canaries: Readonly<Record<string, number | null>>;
}

const play = async (seed: number): Promise<TrialOutcome> => {
  const first = await runTrial(seed);
  if (seed % TWICE_EVERY !== 0) return first;
  const again = await runTrial(seed);
  if (first.traceHash === again.traceHash) return first;
  return { ...first, wrong: [...first.wrong, `it does not repeat: ${first.traceHash}, then ${again.traceHash}`] };
};

/** So many trials on real threads have everything that happens there, but for a server that fails: few agents have such a one. */
const ALL_REAL_FROM = 20;
const REAL_ERRORS_FROM = 400;

/** @param real seeds that are played on real threads as well */
export const runSuite = async (
  seeds: readonly number[],
  log: (line: string) => void,
  real: readonly number[] = [],
): Promise<AdversarialResult> => {
  const counters: Record<string, number> = Object.fromEntries([...BAD_KINDS, ...HAPPENINGS].map((name) => [name, 0]));
  const failing: number[] = [];
  for (const seed of seeds) {
    const { wrong, counters: counted, tail } = await play(seed);
    for (const [name, by] of Object.entries(counted)) counters[name] = (counters[name] ?? 0) + by;
    if (wrong.length === 0) continue;
    failing.push(seed);
    const repeat = `npm run adversarial -- --first ${seed} --seeds 1`;
    log(`failing: ${repeat}\n  ${wrong.join('\n  ')}\n  the last steps:\n    ${tail.join('\n    ')}`);
  }
  for (const seed of real) {
    const { wrong, counters: counted } = await runReal(seed);
    for (const [name, by] of Object.entries(counted)) counters[name] = (counters[name] ?? 0) + by;
    if (wrong.length === 0) continue;
    failing.push(seed);
    log(`failing: npm run adversarial -- --first ${seed} --seeds 0 --real 1\n  ${wrong.join('\n  ')}`);
  }
  return {
    suite: 'adversarial',
    trials: seeds.length + real.length,
    failures: failing.length,
    firstFailingSeed: failing[0] ?? null,
    counters,
    canaries: {},
  };
};

/** Seeds that a broken build needs to be caught; null when none of the first does. */
export const catchCanary = (canary: string, log: (line: string) => void): number | null => {
  const file = fileURLToPath(new URL('mutant.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', file, canary, String(CANARY_SEEDS_MAX)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`the process with ${canary} ended with: ${stdout}${stderr}`);
  log(stderr.trim());
  return (JSON.parse(line) as { readonly caught: number | null }).caught;
};

export const CANARIES = Object.keys(MUTANTS);

const main = async (): Promise<void> => {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      first: { type: 'string' },
      real: { type: 'string' },
      'no-canaries': flag,
      json: flag,
    },
  });
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const first = Number(values.first ?? 1);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => first + index);
  const realCount = Number(values.real ?? Math.floor(seeds.length / REAL_EVERY));
  const real = Array.from({ length: realCount }, (_, index) => first + index * REAL_EVERY);
  const result = await runSuite(seeds, log, real);
  // Whoever asks for certain seeds wants nothing else.
  const planted = values['no-canaries'] || values.first !== undefined ? [] : CANARIES;
  const canaries = Object.fromEntries(planted.map((canary) => [canary, catchCanary(canary, log)]));
  process.stdout.write(`${JSON.stringify({ ...result, canaries })}\n`);
  const expected = [
    ...(seeds.length < EVERYTHING_FROM ? [] : [...BAD_KINDS, ...HAPPENINGS]),
    ...(realCount < ALL_REAL_FROM ? [] : REAL_HAPPENINGS),
    ...(realCount < REAL_ERRORS_FROM ? [] : ['real-errors']),
  ];
  const absent = expected.filter((name) => (result.counters[name] ?? 0) === 0);
  if (absent.length > 0) log(`never happened: ${absent.join(', ')}`);
  if (result.failures > 0 || absent.length > 0 || Object.values(canaries).includes(null)) process.exitCode = 1;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
