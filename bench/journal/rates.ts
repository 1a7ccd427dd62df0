/**
 * What the journal does per second as its clients see it: a client on this thread, the journal on its own, LMDB below.
 * Started with its settings as one JSON argument; the last line is `{"count","seconds"}`.
 *
 * 1. What counts was answered at its level: `flushed` for mail and steps, `committed` for snapshots.
 */
import { z } from 'zod';
import type { ActorRecord, ActorSnapshot, Outgoing, ShardLog, StepEntry } from '../../src/journal/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import type { Counted } from './raw.ts';

export const rateSettingsSchema = z.strictObject({
  directory: z.string(),
  /**
   * `writers`: `size` writers put one mail each and await it. `deliver`: `size` mails per call. `appends`: `size` steps
   * of different actors, each an append of its own, then all awaited. `snapshots`: `size` per call. `load`: `size`
   * actors per call.
   */
  method: z.enum(['writers', 'deliver', 'appends', 'snapshots', 'load']),
  size: z.int().positive(),
  durationMs: z.int().positive(),
});

export type RateSettings = z.infer<typeof rateSettingsSchema>;
type Method = RateSettings['method'];

interface Bench {
  readonly log: ShardLog;
  readonly size: number;
  readonly system: ActorSystem;
}

/** Calls of one loop that are under way together, so that neither side waits for the other. */
const CALLS_UNDER_WAY = 4;
const STATE = { count: 12_345, sum: 76_205_685 };

const mail = (to: number): Outgoing => ({
  shard: 0,
  entry: { kind: 'mail', mail: { to, from: null, type: 'item', body: 1 } },
});

const recordOf = (id: number): ActorRecord => ({
  id,
  name: `actor-${id}`,
  module: 'bench/journal/actors',
  export: 'sink',
  init: undefined,
  parent: null,
  options: {},
});

const stepOf = (actor: number, step: number): StepEntry => ({
  kind: 'step',
  actor,
  step,
  taken: [],
  state: STATE,
  history: [],
  effects: [],
  open: false,
  stopped: false,
});

const snapshotOf = (id: number): ActorSnapshot => ({
  record: recordOf(id),
  step: 1,
  state: STATE,
  open: false,
  timers: [],
  children: [],
  history: [],
  historyBefore: 0,
});

const idsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

/** Does one call, and says how much it was. @param round grows by one with every call of this kind */
type Round = (bench: Bench, round: number) => Promise<number>;

const deliver: Round = async ({ system, size }, round) => {
  await system.deliver(idsFrom(round * size + 1, size).map(mail));
  return size;
};

const appends: Round = async ({ log, size }, round) => {
  await Promise.all(idsFrom(1, size).map((id) => log.append({ entries: [stepOf(id, round)], outgoing: [] })));
  return size;
};

const snapshots: Round = async ({ log, size }, round) => {
  await log.snapshot(idsFrom(round * size + 1, size).map(snapshotOf));
  return size;
};

const LOADED = 20_000;

const load: Round = async ({ log, size }, round) => {
  const first = ((round * size) % LOADED) + 1;
  return (await log.load(idsFrom(first, size))).length;
};

const ROUNDS: Readonly<Record<Exclude<Method, 'writers'>, Round>> = { deliver, appends, snapshots, load };

/** Repeats `round` on some lanes at once until the time is over. */
const repeat = async (
  bench: Bench,
  lanes: number,
  untilMs: number,
  round: (bench: Bench, number: number) => Promise<number>,
): Promise<number> => {
  let count = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (systemClock.monotonic() < untilMs) {
      next += 1;
      // Added after the wait: `count += await …` would lose what other lanes add meanwhile.
      const done = await round(bench, next - 1);
      count += done;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return count;
};

const prepare = async (bench: Bench, method: Method): Promise<void> => {
  if (method !== 'load') return;
  for (let first = 1; first <= LOADED; first += 1_000) {
    await bench.log.snapshot(idsFrom(first, 1_000).map(snapshotOf));
  }
};

const run = (bench: Bench, method: Method, untilMs: number): Promise<number> =>
  method === 'writers'
    ? repeat({ ...bench, size: 1 }, bench.size, untilMs, deliver)
    : repeat(bench, CALLS_UNDER_WAY, untilMs, ROUNDS[method]);

export const measureRate = async ({ directory, method, size, durationMs }: RateSettings): Promise<Counted> => {
  const journal = { directory, durability: 'flushed' } as const;
  // One host, which owns the other shards: shard 0 is taken over here.
  const system = await ActorSystem.start({ threads: 1, shards: 1, seed: 1, journal });
  try {
    const log = system.journal?.shard(0);
    if (log === undefined) throw new Error('the system has no journal');
    await log.open(() => {});
    const bench: Bench = { log, size, system };
    await prepare(bench, method);
    const startedAt = systemClock.monotonic();
    const count = await run(bench, method, startedAt + durationMs);
    return { count, seconds: (systemClock.monotonic() - startedAt) / 1_000 };
  } finally {
    await system.stop();
  }
};

if (import.meta.main) await runSubject(rateSettingsSchema, measureRate);
