/**
 * How much memory a population of durable actors needs whose greater part is passive: makes it, then tells random ones,
 * and reads the memory of the whole process on the way. Started with its settings as one JSON argument; the last line is
 * `{"start","made","told","madeSeconds","toldSeconds","activations"}`, memory in MB, null where nobody knows it.
 *
 * 1. Memory is what the program has allocated. The pages of the journal's file that are mapped do not count: the system
 *    takes them back when somebody else needs them.
 * 2. Actors are spawned, and mail is told, in groups that are awaited until nothing is left to do, so that what is
 *    measured is no backlog.
 * 3. The sums that the actors keep are compared in the end: an actor that lost its state, or mail, fails the run. So does
 *    a population of which more is in memory than may be.
 */
import { z } from 'zod';
import type { Outgoing } from '../../src/journal/index.ts';
import { seededRandom, systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { ownMemoryMb } from '../harness/proc.ts';
import { runSubject } from '../harness/program.ts';
import { sink } from './actors.ts';
import type { Address } from './population.ts';
import { Quiet } from './quiet.ts';
import { MEMORY_SAMPLES, SEED } from './settings.ts';

export const memorySettingsSchema = z.strictObject({
  directory: z.string(),
  actors: z.int().min(MEMORY_SAMPLES),
  /** How many of them may be in memory. */
  resident: z.int().positive(),
  /** Messages for random actors, after all were made. */
  tells: z.int().min(MEMORY_SAMPLES),
  shards: z.int().positive(),
});

const memorySchema = z.number().positive().nullable();

export const memoryResultSchema = z.strictObject({
  /** Of the system before its first actor. */
  start: memorySchema,
  /** After each of `MEMORY_SAMPLES` equal parts of the actors, and of the messages. */
  made: z.array(memorySchema).length(MEMORY_SAMPLES),
  told: z.array(memorySchema).length(MEMORY_SAMPLES),
  madeSeconds: z.number().positive(),
  toldSeconds: z.number().positive(),
  /** How often an actor came back into memory. */
  activations: z.int(),
});

export type MemorySettings = z.infer<typeof memorySettingsSchema>;
export type MemoryResult = z.infer<typeof memoryResultSchema>;

const CHUNK = 1_000;
const CHECKED = 100;
/** Every shard rounds its part of the cap up, and may have a slice more until that has left. */
const RESIDENT_TOLERANCE = 1.5;

/** Addresses and sums in typed arrays, so that the bench itself needs little for a million. */
class Population {
  readonly #shards: Uint16Array;
  readonly #ids: Float64Array;
  readonly #sums: Float64Array;

  constructor(size: number) {
    // Filled, so that the memory is there from the start.
    this.#shards = new Uint16Array(size).fill(1);
    this.#ids = new Float64Array(size).fill(1);
    this.#sums = new Float64Array(size).fill(1).fill(0);
  }

  put(index: number, { shard, id }: Address): void {
    this.#shards[index] = shard;
    this.#ids[index] = id;
  }

  at(index: number): Address {
    return { shard: this.#shards[index] as number, id: this.#ids[index] as number };
  }

  sum(index: number): number {
    return this.#sums[index] as number;
  }

  mail(index: number, amount: number): Outgoing {
    const { shard, id: to } = this.at(index);
    this.#sums[index] = this.sum(index) + amount;
    return { shard, entry: { kind: 'mail', mail: { to, from: null, type: 'item', body: amount } } };
  }
}

/** Delivers `count` things chunk by chunk, and reads the memory after each part of them. */
const inChunks = async (
  count: number,
  deliver: (first: number, length: number) => Promise<void>,
): Promise<{ memory: (number | null)[]; seconds: number }> => {
  const startedAt = systemClock.monotonic();
  const memory: (number | null)[] = [];
  for (let first = 0; first < count;) {
    // Up to the end of the part at most.
    const partEnd = Math.ceil((count * (memory.length + 1)) / MEMORY_SAMPLES);
    const length = Math.min(CHUNK, partEnd - first);
    await deliver(first, length);
    first += length;
    if (first === partEnd) memory.push(ownMemoryMb());
  }
  return { memory, seconds: (systemClock.monotonic() - startedAt) / 1_000 };
};

const check = async (system: ActorSystem, population: Population, indexes: readonly number[]): Promise<void> => {
  for (const index of indexes) {
    const [found] = await system.inspect([population.at(index)]);
    const { sum } = (found?.state ?? { sum: Number.NaN }) as { sum: number };
    if (sum !== population.sum(index)) throw new Error(`an actor has ${sum}, not ${population.sum(index)}`);
  }
};

export const measureMemory = async (settings: MemorySettings): Promise<MemoryResult> => {
  const { directory, actors, resident, tells, shards } = settings;
  const population = new Population(actors);
  const random = seededRandom(SEED);
  const anyone = (): number => Math.floor(random() * actors);
  const system = await ActorSystem.start({
    shards,
    seed: 1,
    residentMax: resident,
    journal: { directory, durability: 'flushed' },
  });
  try {
    const quiet = await Quiet.of(system.journal);
    const start = ownMemoryMb();
    const made = await inChunks(actors, (first, length) => {
      const outgoing: Outgoing[] = [];
      for (let index = first; index < first + length; index += 1) {
        const { shard, record } = system.actorRecord(sink, undefined, { durable: true });
        population.put(index, { shard, id: record.id });
        outgoing.push({ shard, entry: { kind: 'spawn', actor: record } });
      }
      // A spawn does not count as pending; one mail per group makes it end when its spawns were taken.
      outgoing.push(population.mail(first, 1));
      return quiet.after(() => system.deliver(outgoing));
    });
    const told = await inChunks(tells, (first, length) => {
      const mail = Array.from({ length }, (_, index) => population.mail(anyone(), first + index));
      return quiet.after(() => system.deliver(mail));
    });
    const { resident: inMemory, activations } = system.stats().total;
    if (inMemory > resident * RESIDENT_TOLERANCE) throw new Error(`${inMemory} actors are in memory`);
    await check(system, population, Array.from({ length: CHECKED }, anyone));
    const { seconds: madeSeconds, memory } = made;
    return { start, made: memory, told: told.memory, madeSeconds, toldSeconds: told.seconds, activations };
  } finally {
    await system.stop();
  }
};

if (import.meta.main) await runSubject(memorySettingsSchema, measureMemory);
