/**
 * `megactor bench embed`: what a service that embeds the engine gets done from its main thread, and what that costs its
 * event loop. See `harness/program.ts` for what it prints.
 */
import { measure } from './embed/measure.ts';
import { settingsSchema } from './embed/settings.ts';
import { runBenchmark } from './harness/program.ts';

await runBenchmark(settingsSchema, measure);
