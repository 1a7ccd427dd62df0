/** What a list trial does, drawn from its seed alone: the lists, the clients, and how each life of the process ends. */
import { type KillPoint, type Random, seededRandom } from '../../../src/platform/index.ts';
import { COMPACTION_PASSAGES } from '../compact.ts';
import type { Damage } from './damage.ts';
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
  /** Before the next life the journal is compacted; `killAt`: unless that is killed at this passage of its point. */
  readonly compaction: { readonly killAt: number | null } | null;
  /** What a copy of the journal suffers, with which a process is started then. */
  readonly damage: Damage | null;
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

/**
 * The ends of lives are dealt, not drawn, so that a few seeds have them all. A trial takes `ENDINGS_STRIDE` cards after
 * the trial of the seed before.
 */
const ENDINGS: readonly (KillPoint | 'random' | 'disk-full')[] = [
  'append.before',
  'random',
  'recovery',
  'snapshot',
  'random',
  'commit.after',
  'service.commit.after',
  'random',
  'disk-full',
  'append.after',
  'random',
  'ack.before',
  'recovery',
];
const ENDINGS_STRIDE = 5;

/** The largest passage to be armed with. Small ones fall into the start of a process, large ones into its work. */
const PASSAGES_MAX: Readonly<Record<KillPoint, number>> = {
  'append.before': 60,
  'append.after': 60,
  'commit.after': 40,
  'ack.before': 60,
  'service.commit.after': 10,
  snapshot: 8,
  compaction: COMPACTION_PASSAGES,
  recovery: 3,
};

/** Before the next life: of so many lives, one is followed by each of these. */
const COMPACTIONS = ['killed', 'done', 'killed', 'none', 'none', 'none', 'none'] as const;
const DAMAGES = ['truncated', 'overwritten', 'none', 'none', 'none', 'none', 'none', 'none', 'none'] as const;

const between = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.floor(random() * values.length)] as Value;

const dealt = <Card>(cards: readonly Card[], seed: number, stride: number, index: number): Card =>
  cards[(seed * stride + index) % cards.length] as Card;

const drawEnding = (random: Random, seed: number, index: number, shards: number): Ending => {
  const card = dealt(ENDINGS, seed, ENDINGS_STRIDE, index);
  // The first process recovers nothing.
  if (card === 'random' || (card === 'recovery' && index === 0)) {
    return { kind: 'random', afterMs: between(random, 0, 120) };
  }
  if (card === 'disk-full') return { kind: 'disk-full', group: between(random, 3, 30) };
  const most = card === 'recovery' ? Math.min(shards, PASSAGES_MAX[card]) : PASSAGES_MAX[card];
  return { kind: 'point', point: card, count: 1 + Math.floor(random() ** 1.5 * most) };
};

const drawCompaction = (random: Random, seed: number, index: number): Life['compaction'] => {
  const card = dealt(COMPACTIONS, seed, 2, index);
  if (card === 'none') return null;
  return { killAt: card === 'killed' ? between(random, 1, COMPACTION_PASSAGES) : null };
};

const drawDamage = (random: Random, seed: number, index: number): Damage | null => {
  const kind = dealt(DAMAGES, seed, 2, index);
  return kind === 'none' ? null : { kind, part: random(), pages: between(random, 1, 12) };
};

export const drawListTrial = (seed: number): ListTrial => {
  const random = seededRandom(seed, 43);
  const power = seed % 5 < 2;
  const shards = pick(random, [1, 4, 8]);
  const drawSettings = (ending: Ending | null): LifeSettings => ({
    threads: between(random, 1, 3),
    durability: power ? 'flushed' : pick(random, ['flushed', 'committed']),
    ...(random() < 0.5 ? { residentMax: between(random, 1, 5) } : {}),
    ...(random() < 0.4 ? { passivateAfterMs: between(random, 1, 30) } : {}),
    // A process that is to be killed at a snapshot writes some soon.
    ...(ending?.kind === 'point' && ending.point === 'snapshot'
      ? { checkpoint: { entries: between(random, 5, 15) } }
      : random() < 0.6
        ? { checkpoint: { entries: between(random, 3, 50) } }
        : {}),
  });
  const lives = Array.from({ length: pick(random, LIVES) }, (_, index): Life => {
    const left: Left = power ? pick(random, ['all', 'flushed-file', 'flushed-groups', 'flushed-groups']) : 'all';
    const ending = drawEnding(random, seed, index, shards);
    return {
      ...drawSettings(ending),
      slowMs: left === 'flushed-groups' || random() < 0.15 ? between(random, 5, 30) : 0,
      ending,
      left,
      compaction: drawCompaction(random, seed, index),
      damage: drawDamage(random, seed, index),
    };
  });
  return {
    seed,
    lists: between(random, 3, 10),
    clients: between(random, 2, 6),
    depth: between(random, 1, 5),
    shards,
    lives,
    last: drawSettings(null),
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

/** Everything that happens to a trial unless a process misses the point that it is armed with, as the counters name it. */
export const plannedIn = ({ lives }: ListTrial): ReadonlySet<string> =>
  new Set(
    lives.flatMap(({ ending, slowMs, left, compaction, damage }) => [
      describeEnding(ending),
      ...(slowMs > 0 ? ['slow-flush'] : []),
      ...(left === 'all' ? [] : ['power-loss']),
      ...(compaction === null ? [] : ['compactions']),
      ...(compaction === null || compaction.killAt === null ? [] : ['compaction']),
      ...(damage === null ? [] : [damage.kind]),
    ]),
  );
