/**
 * `megactor bench society`: how long a society takes, compared with the calls that have to wait for each other. A program
 * of its own, started by the command line with its settings as one JSON argument.
 *
 * 1. stdout ends with one line of JSON; before it stands a table, unless `json` is set. Progress goes to stderr.
 * 2. Exit 0 whatever targets are met; 1 when nothing at all could be measured, with the reason on stderr.
 * 3. It ends when whoever started it is gone, and takes its own children along.
 */
import { resultSchema } from './harness/result.ts';
import { tableOf } from './harness/table.ts';
import { measure } from './society/measure.ts';
import { settingsSchema } from './society/settings.ts';

const INTERRUPTED = 130;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(INTERRUPTED));
process.on('disconnect', () => process.exit(INTERRUPTED));
process.channel?.unref();

const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const result = resultSchema.parse(await measure(settings, (line) => void process.stderr.write(`${line}\n`)));
if (!settings.json) process.stdout.write(`${tableOf(result)}\n`);
process.stdout.write(`${JSON.stringify(result)}\n`);
if (result.rows.every((row) => row.value === null)) process.exitCode = 1;
