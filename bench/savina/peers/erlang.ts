/** Erlang as a subject: `savina.escript` beside this file, when `escript` is on the PATH. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { checkSeen, itemsOf } from '../outcome.ts';
import type { Program, Size } from '../settings.ts';

const OUTPUT_MAX = 1024 * 1024;
const DEADLINE_MS = 300_000;

const lineSchema = z.strictObject({ seconds: z.number().positive(), seen: z.record(z.string(), z.number()) });

const scriptPath = (): string => fileURLToPath(new URL('./savina.escript', import.meta.url));

/** What the script printed, checked. Its time is wall time. @throws Error for a wrong result */
export const erlangRate = (
  program: Program,
  size: Size,
  stdout: string,
): { readonly count: number; readonly seconds: number; readonly wallSeconds: number } => {
  const { seconds, seen } = lineSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  checkSeen(program, size, seen);
  return { count: itemsOf(program, size), seconds, wallSeconds: seconds };
};

/** @throws Error when there is no Erlang */
export const runOnErlang = async (program: Program, size: Size): Promise<ReturnType<typeof erlangRate>> => {
  const words = [scriptPath(), program, String(size.actors), String(size.items)];
  try {
    const { stdout } = await promisify(execFile)('escript', words, { maxBuffer: OUTPUT_MAX, timeout: DEADLINE_MS });
    return erlangRate(program, size, stdout);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('Erlang is not installed', { cause: thrown });
    throw thrown;
  }
};
