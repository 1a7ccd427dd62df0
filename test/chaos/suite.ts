/**
 * `npm run chaos -- [--seeds N] [--first SEED] [--json]`: real threads that end in every way there is, with asks, watches,
 * stops and durable transfers under way. Ends with one JSON line; exit 1 on a failure.
 */
import { parseArgs } from 'node:util';
import { drawFaults, FAULTS, runChaosTrial } from './trial.ts';

const BLOCKED_AFTER_MS = 2_500;
const REST_MS = 300_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    first: { type: 'string', default: '1' },
    faults: { type: 'string', default: String(FAULTS.length) },
    json: { type: 'boolean', default: false },
  },
});
const counters: Record<string, number> = Object.fromEntries(FAULTS.map((fault) => [fault, 0]));
let failures = 0;
let firstFailingSeed: number | null = null;
const trials = Number(values.seeds);
for (let seed = Number(values.first); seed < Number(values.first) + trials; seed += 1) {
  const trial = {
    seed,
    faults: drawFaults(seed, Number(values.faults)),
    blockedAfterMs: BLOCKED_AFTER_MS,
    restMs: REST_MS,
  };
  process.stderr.write(`seed ${seed} ${trial.faults.join(' ')}\n`);
  const { wrong, counters: counted } = await runChaosTrial(trial);
  for (const [name, by] of Object.entries(counted)) counters[name] = (counters[name] ?? 0) + by;
  process.stderr.write(`seed ${seed}: ${wrong.length === 0 ? 'good' : wrong.join('; ')}\n`);
  if (wrong.length === 0) continue;
  failures += 1;
  firstFailingSeed ??= seed;
}
process.stdout.write(
  `${JSON.stringify({ suite: 'chaos', trials, failures, firstFailingSeed, counters, canaries: {} })}\n`,
);
if (failures > 0) process.exitCode = 1;
