/** What a trial does, drawn from its seed alone: the run, and when each of its processes is killed. */
import { type KillPoint, type Random, seededRandom } from '../../src/platform/index.ts';
import type { RunConfig } from '../../src/run/settings.ts';
import { COMPACTION_PASSAGES } from './compact.ts';

export interface RunShape {
  readonly scenario: 'society' | 'team';
  readonly agents: number;
  readonly seed: number;
  readonly latencyMs: number;
  readonly review: 'model' | 'none';
  readonly durability: 'flushed' | 'committed';
}

/** `fraction` is of the calls that are left to make, `part` of how often what is left to do passes the point. */
export type Kill =
  /** `interrupted`: as by Ctrl-C, so that the process pauses the run and ends by itself. */
  | { readonly kind: 'random' | 'interrupted'; readonly fraction: number }
  | { readonly kind: 'point'; readonly point: KillPoint; readonly part: number };

/** Which agents stay in memory. */
export type Residency = NonNullable<RunConfig['actors']>;

/** One process of a run. */
export interface Life {
  readonly residency: Residency;
  readonly kill: Kill;
  /** Before the next life the journal is compacted; `killAt`: unless that is killed at this passage of its point. */
  readonly compaction: { readonly killAt: number | null } | null;
}

export interface Trial {
  readonly seed: number;
  readonly shape: RunShape;
  /** The first for `run`, the others for one `resume` each. */
  readonly lives: readonly Life[];
  /** Of the last `resume`, which is left alone. */
  readonly last: Residency;
}

/** Unkilled runs are kept and compared with by many trials, so there are only so many different runs. */
const SHAPES = 12;
const LIVES_MAX = 4;

const between = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;

const shapeOf = (seed: number, agents: number | undefined): RunShape => {
  const number = seed % SHAPES;
  const random = seededRandom(number, 17);
  return {
    scenario: number % 2 === 0 ? 'society' : 'team',
    agents: agents ?? 20 + Math.floor(random() * 41),
    seed: 1 + number,
    latencyMs: pick(random, [5, 25, 60]),
    review: pick(random, ['model', 'model', 'none']),
    durability: pick(random, ['flushed', 'flushed', 'committed']),
  };
};

const RUN_POINTS: readonly KillPoint[] = [
  'append.before',
  'append.after',
  'commit.after',
  'ack.before',
  'service.commit.after',
  'snapshot',
];

const drawKill = (random: Random, first: boolean): Kill => {
  const draw = random();
  if (draw < 0.45) return { kind: draw < 0.1 ? 'interrupted' : 'random', fraction: random() * 0.9 };
  const point = !first && random() < 0.4 ? 'recovery' : pick(random, RUN_POINTS);
  return { kind: 'point', point, part: random() * (point === 'recovery' ? 1 : 0.8) };
};

/** What is not said is as by default. A process that is to be killed at a snapshot writes some soon. */
const drawResidency = (random: Random, kill: Kill | null): Residency => ({
  ...(random() < 0.5 ? { residentMax: between(random, 1, 12) } : {}),
  ...(random() < 0.4 ? { passivateAfterMs: between(random, 1, 100) } : {}),
  ...(random() < 0.6 || (kill?.kind === 'point' && kill.point === 'snapshot')
    ? { checkpointEntries: between(random, 5, 40) }
    : {}),
});

const drawCompaction = (random: Random): Life['compaction'] => {
  if (random() < 0.6) return null;
  return { killAt: random() < 0.5 ? between(random, 1, COMPACTION_PASSAGES) : null };
};

const drawLife = (random: Random, first: boolean): Life => {
  const kill = drawKill(random, first);
  return { kill, residency: drawResidency(random, kill), compaction: drawCompaction(random) };
};

export const drawTrial = (seed: number, agents: number | undefined): Trial => {
  const random = seededRandom(seed, 41);
  const lives = [drawLife(random, true)];
  while (lives.length < LIVES_MAX && random() < 0.5) lives.push(drawLife(random, false));
  return { seed, shape: shapeOf(seed, agents), lives, last: drawResidency(random, null) };
};

export const describeKill = (kill: Kill): string => (kill.kind === 'point' ? kill.point : kill.kind);
