/**
 * `megactor bench savina`: actors in one thread, against floors written by hand and against other libraries. See
 * `harness/program.ts` for what it prints.
 */
import { runBenchmark } from './harness/program.ts';
import { measure } from './savina/measure.ts';
import { settingsSchema } from './savina/settings.ts';

await runBenchmark(settingsSchema, measure);
