/**
 * Durable tell → durable consume, through the real system: host threads, the journal's thread, durable actors. Sources
 * tell items to sinks on other shards; an item is told by a committed step, lies in the sink's inbox on disk, and is
 * consumed by a committed step of the sink. Started with its settings as one JSON argument; the last line is
 * `{"count","seconds","steps"}`.
 *
 * 1. What counts are items that the sinks have in their committed state: all of them, each once.
 * 2. The clock runs from the first order to the moment when nothing is left to be consumed, at the run's level.
 */
import { z } from 'zod';
import { plainRef } from '../../src/actor/index.ts';
import type { Outgoing } from '../../src/journal/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem, type SystemRef } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import { sink, source } from './actors.ts';
import { Quiet } from './quiet.ts';
import { countedSchema } from './raw.ts';

export const tellSettingsSchema = z.strictObject({
  directory: z.string(),
  /** `actors`: durable actors tell. `outside`: the main thread does, as an embedding service would. */
  from: z.enum(['actors', 'outside']),
  pairs: z.int().positive(),
  /** Items of each pair. */
  items: z.int().positive(),
  /** Items of one step of a source, or of one turn of the main thread's event loop. */
  burst: z.int().positive(),
  shards: z.int().positive(),
  durability: z.enum(['flushed', 'committed']),
});

export const tellResultSchema = countedSchema.extend({ steps: z.int() });

export type TellSettings = z.infer<typeof tellSettingsSchema>;
export type TellResult = z.infer<typeof tellResultSchema>;

type SinkRef = SystemRef<(typeof sink)['messages']>;

const SEEN_DEADLINE_MS = 120_000;
/** Far enough from its source that the two rarely share a thread. */
const SHARDS_APART = 3;

const seenBy = async (sinks: readonly SinkRef[]): Promise<{ count: number; sum: number }> => {
  const all = await Promise.all(sinks.map((ref) => ref.ask('seen', undefined, { deadlineMs: SEEN_DEADLINE_MS })));
  return all.reduce((total, { count, sum }) => ({ count: total.count + count, sum: total.sum + sum }));
};

/** A source for each sink, and its order as mail. */
const ordersFor = async (
  system: ActorSystem,
  sinks: readonly SinkRef[],
  { items, burst, shards }: TellSettings,
): Promise<Outgoing[]> => {
  const orders: Outgoing[] = [];
  for (const [index, to] of sinks.entries()) {
    const { shard, id } = await system.spawn(source, undefined, {
      durable: true,
      shard: (index + SHARDS_APART) % shards,
    });
    const mail = { to: id, from: null, type: 'go', body: { to: plainRef(to), items, burst } };
    orders.push({ shard, entry: { kind: 'mail', mail } });
  }
  return orders;
};

const tellFromOutside = async (sinks: readonly SinkRef[], { items, burst }: TellSettings): Promise<void> => {
  for (let item = items, told = 0; item > 0; item -= 1) {
    for (const ref of sinks) {
      if (!ref.tell('item', item)) throw new Error('a tell was refused');
      told += 1;
      if (told % burst === 0) await new Promise<void>((resolve) => systemClock.soon(resolve));
    }
  }
  // An ask does not overtake the tells before it.
  await seenBy(sinks);
};

export const measureTell = async (settings: TellSettings): Promise<TellResult> => {
  const { directory, durability, shards, pairs, items, from } = settings;
  const system = await ActorSystem.start({ shards, seed: 1, journal: { directory, durability } });
  try {
    const sinks: SinkRef[] = [];
    for (let index = 0; index < pairs; index += 1) {
      sinks.push(await system.spawn(sink, undefined, { durable: true, shard: index % shards }));
    }
    const orders = from === 'actors' ? await ordersFor(system, sinks, settings) : [];
    const quiet = await Quiet.of(system.journal);
    const stepsBefore = system.stats().total.steps;
    const startedAt = systemClock.monotonic();
    if (from === 'actors') await quiet.after(() => system.deliver(orders));
    else await tellFromOutside(sinks, settings);
    const seconds = (systemClock.monotonic() - startedAt) / 1_000;
    const seen = await seenBy(sinks);
    const expected = { count: pairs * items, sum: (pairs * items * (items + 1)) / 2 };
    if (seen.count !== expected.count || seen.sum !== expected.sum) {
      throw new Error(`the sinks have ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`);
    }
    return { count: seen.count, seconds, steps: system.stats().total.steps - stepsBefore };
  } finally {
    await system.stop();
  }
};

if (import.meta.main) await runSubject(tellSettingsSchema, measureTell);
