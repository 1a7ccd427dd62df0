/**
 * `megactor bench embed`: what a service that embeds the engine gets done from its main thread, and what that costs its
 * event loop. See `harness/program.ts` for what it prints.
 */
import { settingsWithRuns } from './harness/settings.ts';
import { measure } from './embed/measure.ts';
import { runBenchmark } from './harness/program.ts';

await runBenchmark(settingsWithRuns, measure);
