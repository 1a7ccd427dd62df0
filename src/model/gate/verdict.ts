/**
 * What becomes of a call whose request failed: a pure function of what is known, so that a test reaches every case. What
 * it does not do: act on it (`gate.ts`).
 */
import type { ErrorCode, MegactorError } from '../../protocol/errors.ts';
import type { BreakerState } from './breaker.ts';
import type { Call, Settings } from './call.ts';
import type { Lane } from './lane.ts';
import type { GateStopReason } from './types.ts';

/** What makes a route useless, and stops the gate when a call has no other. */
export const STOP_REASONS: Partial<Record<ErrorCode, GateStopReason>> = {
  MODEL_AUTH: 'wrong-key',
  MODEL_QUOTA: 'quota',
  MODEL_UNKNOWN: 'unknown-model',
  KEY_MISSING: 'wrong-key',
  CASSETTE_MISS: 'unknown-model',
};

/** Failures of the server or of the way to it; every other answer shows that the server lives. */
export const SERVER_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'MODEL_SERVER',
  'MODEL_UNREACHABLE',
  'MODEL_TIMEOUT',
  'MODEL_BAD_RESPONSE',
]);

/** While others are answered, a call may be told so many times more often to come later than it may fail. */
const REFUSALS_PER_FAILURE = 8;
/** How long the circuit of a server that never answered may be open. */
const UNANSWERED_MAX_MS = 60_000;

export interface Failure {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** Somebody still waits for the call. */
  readonly awaited: boolean;
  /** The gate has stopped. */
  readonly stopped: boolean;
  /** Requests of this call that failed on this route, this one included. */
  readonly failures: number;
  /** On the wire so far, and at most. */
  readonly wireMs: number;
  readonly deadlineMs: number;
  /** Another route of the call can be used right now. */
  readonly another: boolean;
  readonly circuit: BreakerState;
  readonly openForMs: number;
  /** The server has answered somebody: ever, and since this call was first sent. */
  readonly everAnswered: boolean;
  readonly aliveSince: boolean;
}

/** What is known of a call at the moment in which its request has failed. */
export const failureOf = (
  call: Call,
  lane: Lane,
  { code, retryable }: MegactorError,
  about: { readonly stopped: boolean; readonly another: boolean; readonly nowMs: number },
): Failure => ({
  code,
  retryable,
  awaited: call.waiters.size > 0,
  stopped: about.stopped,
  failures: call.failures,
  wireMs: call.wireMs,
  deadlineMs: call.deadlineMs,
  another: about.another,
  circuit: lane.breaker.state,
  openForMs: lane.breaker.openForMs(about.nowMs),
  everAnswered: Number.isFinite(lane.answeredAt),
  aliveSince: lane.answeredAt >= call.firstSentAt,
});

/**
 * `drop`: nobody wants it. `hold`: until the gate is drained. `reroute`: at once, on whatever route is best now. `retry`:
 * after a back-off. `switch`: give this route up for this call. `stop`: going on is pointless for everybody. `fail`: tell
 * the caller.
 */
export type Verdict = 'drop' | 'hold' | 'reroute' | 'retry' | 'switch' | 'stop' | 'fail';

/** Whether the server has answered nobody for so long that it is given up. */
const isGone = ({ circuit, openForMs, everAnswered }: Failure, { outageMaxMs }: Settings): boolean =>
  circuit !== 'closed' && openForMs >= (everAnswered ? outageMaxMs : Math.min(outageMaxMs, UNANSWERED_MAX_MS));

const mayRetry = (failure: Failure, settings: Settings): boolean => {
  const { code, failures, everAnswered, aliveSince } = failure;
  if (failure.wireMs >= failure.deadlineMs || isGone(failure, settings)) return false;
  if (code === 'MODEL_UNREACHABLE' && !everAnswered) return failures <= settings.unreachableRetriesMax;
  const factor = code === 'MODEL_RATE_LIMITED' && aliveSince ? REFUSALS_PER_FAILURE : 1;
  return failures <= settings.retriesMax * factor;
};

export const verdictOn = (failure: Failure, settings: Settings): Verdict => {
  const routeLost = STOP_REASONS[failure.code] !== undefined;
  if (!failure.awaited) return 'drop';
  if (failure.stopped && (failure.retryable || routeLost)) return 'hold';
  // With the last route of a call lost this stops the gate.
  if (routeLost) return 'reroute';
  if (!failure.retryable) return 'fail';
  const bounded = failure.failures <= settings.retriesMax * REFUSALS_PER_FAILURE;
  const inTime = failure.wireMs < failure.deadlineMs;
  if (failure.another && failure.circuit !== 'closed' && bounded && inTime) return 'reroute';
  if (mayRetry(failure, settings)) return 'retry';
  if (failure.another) return 'switch';
  // Not one answer to anybody in all that time: failing the agents one by one would help nobody.
  return failure.aliveSince && !isGone(failure, settings) ? 'fail' : 'stop';
};
