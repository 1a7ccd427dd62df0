/** What the gate takes and gives: its options, what a caller says with a call, why it stops, what it counts. */
import type { Clock, Random } from '../platform/index.ts';
import type { MegactorError } from '../protocol/errors.ts';
import type { ChatAnswer, ChatModel, TokenUsage } from './types.ts';

export interface GateOptions {
  readonly model: ChatModel;
  readonly clock?: Clock | undefined;
  /** Called with the effect id whenever a request of that call leaves for the server. */
  readonly onSent?: ((effectId: string) => void) | undefined;
  /**
   * Keeps an answer for good, before anybody is told of it, also when its caller has gone. A failure is the call's.
   */
  readonly onAnswer?: ((effectId: string, answer: ChatAnswer) => Promise<void>) | undefined;
  /** For the jitter. */
  readonly random: Random;
  /** Most calls in flight; default no cap until the first 429 or timeout. */
  readonly inFlightMax?: number | undefined;
  /** Most calls that wait; more are refused with GATE_FULL. Default 100,000. */
  readonly queueMax?: number | undefined;
  /** Most repetitions of one call. Default 8. */
  readonly retriesMax?: number | undefined;
  /** Most repetitions when there is no connection and nobody gets an answer. Default 4. */
  readonly unreachableRetriesMax?: number | undefined;
  /** Back-off before repetition n: a random part of min(base × 2ⁿ, max). Defaults 250 and 20,000. */
  readonly backoffBaseMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
  /** For requests without their own. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /** Most answers kept for a repetition; the oldest go first. Default 10,000. */
  readonly keepMax?: number | undefined;
}

export type GateStopReason = 'wrong-key' | 'quota' | 'model-unreachable' | 'unknown-model';

export interface GateStop {
  readonly reason: GateStopReason;
  readonly error: MegactorError;
}

export interface GateCall {
  /** `agent/step/key`; null when the answer need not be kept for a repetition. */
  readonly effectId: string | null;
  readonly signal: AbortSignal;
}

export interface GateStats {
  /** Answers received. */
  readonly calls: number;
  /** Calls that ended in an error, ABORTED not counted. */
  readonly failed: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Waiting for room, a cool-down or a back-off. */
  readonly queued: number;
  /** Held back since the gate stopped. */
  readonly held: number;
  readonly retries: number;
  /** Repeated effect ids that were answered without a request. */
  readonly joined: number;
  /** Answers kept for a repetition. */
  readonly kept: number;
  /** The present in-flight limit; null while there is none. */
  readonly limit: number | null;
  readonly tokens: TokenUsage;
  readonly latency: { readonly meanMs: number; readonly maxMs: number };
}
