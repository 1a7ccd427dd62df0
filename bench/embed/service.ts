/**
 * A service that embeds the engine, in a process of its own: what its main thread gets done, and how late its event loop
 * is meanwhile. Started with its settings as one JSON argument; the last line is a `ServiceRun`.
 *
 * 1. What counts has been handled: every tell once, every ask with its own answer.
 */
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem, type SystemRef } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import { counter, tool } from './actors.ts';
import { Lateness } from './lateness.ts';
import { ASKS_UNDER_WAY, LOOK_EVERY_MS, PER_ACTOR, PER_TURN, THREADS, TOOL_MS } from './settings.ts';

export const serviceSettingsSchema = z.strictObject({
  method: z.enum(['tells', 'asks', 'blocked', 'stats']),
  actors: z.int().positive(),
  /** Tells or asks, or milliseconds. */
  count: z.int().positive(),
});
export type ServiceSettings = z.infer<typeof serviceSettingsSchema>;

export const serviceRunSchema = z.strictObject({
  count: z.int().positive(),
  seconds: z.number().positive(),
  /** 99th percentile of how late the event loop is; of `stats`, until the statistics are there. */
  lateMs: z.number().nonnegative(),
  /** 99th percentile of the main thread's own processor time between two looks; null where Node does not tell. */
  workMs: z.number().nonnegative().nullable(),
});
export type ServiceRun = z.infer<typeof serviceRunSchema>;

type CounterRef = SystemRef<(typeof counter)['messages']>;
type Done = Omit<ServiceRun, 'lateMs' | 'workMs'>;

const DEADLINE = { deadlineMs: 120_000 };
const turn = (): Promise<void> => new Promise((resolve) => systemClock.soon(resolve));
const secondsSince = (startedAt: number): number => (systemClock.monotonic() - startedAt) / 1_000;

const makeCounters = (system: ActorSystem, actors: number): Promise<CounterRef[]> =>
  Promise.all(Array.from({ length: actors }, () => system.spawn(counter, undefined)));

/** In rows that every mailbox can hold, each followed by a question, which overtakes nothing. */
const tells = async (refs: readonly CounterRef[], count: number): Promise<Done> => {
  const each = Math.ceil(count / refs.length);
  const startedAt = systemClock.monotonic();
  let inTurn = 0;
  for (let item = each; item > 0;) {
    for (const end = Math.max(0, item - PER_ACTOR); item > end; item -= 1) {
      for (const ref of refs) {
        if (!ref.tell('item', item)) throw new Error('a tell was refused');
        inTurn += 1;
      }
      if (inTurn < PER_TURN) continue;
      inTurn = 0;
      await turn();
    }
    await Promise.all(refs.map((ref) => ref.ask('seen', undefined, DEADLINE)));
  }
  const seconds = secondsSince(startedAt);
  for (const ref of refs) {
    const seen = await ref.ask('seen', undefined, DEADLINE);
    if (seen.count !== each || seen.sum !== (each * (each + 1)) / 2) {
      throw new Error(`an actor has ${seen.count} items with the sum ${seen.sum}, of ${each}`);
    }
  }
  return { count: each * refs.length, seconds };
};

const asks = async (refs: readonly CounterRef[], count: number): Promise<Done> => {
  let asked = 0;
  const lane = async (): Promise<void> => {
    while (asked < count) {
      asked += 1;
      const number = asked;
      const answer = await refs[number % refs.length]?.ask('next', number, DEADLINE);
      if (answer !== number + 1) throw new Error(`the answer to ${number} is ${answer}`);
    }
  };
  const startedAt = systemClock.monotonic();
  await Promise.all(Array.from({ length: Math.min(ASKS_UNDER_WAY, count) }, lane));
  return { count, seconds: secondsSince(startedAt) };
};

/** Every host is busy with one actor for the whole time. */
const blocked = async (system: ActorSystem, lengthMs: number): Promise<ServiceRun> => {
  const tools = await Promise.all(
    Array.from({ length: THREADS }, (_, shard) => system.spawn(tool, undefined, { shard })),
  );
  const startedAt = systemClock.monotonic();
  const lateness = new Lateness(LOOK_EVERY_MS);
  for (const ref of tools) ref.tell('run', lengthMs);
  const runs = await Promise.all(tools.map((ref) => ref.ask('runs', undefined, DEADLINE)));
  const delays = lateness.stop();
  const seconds = secondsSince(startedAt);
  if (runs.some((number) => number !== 1) || seconds * 1_000 < lengthMs) throw new Error('a host was not blocked');
  return { count: tools.length, seconds, ...delays };
};

/** Agents of which somebody always runs a tool on every host, and a service that looks at the statistics meanwhile. */
const stats = async (system: ActorSystem, agents: number, lengthMs: number): Promise<ServiceRun> => {
  const refs = await Promise.all(Array.from({ length: agents }, () => system.spawn(tool, undefined)));
  const startedAt = systemClock.monotonic();
  let looked = 0;
  let before = 0;
  const lateness = new Lateness(LOOK_EVERY_MS, () => {
    const { messages } = system.stats().total;
    if (messages < before) throw new Error('the statistics went back');
    before = messages;
    looked += 1;
  });
  const runs = Math.ceil((lengthMs / TOOL_MS) * THREADS);
  for (let run = 0; run < runs; run += 1) refs[run % refs.length]?.tell('run', TOOL_MS);
  const done = await Promise.all(refs.map((ref) => ref.ask('runs', undefined, DEADLINE)));
  const delays = lateness.stop();
  const sum = done.reduce((total, number) => total + number, 0);
  if (sum !== runs) throw new Error(`${sum} of ${runs} tools have run`);
  return { count: looked, seconds: secondsSince(startedAt), ...delays };
};

const late = async (work: () => Promise<Done>): Promise<ServiceRun> => {
  const lateness = new Lateness(LOOK_EVERY_MS);
  const done = await work();
  return { ...done, ...lateness.stop() };
};

export const measureService = async ({ method, actors, count }: ServiceSettings): Promise<ServiceRun> => {
  const system = await ActorSystem.start({ threads: THREADS, seed: 1 });
  try {
    if (method === 'blocked') return await blocked(system, count);
    if (method === 'stats') return await stats(system, actors, count);
    const run = method === 'tells' ? tells : asks;
    await run(await makeCounters(system, actors), Math.ceil(count / WARM_UP_PART));
    const refs = await makeCounters(system, actors);
    return await late(() => run(refs, count));
  } finally {
    await system.stop();
  }
};

const WARM_UP_PART = 10;

if (import.meta.main) await runSubject(serviceSettingsSchema, measureService);
