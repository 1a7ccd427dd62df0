/**
 * How long one durable step takes when nothing else is to do, and how long the disk takes for one flushed append,
 * alternately in one process and on one file system. Started with its settings as one JSON argument; the last line is
 * `{"stepMs":[…],"syncMs":[…]}`, a value per round.
 *
 * A step: mail is delivered to an actor, its handler runs, and one flushed commit consumes the mail, holds the state and
 * carries the mail that begins the next step.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import { chain } from './actors.ts';
import { Quiet } from './quiet.ts';

export const latencySettingsSchema = z.strictObject({
  directory: z.string(),
  rounds: z.int().positive(),
  /** Steps, and appends, of one round. */
  steps: z.int().positive(),
});

export const latencyResultSchema = z.strictObject({
  stepMs: z.array(z.number().positive()).min(1),
  syncMs: z.array(z.number().positive()).min(1),
});

export type LatencySettings = z.infer<typeof latencySettingsSchema>;
export type LatencyResult = z.infer<typeof latencyResultSchema>;

const APPEND = new Uint8Array(4_096).fill(1);

const timed = async (count: number, run: () => Promise<void> | void): Promise<number> => {
  const startedAt = systemClock.monotonic();
  await run();
  return (systemClock.monotonic() - startedAt) / count;
};

export const measureLatency = async ({ directory, rounds, steps }: LatencySettings): Promise<LatencyResult> => {
  const system = await ActorSystem.start({ shards: 8, seed: 1, journal: { directory, durability: 'flushed' } });
  const file = openSync(join(directory, 'appends'), 'w');
  try {
    const { shard, id: to } = await system.spawn(chain, undefined, { durable: true });
    const quiet = await Quiet.of(system.journal);
    const appends = (): void => {
      for (let append = 0; append < steps; append += 1) {
        writeSync(file, APPEND);
        fdatasyncSync(file);
      }
    };
    const mail = { to, from: null, type: 'link', body: steps };
    const links = (): Promise<void> => quiet.after(() => system.deliver([{ shard, entry: { kind: 'mail', mail } }]));
    await links();
    const stepMs: number[] = [];
    const syncMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      syncMs.push(await timed(steps, appends));
      stepMs.push(await timed(steps, links));
    }
    return { stepMs, syncMs };
  } finally {
    closeSync(file);
    await system.stop();
  }
};

if (import.meta.main) await runSubject(latencySettingsSchema, measureLatency);
