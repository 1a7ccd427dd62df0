/**
 * Supervision as pure functions over data: may a child that ended be started again, and after which delay? In OTP's
 * words: restart types, and an intensity within a period. What it does not do: keep time, stop or start anything.
 */
import type { RestartType } from './definition.ts';
import { mayCountOneMore, recentOf, type Intensity } from './strategy.ts';

export interface SupervisionPolicy {
  readonly restart: RestartType;
  readonly intensity: Intensity;
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  /** Most restarts in a row, however far apart. Absent: no such limit. */
  readonly inARowMax?: number;
}

export const SUPERVISION_DEFAULT: SupervisionPolicy = {
  restart: 'temporary',
  intensity: { max: 3, withinMs: 5_000 },
  backoff: { minMs: 0, maxMs: 0 },
};

/** What is remembered about one child. */
export interface RestartHistory {
  /** Moments of the restarts inside the period, oldest first, in milliseconds. */
  readonly times: readonly number[];
  /** Restarts since the last turn that ended well. */
  readonly inARow: number;
}

export const NO_RESTARTS: RestartHistory = { times: [], inARow: 0 };

/** How an actor ended: it stopped itself, or its handler failed. */
export type Exit = 'normal' | 'failure';

export type Verdict =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly kind: 'stop'; readonly reason: 'not-restarted' | 'intensity' };

/** `minMs × 2ⁿ`, at most `maxMs`, with full jitter: anything between 0 and that. @param random in [0, 1) */
export const backoffDelayMs = (backoff: SupervisionPolicy['backoff'], inARow: number, random: number): number => {
  if (backoff.minMs <= 0) return 0;
  const ceilingMs = Math.min(backoff.minMs * 2 ** Math.min(inARow, 52), Math.max(backoff.maxMs, backoff.minMs));
  return ceilingMs * random;
};

/** Whether the restart type asks for another start after such an end. */
export const mayRestart = (restart: RestartType, exit: Exit): boolean => {
  switch (restart) {
    case 'permanent':
      return true;
    case 'transient':
      return exit === 'failure';
    case 'temporary':
      return false;
    default: {
      const never: never = restart;
      return never;
    }
  }
};

/** @param nowMs a monotonic moment @param random in [0, 1), for the jitter */
export const decideRestart = (
  policy: SupervisionPolicy,
  exit: Exit,
  history: RestartHistory,
  nowMs: number,
  random: number,
): Verdict => {
  if (!mayRestart(policy.restart, exit)) return { kind: 'stop', reason: 'not-restarted' };
  const { intensity, inARowMax = Number.POSITIVE_INFINITY } = policy;
  if (history.inARow >= inARowMax) return { kind: 'stop', reason: 'intensity' };
  if (!mayCountOneMore(intensity, history.times, nowMs)) return { kind: 'stop', reason: 'intensity' };
  const recent = recentOf(history.times, intensity.withinMs, nowMs);
  return {
    kind: 'restart',
    delayMs: backoffDelayMs(policy.backoff, history.inARow, random),
    history: { times: [...recent, nowMs], inARow: history.inARow + 1 },
  };
};
