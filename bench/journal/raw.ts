/**
 * The floors that `bench journal` compares with, each in a process of its own: lmdb-js without anything of ours around
 * it. Started with its settings as one JSON argument; the last line is `{"count","seconds"}`.
 *
 * 1. A put counts when `flushed` has resolved after it: on disk, as the journal's level `flushed` means it.
 */
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { runSubject } from '../harness/program.ts';

export const rawSettingsSchema = z.strictObject({
  directory: z.string(),
  /** `batches`: batches of `size`, one after another. `writers`: `size` writers, each awaiting its own put. */
  method: z.enum(['batches', 'writers']),
  size: z.int().positive(),
  valueBytes: z.int().positive(),
  durationMs: z.int().positive(),
});

export const countedSchema = z.strictObject({ count: z.int().positive(), seconds: z.number().positive() });

export type RawSettings = z.infer<typeof rawSettingsSchema>;
export type Counted = z.infer<typeof countedSchema>;

interface Store {
  readonly environment: RootDatabase;
  readonly table: Database<Uint8Array, number>;
  readonly value: Uint8Array;
}

const batches = async ({ environment, table, value }: Store, size: number, untilMs: number): Promise<number> => {
  let key = 0;
  while (systemClock.monotonic() < untilMs) {
    void environment.batch(() => {
      for (let put = 0; put < size; put += 1) void table.put((key += 1), value);
    });
    await environment.flushed;
  }
  return key;
};

const writers = async ({ environment, table, value }: Store, size: number, untilMs: number): Promise<number> => {
  let key = 0;
  const write = async (): Promise<void> => {
    while (systemClock.monotonic() < untilMs) {
      void table.put((key += 1), value);
      await environment.flushed;
    }
  };
  await Promise.all(Array.from({ length: size }, write));
  return key;
};

const measure = async ({ directory, method, size, valueBytes, durationMs }: RawSettings): Promise<Counted> => {
  const environment = open({ path: join(directory, 'raw'), encoding: 'binary', cache: false });
  const table = environment.openDB<Uint8Array, number>({ name: 'puts', encoding: 'binary', cache: false });
  const store: Store = { environment, table, value: new Uint8Array(valueBytes).fill(7) };
  const run = method === 'batches' ? batches : writers;
  const startedAt = systemClock.monotonic();
  const count = await run(store, size, startedAt + durationMs);
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  await environment.close();
  return { count, seconds };
};

if (import.meta.main) await runSubject(rawSettingsSchema, measure);
