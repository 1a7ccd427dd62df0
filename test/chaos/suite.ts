/**
 * `npm run chaos -- [--seeds N] [--first SEED] [--faults N] [--seconds S] [--canaries] [--json]`: real threads that end in
 * every way there is, with asks, watches, stops, routers, calls of services and durable transfers under way. Every trial
 * says its seed when it begins, and has a limit after which it fails and tells what it sees of the system. Ends with one
 * JSON line; exit 1 on a failure, or when a planted defect is not caught. Planted defects have processes of their own.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { THREAD_CANARIES, type ThreadCanary } from '../../src/platform/index.ts';
import { CHAOS_COUNTERS, drawFaults, FAULTS, runChaosTrial } from './trial.ts';

const BLOCKED_AFTER_MS = 2_500;
const REST_MS = 180_000;
/** Beside its rest, per fault. */
const FAULT_LIMIT_MS = 30_000;
/** A planted defect that is not caught by this many seeds escapes. */
const CANARY_SEEDS_MAX = 50;
/** A trial with a planted defect: few faults, and soon given up. */
const CANARY_FAULTS = 3;
const CANARY_REST_MS = 20_000;

const number = (fallback: number): { type: 'string'; default: string } => ({
  type: 'string',
  default: String(fallback),
});
const { values } = parseArgs({
  options: {
    seeds: number(5),
    first: number(1),
    faults: number(FAULTS.length),
    rest: number(REST_MS),
    seconds: number(Number.MAX_SAFE_INTEGER),
    canaries: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Whether one trial in a process of its own notices the defect. */
const notices = (canary: ThreadCanary, seed: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const flags = ['--seeds', 1, '--first', seed, '--faults', CANARY_FAULTS, '--rest', CANARY_REST_MS].map(String);
    const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...flags], {
      env: { ...process.env, NODE_ENV: 'test', MEGACTOR_CANARY: canary },
      stdio: 'ignore',
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      say(`${canary}: seed ${seed}: ${code === 0 ? 'not noticed' : 'caught'}`);
      resolve(code !== 0);
    });
  });

const seedsFor = async (canary: ThreadCanary): Promise<number | null> => {
  for (let seed = 1; seed <= CANARY_SEEDS_MAX; seed += 1) if (await notices(canary, seed)) return seed;
  return null;
};

const counters: Record<string, number> = Object.fromEntries([...FAULTS, ...CHAOS_COUNTERS].map((name) => [name, 0]));
const until = performance.now() + Number(values.seconds) * 1_000;
const end = Number(values.first) + Number(values.seeds);
let failures = 0;
let firstFailingSeed: number | null = null;
let trials = 0;
let hangs = false;
let underWay: number | null = null;
process.once('exit', () => {
  if (underWay !== null) say(`seed ${underWay}: the process ended during it`);
});
for (let seed = Number(values.first); seed < end && !hangs && performance.now() < until; seed += 1) {
  const faults = drawFaults(seed, Number(values.faults));
  const restMs = Number(values.rest);
  const limitMs = restMs + faults.length * FAULT_LIMIT_MS;
  say(`seed ${seed}: ${faults.join(' ')}`);
  underWay = seed;
  const startMs = performance.now();
  const outcome = await runChaosTrial({ seed, faults, blockedAfterMs: BLOCKED_AFTER_MS, restMs, limitMs });
  underWay = null;
  trials += 1;
  // What does not end may go on in the next trial's way.
  ({ hangs } = outcome);
  for (const [name, by] of Object.entries(outcome.counters)) counters[name] = (counters[name] ?? 0) + by;
  const how = outcome.wrong.length === 0 ? 'good' : outcome.wrong.join('; ');
  say(`seed ${seed}: ${((performance.now() - startMs) / 1_000).toFixed(1)} s: ${how}`);
  if (outcome.wrong.length === 0) continue;
  failures += 1;
  firstFailingSeed ??= seed;
}
const canaries: Record<string, number | null> = {};
if (values.canaries) for (const canary of THREAD_CANARIES) canaries[canary] = await seedsFor(canary);
const line = JSON.stringify({ suite: 'chaos', trials, failures, firstFailingSeed, counters, canaries });
const isBad = failures > 0 || Object.values(canaries).includes(null);
process.stdout.write(`${line}\n`, () => {
  if (hangs) process.exit(1);
});
if (isBad) process.exitCode = 1;
