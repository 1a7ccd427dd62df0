/**
 * `megactor bench threads`: what passes between two threads, by itself and through the engine. See `harness/program.ts`
 * for what it prints.
 */
import { runBenchmark } from './harness/program.ts';
import { measure } from './threads/measure.ts';
import { settingsSchema } from './threads/settings.ts';

await runBenchmark(settingsSchema, measure);
