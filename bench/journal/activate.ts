/**
 * Mail for actors that a system has found on disk and not needed so far, and mail for the same ones again: the difference
 * is what it costs to bring an idle actor back. Started with its settings as one JSON argument, on a directory that
 * `population.ts` made; the last line is `{"actors","firstSeconds","againSeconds"}`.
 */
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { runSubject } from '../harness/program.ts';
import { mailFor, readAddresses, type Address } from './population.ts';
import { Quiet } from './quiet.ts';

export const activateSettingsSchema = z.strictObject({ directory: z.string(), shards: z.int().positive() });

export const activateResultSchema = z.strictObject({
  actors: z.int().positive(),
  firstSeconds: z.number().positive(),
  againSeconds: z.number().positive(),
});

export type ActivateSettings = z.infer<typeof activateSettingsSchema>;
export type ActivateResult = z.infer<typeof activateResultSchema>;

/** Delivered together and awaited, so that what is measured is no backlog. */
const CHUNK = 1_000;

export const measureActivation = async ({ directory, shards }: ActivateSettings): Promise<ActivateResult> => {
  const addresses = readAddresses(directory);
  const system = await ActorSystem.start({ shards, seed: 1, journal: { directory, durability: 'flushed' } });
  try {
    const quiet = await Quiet.of(system.journal);
    const serve = async (all: readonly Address[]): Promise<number> => {
      const startedAt = systemClock.monotonic();
      for (let first = 0; first < all.length; first += CHUNK) {
        await quiet.after(() => system.deliver(all.slice(first, first + CHUNK).map(mailFor)));
      }
      return (systemClock.monotonic() - startedAt) / 1_000;
    };
    const firstSeconds = await serve(addresses);
    const againSeconds = await serve(addresses);
    return { actors: addresses.length, firstSeconds, againSeconds };
  } finally {
    await system.stop();
  }
};

if (import.meta.main) await runSubject(activateSettingsSchema, measureActivation);
