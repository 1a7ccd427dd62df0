/**
 * `megactor bench society`: how long a society takes, compared with the calls that have to wait for each other. See
 * `harness/program.ts` for what it prints.
 */
import { runBenchmark } from './harness/program.ts';
import { measure } from './society/measure.ts';
import { settingsSchema } from './society/settings.ts';

await runBenchmark(settingsSchema, measure);
