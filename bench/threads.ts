/**
 * `megactor bench threads`: what passes between two threads, by itself and through the engine. See `harness/program.ts`
 * for what it prints.
 */
import { runBenchmark } from './harness/program.ts';
import { settingsWithRuns } from './harness/settings.ts';
import { measure } from './threads/measure.ts';

await runBenchmark(settingsWithRuns, measure);
