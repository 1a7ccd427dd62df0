/**
 * The frame of a benchmark's program. It is started by the command line with its settings as one JSON argument, and
 * the path of a page to write as a second one.
 *
 * 1. stdout ends with one line of JSON; before it stands a table, unless `json` is set. Progress goes to stderr.
 * 2. Exit 0 whatever targets are met; 1 when nothing at all could be measured, with the reason on stderr; 2 for settings
 *    that are wrong.
 * 3. It ends when whoever started it is gone, and takes its own children along.
 */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { pageOf } from './page.ts';
import { resultSchema, type BenchResult } from './result.ts';
import { tableOf } from './table.ts';

const INTERRUPTED = 130;
const WRONG_USAGE = 2;

export type Progress = (line: string) => void;

/** Ends this process when its parent does, or when it is told to. */
export const endWithParent = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(INTERRUPTED));
  process.on('disconnect', () => process.exit(INTERRUPTED));
  process.channel?.unref();
};

export const runBenchmark = async <Settings extends { readonly json: boolean }>(
  schema: z.ZodType<Settings>,
  measure: (settings: Settings, progress: Progress) => Promise<BenchResult>,
): Promise<void> => {
  endWithParent();
  const parsed = schema.safeParse(JSON.parse(process.argv[2] ?? '{}'));
  if (!parsed.success) {
    process.stderr.write(`settings: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/gu, ' ')}\n`);
    process.exitCode = WRONG_USAGE;
    return;
  }
  const settings = parsed.data;
  const result = resultSchema.parse(await measure(settings, (line) => void process.stderr.write(`${line}\n`)));
  const page = process.argv[3];
  if (page !== undefined) writeFileSync(page, pageOf(result));
  if (!settings.json) process.stdout.write(`${tableOf(result)}\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (result.rows.every((row) => row.value === null)) process.exitCode = 1;
};

/** The frame of what a benchmark starts as a process of its own: settings in, one line of JSON out. */
export const runSubject = async <Settings>(
  schema: z.ZodType<Settings>,
  measure: (settings: Settings) => Promise<unknown>,
): Promise<void> => {
  endWithParent();
  const result = await measure(schema.parse(JSON.parse(process.argv[2] ?? '')));
  process.stdout.write(`${JSON.stringify(result)}\n`);
};
