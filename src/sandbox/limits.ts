/** The limits of one program, each with its default and what it holds. Data only; `launcher.ts` puts them in force. */
import { z } from 'zod';

const MIB = 1024 * 1024;
const whole = (fallback: number, least: number, most: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(least).max(most).default(fallback);

export const programLimitsSchema = z.strictObject({
  /** Memory of one process, in bytes; where there is a cgroup also of all processes of the program together. */
  memoryBytes: whole(512 * MIB, 32 * MIB, 1024 * 1024 * MIB),
  /** Processor time of one process, in seconds. */
  cpuSeconds: whole(30, 1, 86_400),
  /** From its start to its end, in milliseconds; then it is stopped. */
  wallMs: whole(60_000, 100, 86_400_000),
  /** How long a caller waits for it at once: a program that goes on answers with what it has printed so far. */
  stepMs: whole(5_000, 10, 3_600_000),
  /** Processes and threads at a time. */
  processes: whole(64, 8, 100_000),
  /** One file, in bytes. */
  fileBytes: whole(16 * MIB, 1024, 1024 * 1024 * MIB),
  /** Its copy of the files, `/tmp` and `/dev/shm` together, in bytes. They are kept in memory. */
  diskBytes: whole(128 * MIB, MIB, 1024 * 1024 * MIB),
  /** Files and directories in those places. */
  diskFiles: whole(20_000, 16, 10_000_000),
  /** Open files of one process. */
  openFiles: whole(256, 16, 1_000_000),
  /** What one answer has of its output, and as much of its error output, in bytes: beginning and end are kept. */
  outputBytes: whole(16 * 1024, 256, 64 * MIB),
  /** Output of all kinds from start to end, in bytes; then it is stopped. */
  outputTotalBytes: whole(64 * MIB, 1024, 1024 * 1024 * MIB),
});

export type ProgramLimits = z.output<typeof programLimitsSchema>;
export type ProgramLimitsInput = z.input<typeof programLimitsSchema>;
