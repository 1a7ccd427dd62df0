/** What a trial does, drawn from its seed alone: the run, and when each of its processes is killed. */
import { type KillPoint, type Random, seededRandom } from '../../src/platform/index.ts';

export interface RunShape {
  readonly scenario: 'society' | 'team';
  readonly agents: number;
  readonly seed: number;
  readonly latencyMs: number;
  readonly review: 'model' | 'none';
  readonly durability: 'flushed' | 'committed';
}

/** `fraction` and `part` are of what the unkilled run takes: of its time, and of how often it passes the point. */
export type Kill =
  | { readonly kind: 'random'; readonly fraction: number }
  | { readonly kind: 'point'; readonly point: KillPoint; readonly part: number };

export interface Trial {
  readonly seed: number;
  readonly shape: RunShape;
  /** The first for `run`, the others for one `resume` each; the last `resume` is left alone. */
  readonly kills: readonly Kill[];
}

/** Unkilled runs are kept and compared with by many trials, so there are only so many different runs. */
const SHAPES = 12;
const KILLS_MAX = 4;

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
];

const drawKill = (random: Random, first: boolean): Kill => {
  // What a resumed run has left to do is a part of the whole.
  const left = first ? 1 : 0.6;
  if (random() < 0.4) return { kind: 'random', fraction: 0.15 + random() * 0.8 * left };
  const point = !first && random() < 0.4 ? 'recovery' : pick(random, RUN_POINTS);
  return { kind: 'point', point, part: random() * (point === 'recovery' ? 1 : 0.9 * left) };
};

export const drawTrial = (seed: number, agents: number | undefined): Trial => {
  const random = seededRandom(seed, 41);
  const kills = [drawKill(random, true)];
  while (kills.length < KILLS_MAX && random() < 0.5) kills.push(drawKill(random, false));
  return { seed, shape: shapeOf(seed, agents), kills };
};

export const describeKill = (kill: Kill): string => (kill.kind === 'random' ? 'random' : kill.point);
