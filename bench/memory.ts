/**
 * `megactor bench memory`: how good recall is on sets of queries, and how fast memories are kept and found. See
 * `harness/program.ts` for what it prints.
 */
import { runBenchmark } from './harness/program.ts';
import { measure } from './memory/measure.ts';
import { settingsSchema } from './memory/settings.ts';

await runBenchmark(settingsSchema, measure);
