/**
 * The rules of a supervisor over its children, as pure functions over data: who is started again with whom, and how many
 * restarts are too many. What it does not do: keep time, or know how an actor is stopped and started (supervision.ts).
 *
 * Invariant: A9 A restart counts for less than `withinMs`; the one that would be the `max + 1`st of its period is refused.
 */
import { isCanary } from '../platform/index.ts';
import type { SupervisionStrategy } from './definition.ts';

/** How many restarts are allowed within a period. */
export interface Intensity {
  readonly max: number;
  readonly withinMs: number;
}

/**
 * Who is stopped and started again when `failed` is, in the order of their start.
 * @param children all of them, in the order of their start
 */
export const restartedWith = <Child>(
  strategy: SupervisionStrategy,
  children: readonly Child[],
  failed: Child,
): readonly Child[] => {
  switch (strategy) {
    case 'one_for_one':
      return [failed];
    case 'one_for_all':
      return children;
    case 'rest_for_one': {
      const index = children.indexOf(failed);
      return index < 0 ? [failed] : children.slice(index);
    }
    default: {
      const never: never = strategy;
      return never;
    }
  }
};

/** The moments that still count. @param nowMs a monotonic moment */
export const recentOf = (times: readonly number[], withinMs: number, nowMs: number): readonly number[] =>
  times.filter((time) => nowMs - time < withinMs);

/** True when one more restart is allowed now. @param times moments of those before */
export const mayCountOneMore = (intensity: Intensity, times: readonly number[], nowMs: number): boolean =>
  recentOf(times, intensity.withinMs, nowMs).length < intensity.max + (isCanary('restart-off-by-one') ? 1 : 0);
