/**
 * `npm run kill -- [--seeds N] [--first SEED] [--kind lists|runs|both] [--agents N] [--seconds S] [--jobs N] [--large]
 * [--canaries] [--json]`: real processes, killed with SIGKILL at random times and at armed points, on disks that fill up
 * and machines that lose their power, and started again. Two kinds of trials: systems of actors that are lists, judged
 * by a checker, and whole runs, compared with the same run left alone; `--large` adds runs of 589 agents. Ends with one
 * JSON line; exit 1 on a failure, or when a planted defect is not caught. Seeds that fail are kept in
 * `regressions.json` and tried first from then on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Canary, CANARIES, KILL_POINTS } from '../../src/platform/index.ts';
import { drawTrial, type RunShape } from './draw.ts';
import { runListTrial } from './list/trial.ts';
import { runTeamTrial } from './team.ts';
import { type Reference, referenceOf, runTrial } from './trial.ts';

/** A planted defect that is not caught by this many seeds escapes. */
const CANARY_SEEDS_MAX = 50;
/** Of drawn seeds, those that are a multiple of this are whole runs; they take some ten times as long. */
const RUN_EVERY = 20;
const LARGE_TRIALS = 3;
/** What befalls the disk: a group is refused, flushed late, lost with the power; the data file is cut off, overwritten. */
export const FAULTS = ['disk-full', 'slow-flush', 'power-loss', 'truncated', 'overwritten'] as const;
const NOT_KILLED: ReadonlySet<string> = new Set(['missed', 'disk-full', 'interrupted']);
const REGRESSIONS = new URL('./regressions.json', import.meta.url);

export type TrialKind = 'lists' | 'runs' | 'large';

export interface PlannedTrial {
  readonly kind: TrialKind;
  readonly seed: number;
}

export interface KillSuiteOptions {
  readonly trials: readonly PlannedTrial[];
  /** Of whole runs. Default: 20 to 60, drawn. */
  readonly agents?: number | undefined;
  /** No trial begins after this time. */
  readonly seconds?: number | undefined;
  /** Trials at once. */
  readonly jobs: number;
  readonly canaries: readonly Canary[];
  readonly log: (line: string) => void;
}

export interface KillSuiteResult {
  readonly suite: 'kill';
  readonly trials: number;
  readonly failures: number;
  readonly firstFailingSeed: number | null;
  /**
   * How often a process was killed, by point, and at a random time; `missed`: it was armed with a point that it did not
   * pass, and killed at another time or not at all; `interrupted`: it paused its run. How often each fault was there, by kind (`FAULTS`). `kills`: all
   * processes that were killed. `damage-noticed`: damaged journals that were refused; in the others the damage lay
   * where nothing is. `compactions`: begun, killed or not. `acknowledged`: operations on lists that were. `uncounted`:
   * answers paid for again and in no count, because the process was killed before the mark of the first request was
   * stored.
   */
  readonly counters: Readonly<Record<string, number>>;
  /** Seeds that were needed to catch each planted defect; null for one that escaped. */
  readonly canaries: Readonly<Record<string, number | null>>;
}

interface Outcome {
  readonly wrong: readonly string[];
  readonly endings: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export const kindOf = (seed: number): TrialKind => (seed % RUN_EVERY === 0 ? 'runs' : 'lists');

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

  async #run(seed: number, canary: Canary | null): Promise<Outcome> {
    const trial = drawTrial(seed, this.#options.agents);
    const { wrong, kills, uncounted, compactions } = await runTrial(trial, await this.#reference(trial.shape), canary);
    return { wrong, endings: kills, counts: { uncounted, compactions } };
  }

  async #list(seed: number, canary: Canary | null): Promise<Outcome> {
    return runListTrial(seed, canary);
  }

  async #large(seed: number): Promise<Outcome> {
    const { wrong, kills, counts } = await runTeamTrial(seed);
    return { wrong, endings: kills, counts };
  }

  async trial({ kind, seed }: PlannedTrial, canary: Canary | null): Promise<Outcome> {
    const outcome = await (kind === 'runs'
      ? this.#run(seed, canary)
      : kind === 'lists'
        ? this.#list(seed, canary)
        : this.#large(seed));
    const { wrong, endings } = outcome;
    const how = wrong.length === 0 ? 'good' : wrong.join('; ');
    this.#options.log(`${canary === null ? '' : `${canary}: `}${kind} seed ${seed}: ${endings.join(', ')}: ${how}`);
    return outcome;
  }
}

const count = (counters: Record<string, number>, name: string, by: number): void => {
  counters[name] = (counters[name] ?? 0) + by;
};

