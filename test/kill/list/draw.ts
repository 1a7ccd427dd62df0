/** What a list trial does, drawn from its seed alone: the lists, the clients, and how each life of the process ends. */
import { type KillPoint, type Random, seededRandom } from '../../../src/platform/index.ts';
import type { Operation } from './wire.ts';

/** What is left of the journal after a life: all that the operating system had, or what was flushed. */
export type Left =
  | 'all'
  /** The data file as LMDB finds it after a start of the machine, with all that was not flushed torn. */
  | 'flushed-file'
  /** Made anew from the groups that were said to be flushed. */
  | 'flushed-groups';

export type Ending =
  | { readonly kind: 'random'; readonly afterMs: number }
  | { readonly kind: 'point'; readonly point: KillPoint; readonly count: number }
  /** The disk refuses a group; the process stops by itself. */
  | { readonly kind: 'disk-full'; readonly group: number };

/** How a process is started, whatever its end. */
export interface LifeSettings {
  readonly threads: number;
  readonly durability: 'committed' | 'flushed';
  /** Absent: lists stay in memory as long as the defaults say. */
  readonly residentMax?: number;
  readonly passivateAfterMs?: number;
  readonly checkpoint?: { readonly entries: number };
}

/** One process. */
export interface Life extends LifeSettings {
  readonly slowMs: number;
  readonly ending: Ending;
  readonly left: Left;
}

export interface ListTrial {
  readonly seed: number;
  readonly lists: number;
  readonly clients: number;
  /** Operations of one client without an answer. */
  readonly depth: number;
  readonly shards: number;
  readonly lives: readonly Life[];
  /** Of the last process, which is left alone. */
  readonly last: LifeSettings;
}

/** Processes that are killed in a trial: few, since one more is left alone. */
const LIVES = [1, 2, 2, 3, 3, 4] as const;

const POINTS: readonly KillPoint[] = [
  'append.before',
  'append.after',
  'commit.after',
  'ack.before',
  'service.commit.after',
  'snapshot',
];

const between = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;

const drawEnding = (random: Random, first: boolean): Ending => {
  const draw = random();
  if (draw < 0.4) return { kind: 'random', afterMs: between(random, 0, 120) };
  if (draw < 0.46) return { kind: 'disk-full', group: between(random, 3, 60) };
  const point = !first && random() < 0.25 ? 'recovery' : pick(random, POINTS);
  // Small counts fall into the start of the process, large ones into its work.
  const most = point === 'recovery' ? 4 : point === 'service.commit.after' || point === 'snapshot' ? 20 : 160;
  return { kind: 'point', point, count: 1 + Math.floor(random() ** 2 * most) };
};

export const drawListTrial = (seed: number): ListTrial => {
  const random = seededRandom(seed, 43);
  const power = random() < 0.4;
  const draw = (): LifeSettings => ({
    threads: between(random, 1, 3),
    durability: power ? 'flushed' : pick(random, ['flushed', 'committed']),
    ...(random() < 0.5 ? { residentMax: between(random, 1, 5) } : {}),
    ...(random() < 0.4 ? { passivateAfterMs: between(random, 1, 30) } : {}),
    ...(random() < 0.6 ? { checkpoint: { entries: between(random, 5, 100) } } : {}),
  });
  const lives = Array.from({ length: pick(random, LIVES) }, (_, index): Life => {
    const left: Left = power ? pick(random, ['all', 'flushed-file', 'flushed-groups']) : 'all';
    return {
      ...draw(),
      slowMs: left === 'flushed-groups' || random() < 0.15 ? between(random, 2, 25) : 0,
      ending: drawEnding(random, index === 0),
      left,
    };
  });
  return {
    seed,
    lists: between(random, 3, 10),
    clients: between(random, 2, 6),
    depth: between(random, 1, 5),
    shards: pick(random, [1, 4, 8]),
    lives,
    last: draw(),
  };
};

/** The next thing that a client does. */
export const drawOperation = (random: Random, { lists }: ListTrial, element: string): Operation => {
  const list = between(random, 0, lists - 1);
  const other = (list + between(random, 1, lists - 1)) % lists;
  const draw = random();
  if (draw < 0.15) return { kind: 'read', list, element };
  if (draw < 0.35) return { kind: 'append', list, element };
  if (draw < 0.55) return { kind: 'transfer', list, to: other, element, amount: between(random, 1, 9) };
  if (draw < 0.62) return { kind: 'remind', list, element, delayMs: between(random, 1, 100) };
  const kind = draw < 0.78 ? 'put' : draw < 0.9 ? 'fetch' : 'charge';
  const level = random() < 0.2 ? 'committed' : null;
  return { kind, lists: kind === 'put' && random() < 0.4 ? [list, other] : [list], element, level };
};

/** As the counters name it. */
export const describeEnding = (ending: Ending): string => (ending.kind === 'point' ? ending.point : ending.kind);
