/**
 * `megactor bench gate`: what one gate for a whole population gives, and what a model call costs. See
 * `harness/program.ts` for what it prints.
 */
import { measure } from './gate/measure.ts';
import { settingsSchema } from './gate/settings.ts';
import { runBenchmark } from './harness/program.ts';

await runBenchmark(settingsSchema, measure);
