/**
 * Examines this machine and this installation. Every check does the real thing once: a store is opened and written, a
 * thread is started, a server is asked. What it does not do: repair, or print.
 *
 * Invariants: X1 A check that throws, or does not end in time, has failed; the others still run. X2 Nothing is left
 * behind, and nothing is changed outside of a temporary directory. X3 No key appears in what it says. X4 Modules with
 * native code are loaded by the check that is about them, so that one that cannot be loaded is found and named.
 */
import { systemClock } from '../platform/index.ts';
import type { Check, CheckSpec, Finding, Surroundings } from './doctor-check.ts';
import { MACHINE_CHECKS } from './doctor-machine.ts';
import { PART_CHECKS } from './doctor-parts.ts';

export type { Check, Surroundings } from './doctor-check.ts';

const CHECK_DEADLINE_MS = 20_000;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.slice(0, 300) ?? '';

const examineOne = async (spec: CheckSpec, surroundings: Required<Surroundings>): Promise<Check> => {
  const { name, needed, hint } = spec;
  const late = Promise.withResolvers<Finding>();
  const timer = surroundings.clock.after(
    CHECK_DEADLINE_MS,
    () => late.resolve({ ok: false, detail: `no result after ${CHECK_DEADLINE_MS / 1_000} s`, hint }),
    { keepAlive: true },
  );
  try {
    return { name, needed, ...(await Promise.race([spec.run(surroundings), late.promise])) };
  } catch (error) {
    return { name, needed, ok: false, detail: firstLine(error), hint };
  } finally {
    timer.cancel();
  }
};

/** All checks, one after the other, in the order in which they build on each other. It does not throw. */
export const examine = async (surroundings: Surroundings): Promise<readonly Check[]> => {
  const whole = { clock: systemClock, ...surroundings };
  const checks: Check[] = [];
  for (const spec of [...MACHINE_CHECKS, ...PART_CHECKS]) checks.push(await examineOne(spec, whole));
  return checks;
};
