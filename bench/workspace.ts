/**
 * `megactor bench workspace`: files that hundreds of agents share, with git as their history. See `harness/program.ts` for
 * what it prints.
 */
import { runBenchmark } from './harness/program.ts';
import { settingsSchema } from './workspace/settings.ts';
import { measure } from './workspace/measure.ts';

await runBenchmark(settingsSchema, measure);
