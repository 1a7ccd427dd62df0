/**
 * `megactor bench journal`: durable steps, against the disk and the store below them. See `harness/program.ts` for what it
 * prints.
 */
import { runBenchmark } from './harness/program.ts';
import { measure } from './journal/measure.ts';
import { settingsSchema } from './journal/settings.ts';

await runBenchmark(settingsSchema, measure);
