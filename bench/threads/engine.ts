/**
 * Actors on two hosts of a real system, and a system that has nothing to do, in a process of its own. Started with its
 * settings as one JSON argument; the last line is `{"count","seconds"}`, or `{"percent"}` for `parked`.
 */
import { z } from 'zod';
import { plainRef } from '../../src/actor/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import { caller, echo, origin, target } from './actors.ts';
import type { Counted } from './floor.ts';
import { checkTally } from './objects.ts';
import { BURSTS_UNDER_WAY, PAIRS } from './settings.ts';

export const engineSettingsSchema = z.strictObject({
  method: z.enum(['tells', 'trips', 'parked']),
  /** Messages, round trips, or milliseconds. */
  count: z.int().positive(),
});
export type EngineSettings = z.infer<typeof engineSettingsSchema>;

export const parkedSchema = z.strictObject({ percent: z.number().nonnegative() });
export type Parked = z.infer<typeof parkedSchema>;

const DEADLINE = { deadlineMs: 120_000 };

const secondsOf = async (work: () => Promise<void>): Promise<number> => {
  const startedAt = systemClock.monotonic();
  await work();
  return (systemClock.monotonic() - startedAt) / 1_000;
};

const tells = async (system: ActorSystem, count: number): Promise<Counted> => {
  const items = Math.ceil(count / PAIRS);
  const targets = await Promise.all(Array.from({ length: PAIRS }, () => system.spawn(target, undefined, { shard: 1 })));
  const origins = await Promise.all(
    targets.map((ref) => system.spawn(origin, { to: plainRef(ref), items }, { shard: 0 })),
  );
  const seconds = await secondsOf(async () => {
    for (const ref of origins) for (let ahead = 0; ahead < BURSTS_UNDER_WAY; ahead += 1) ref.tell('more');
    await Promise.all(origins.map((ref) => ref.ask('told', undefined, DEADLINE)));
    const seen = async (): Promise<boolean> => {
      const all = await Promise.all(targets.map((ref) => ref.ask('seen', undefined, DEADLINE)));
      return all.every((tally) => tally.count >= items);
    };
    // What the last burst told may be under way still.
    while (!(await seen())) await systemClock.sleep(1);
  });
  for (const ref of targets) checkTally(await ref.ask('seen', undefined, DEADLINE), items);
  return { count: items * PAIRS, seconds };
};

const trips = async (system: ActorSystem, count: number): Promise<Counted> => {
  const to = plainRef(await system.spawn(echo, undefined, { shard: 1 }));
  const ref = await system.spawn(caller, { to, trips: count }, { shard: 0 });
  const seconds = await secondsOf(async () => {
    ref.tell('begin');
    const { done, wrong } = await ref.ask('trips', undefined, DEADLINE);
    if (done !== count || wrong > 0) throw new Error(`${done} of ${count} came back, ${wrong} of them wrong`);
  });
  return { count, seconds };
};

/** Processor time of the whole process while nobody has anything to do, after it has come to rest. */
const parked = async (durationMs: number): Promise<Parked> => {
  await systemClock.sleep(Math.min(1_000, durationMs));
  const before = process.cpuUsage();
  const seconds = await secondsOf(() => systemClock.sleep(durationMs));
  const { user, system } = process.cpuUsage(before);
  return { percent: (user + system) / 1e4 / seconds };
};

const WARM_UP_PART = 10;

export const measureEngine = async ({ method, count }: EngineSettings): Promise<Counted | Parked> => {
  const system = await ActorSystem.start({ threads: 2, shards: 2, seed: 1 });
  try {
    if (method === 'parked') return await parked(count);
    const run = method === 'tells' ? tells : trips;
    await run(system, Math.ceil(count / WARM_UP_PART));
    return await run(system, count);
  } finally {
    await system.stop();
  }
};

if (import.meta.main) await runSubject(engineSettingsSchema, measureEngine);