const catchCanary = async (suite: Suite, canary: Canary): Promise<number | null> => {
  for (let seed = 1; seed <= CANARY_SEEDS_MAX; seed += 1) {
    if ((await suite.trial({ kind: kindOf(seed), seed }, canary)).wrong.length > 0) return seed;
  }
  return null;
};

export interface Failure extends PlannedTrial {
  readonly wrong: readonly string[];
}

export const runKillSuite = async (
  options: KillSuiteOptions,
): Promise<{ readonly result: KillSuiteResult; readonly failed: readonly Failure[] }> => {
  const suite = new Suite(options);
  const counters: Record<string, number> = { kills: 0, random: 0, missed: 0, uncounted: 0 };
  for (const name of [...KILL_POINTS, ...FAULTS]) counters[name] = 0;
  const failed: Failure[] = [];
  const waiting = [...options.trials];
  let trials = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !suite.timeIsUp; next = waiting.shift()) {
      const { wrong, endings, counts } = await suite.trial(next, null);
      trials += 1;
      if (wrong.length > 0) failed.push({ ...next, wrong });
      for (const ending of endings) {
        count(counters, ending, 1);
        if (!NOT_KILLED.has(ending)) count(counters, 'kills', 1);
      }
      for (const [name, by] of Object.entries(counts)) count(counters, name, by);
    }
  };
  const atOnce = (job: () => Promise<void>): Promise<unknown> => Promise.all(Array.from({ length: options.jobs }, job));
  await atOnce(work);
  const canaries: Record<string, number | null> = {};
  const planted = [...options.canaries];
  await atOnce(async () => {
    for (let next = planted.shift(); next !== undefined; next = planted.shift()) {
      canaries[next] = await catchCanary(suite, next);
    }
  });
  const firstFailingSeed = failed[0]?.seed ?? null;
  const result = { suite: 'kill', trials, failures: failed.length, firstFailingSeed, counters, canaries } as const;
  return { result, failed };
};

type Regressions = Record<TrialKind, readonly number[]>;

const readRegressions = (): Regressions => ({
  lists: [],
  runs: [],
  large: [],
  ...(JSON.parse(readFileSync(REGRESSIONS, 'utf8')) as Partial<Regressions>),
});

const keepFailing = (failed: readonly Failure[]): void => {
  const known = readRegressions();
  const seedsOf = (kind: TrialKind): number[] => {
    const seeds = failed.filter((failure) => failure.kind === kind).map(({ seed }) => seed);
    return [...new Set([...known[kind], ...seeds])];
  };
  const kept = { runs: seedsOf('runs'), lists: seedsOf('lists'), large: seedsOf('large') };
  writeFileSync(REGRESSIONS, `${JSON.stringify(kept)}\n`);
};

const main = async (): Promise<void> => {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      seeds: { ...text, default: '25' },
      first: { ...text, default: '1' },
      kind: { ...text, default: 'both' },
      agents: text,
      seconds: text,
      jobs: { ...text, default: '2' },
      large: flag,
      canaries: flag,
      json: flag,
    },
  });
  const { kind } = values;
  const drawn = Array.from({ length: Number(values.seeds) }, (_, index): PlannedTrial => {
    const seed = Number(values.first) + index;
    return { kind: kind === 'lists' || kind === 'runs' ? kind : kindOf(seed), seed };
  });
  const known = readRegressions();
  const again = (['lists', 'runs'] as const).flatMap((each) => known[each].map((seed) => ({ kind: each, seed })));
  const kinds = new Set(drawn.map((trial) => trial.kind));
  const large = Array.from({ length: values.large ? LARGE_TRIALS : 0 }, (_, index) => ({
    kind: 'large' as const,
    seed: 1 + index,
  }));
  const planned = [...again.filter((trial) => kinds.has(trial.kind)), ...drawn, ...large];
  const { result, failed } = await runKillSuite({
    trials: [...new Map(planned.map((trial) => [`${trial.kind} ${trial.seed}`, trial])).values()],
    agents: values.agents === undefined ? undefined : Number(values.agents),
    seconds: values.seconds === undefined ? undefined : Number(values.seconds),
    jobs: Number(values.jobs),
    canaries: values.canaries ? CANARIES : [],
    log: (line) => process.stderr.write(`${line}\n`),
  });
  for (const failure of failed) {
    process.stderr.write(
      `failing: --kind ${failure.kind} --first ${failure.seed} --seeds 1: ${failure.wrong.join('; ')}\n`,
    );
  }
  if (failed.length > 0) keepFailing(failed);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (result.failures > 0 || Object.values(result.canaries).includes(null)) process.exitCode = 1;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
