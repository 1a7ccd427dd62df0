/**
 * `npm run kill -- [--seeds N] [--first SEED] [--agents N] [--seconds S] [--canaries] [--json]`: real processes, killed
 * with SIGKILL at random times and at armed points, resumed, and compared with the same run left alone. Ends with one
 * JSON line; exit 1 on a failure, or when a planted defect is not caught.
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Canary, CANARIES, KILL_POINTS } from '../../src/platform/index.ts';
import { drawTrial, type RunShape, type Trial } from './draw.ts';
import regressions from './regressions.json' with { type: 'json' };
import { type Reference, referenceOf, runTrial, type TrialResult } from './trial.ts';

/** A planted defect that is not caught by this many seeds escapes. */
const CANARY_SEEDS_MAX = 50;

export interface KillSuiteOptions {
  readonly seeds: readonly number[];
  /** Default: 20 to 60, drawn. */
  readonly agents?: number | undefined;
  /** No trial begins after this time. */
  readonly seconds?: number | undefined;
  readonly canaries: readonly Canary[];
  readonly log: (line: string) => void;
}

export interface KillSuiteResult {
  readonly suite: 'kill';
  readonly trials: number;
  readonly failures: number;
  readonly firstFailingSeed: number | null;
  /**
   * How often a process was killed, by point, and at a random time; `missed` had ended before. `uncounted`: answers paid
   * for again and in no count, because the process was killed before the mark of the first request was stored.
   */
  readonly counters: Readonly<Record<string, number>>;
  /** Seeds that were needed to catch each planted defect; null for one that escaped. */
  readonly canaries: Readonly<Record<string, number | null>>;
}

class Suite {
  readonly #options: KillSuiteOptions;
  readonly #references = new Map<string, Promise<Reference>>();
  readonly #until: number;

  constructor(options: KillSuiteOptions) {
    this.#options = options;
    this.#until = performance.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1_000;
  }

  get timeIsUp(): boolean {
    return performance.now() >= this.#until;
  }

  #reference(shape: RunShape): Promise<Reference> {
    const key = JSON.stringify(shape);
    let found = this.#references.get(key);
    if (found === undefined) this.#references.set(key, (found = referenceOf(shape)));
    return found;
  }

  async trial(seed: number, canary: Canary | null): Promise<TrialResult> {
    const trial: Trial = drawTrial(seed, this.#options.agents);
    const result = await runTrial(trial, await this.#reference(trial.shape), canary);
    const { scenario, agents } = trial.shape;
    const what = `${canary === null ? '' : `${canary}: `}seed ${seed}, ${scenario} of ${agents}`;
    const how = result.wrong.length === 0 ? 'good' : result.wrong.join('; ');
    this.#options.log(`${what}, killed at ${result.kills.join(', ')}: ${how}`);
    return result;
  }
}

export const runKillSuite = async (options: KillSuiteOptions): Promise<KillSuiteResult> => {
  const suite = new Suite(options);
  const counters: Record<string, number> = { random: 0, missed: 0, uncounted: 0 };
  for (const point of KILL_POINTS) counters[point] = 0;
  const failed: number[] = [];
  let trials = 0;
  for (const seed of options.seeds) {
    if (suite.timeIsUp) break;
    const { wrong, kills, uncounted } = await suite.trial(seed, null);
    counters['uncounted'] = (counters['uncounted'] ?? 0) + uncounted;
    trials += 1;
    if (wrong.length > 0) failed.push(seed);
    for (const kill of kills) counters[kill] = (counters[kill] ?? 0) + 1;
  }
  const canaries: Record<string, number | null> = {};
  for (const canary of options.canaries) {
    canaries[canary] = null;
    for (let seed = 1; seed <= CANARY_SEEDS_MAX && canaries[canary] === null; seed += 1) {
      if ((await suite.trial(seed, canary)).wrong.length > 0) canaries[canary] = seed;
    }
  }
  return { suite: 'kill', trials, failures: failed.length, firstFailingSeed: failed[0] ?? null, counters, canaries };
};

const main = async (): Promise<void> => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      seeds: { ...text, default: '25' },
      first: { ...text, default: '1' },
      agents: text,
      seconds: text,
      canaries: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const first = Number(values.first);
  const drawn = Array.from({ length: Number(values.seeds) }, (_, index) => first + index);
  const result = await runKillSuite({
    seeds: drawn.length === 0 ? [] : [...new Set([...regressions.seeds, ...drawn])],
    agents: values.agents === undefined ? undefined : Number(values.agents),
    seconds: values.seconds === undefined ? undefined : Number(values.seconds),
    canaries: values.canaries ? CANARIES : [],
    log: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (result.failures > 0 || Object.values(result.canaries).includes(null)) process.exitCode = 1;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
