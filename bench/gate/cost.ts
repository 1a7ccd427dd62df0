/** What a stretch of work cost this process with all its threads: time, CPU, memory. */
import { z } from 'zod';
import { systemClock } from '../../src/platform/index.ts';
import { peakMemoryMb } from '../harness/proc.ts';

export const costSchema = z.object({
  calls: z.int().nonnegative(),
  seconds: z.number(),
  clientCpuMs: z.number(),
  /** Resident when it began. */
  startMb: z.number(),
  /** The most that was resident up to its end; null where the system does not tell. */
  peakMb: z.number().nullable(),
});

export type Cost = z.infer<typeof costSchema>;

const MICROSECONDS = 1_000;

/** Begins to measure. @returns ends it */
export const begin = (): ((calls: number) => Cost) => {
  const startMb = process.memoryUsage.rss() / 2 ** 20;
  const processor = process.cpuUsage();
  const startedAt = systemClock.monotonic();
  return (calls) => {
    const { user, system } = process.cpuUsage(processor);
    return {
      calls,
      seconds: (systemClock.monotonic() - startedAt) / 1_000,
      clientCpuMs: (user + system) / MICROSECONDS,
      startMb,
      peakMb: peakMemoryMb(process.pid),
    };
  };
};
