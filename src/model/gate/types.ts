/** What the gate takes and gives: its options, what a caller says with a call, why it stops, what it counts. */
import type { Clock, Random } from '../../platform/index.ts';
import type { MegactorError } from '../../protocol/errors.ts';
import type { ChatAnswer, ChatModel, ChatRequest, TokenUsage } from '../types.ts';
import type { BreakerState } from './breaker.ts';
import type { RateLimits } from './rate-limit.ts';

/** One model on one server, with limits of its own. */
export interface RouteOptions {
  /** As calls and fallbacks name it; usually the model's name. */
  readonly name: string;
  readonly model: ChatModel;
  /** Routes to take instead, in this order, while this one cannot be used. */
  readonly fallbacks?: readonly string[] | undefined;
  /** Most calls in flight; default no cap until the first 429 or timeout. */
  readonly inFlightMax?: number | undefined;
  /** What the provider allows per window; default what its headers say. */
  readonly rateLimits?: RateLimits | undefined;
}

/** What a budget says to a request that is about to be sent. */
export type Grant =
  | {
      readonly kind: 'granted';
      /** What the request came to; null when it came to nothing that has to be paid. Called once. */
      settle(usage: TokenUsage | null): void;
    }
  /** It would fit if requests under way cost less than they may: asked again when one has ended. `all`: nobody else may go. */
  | { readonly kind: 'wait'; readonly all: boolean }
  /** This call fails with `error`; others go on. */
  | { readonly kind: 'refused'; readonly error: MegactorError }
  /** No call may be sent any more. */
  | { readonly kind: 'stop'; readonly stop: GateStop };

export interface SpendingGuard {
  /** Called right before each request leaves. `inputEstimate` and `outputEstimate` in tokens. */
  reserve(
    request: ChatRequest,
    about: { readonly route: string; readonly inputEstimate: number; readonly outputEstimate: number },
  ): Grant;
}

/** A route that changed how it can be used, for the events of a run. */
export interface RouteChange {
  readonly route: string;
  readonly state: BreakerState | 'disabled' | 'cool-down' | 'limited';
  /** What it was that led to this; null when it got better. */
  readonly error: MegactorError | null;
  /** In a cool-down: how long it lasts. */
  readonly waitMs?: number;
}

export interface GateOptions {
  /** The model of calls that name no route. */
  readonly model: ChatModel;
  readonly fallbacks?: readonly string[] | undefined;
  /** Other models, by the names that calls and fallbacks use. */
  readonly routes?: readonly RouteOptions[] | undefined;
  readonly clock?: Clock | undefined;
  /** Called with the effect id whenever a request of that call leaves for the server. */
  readonly onSent?: ((effectId: string) => void) | undefined;
  /**
   * Keeps an answer for good, before anybody is told of it, also when its caller has gone. A failure is the call's.
   */
  readonly onAnswer?: ((effectId: string, answer: ChatAnswer, request: ChatRequest) => Promise<void>) | undefined;
  readonly onRouteChange?: ((change: RouteChange) => void) | undefined;
  readonly spending?: SpendingGuard | undefined;
  /** For the jitter. */
  readonly random: Random;
  /** Most calls in flight; default no cap until the first 429 or timeout. */
  readonly inFlightMax?: number | undefined;
  /** What the provider of `model` allows per window; default what its headers say. */
  readonly rateLimits?: RateLimits | undefined;
  /** Most calls that wait; more are refused with GATE_FULL. Default 100,000. */
  readonly queueMax?: number | undefined;
  /** How long a call waits until it counts as one level higher. Default 30,000. */
  readonly ageMs?: number | undefined;
  /** Most repetitions of one call. Default 8. */
  readonly retriesMax?: number | undefined;
  /** Most repetitions when there is no connection and nobody ever got an answer. Default 4. */
  readonly unreachableRetriesMax?: number | undefined;
  /** Back-off before repetition n: a random part of min(base × 2ⁿ, max). Defaults 250 and 20,000. */
  readonly backoffBaseMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
  /** Failures in a row that open the circuit of a route. Default 10. */
  readonly circuitFailuresMax?: number | undefined;
  /** How long it is open at first, and at most; each failed try doubles it. Defaults 1,000 and 15,000. */
  readonly circuitOpenMs?: number | undefined;
  readonly circuitOpenMaxMs?: number | undefined;
  /** How long a server that has answered before may answer nobody until the gate stops. Default 600,000. */
  readonly outageMaxMs?: number | undefined;
  /** For requests without their own. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /** Most answers kept for a repetition; the oldest go first. Default 10,000. */
  readonly keepMax?: number | undefined;
}

export type GateStopReason =
  | 'wrong-key'
  | 'quota'
  | 'model-unreachable'
  | 'unknown-model'
  | 'budget-calls'
  | 'budget-tokens'
  | 'budget-usd'
  | 'deadline';

export interface GateStop {
  readonly reason: GateStopReason;
  readonly error: MegactorError;
}

export interface GateCall {
  /** `agent/step/key`; null when the answer need not be kept for a repetition. */
  readonly effectId: string | null;
  readonly signal: AbortSignal;
  /** Default: the gate's own model. */
  readonly route?: string | undefined;
  /** Told each piece of text as it comes, from a model that streams. */
  readonly onDelta?: ((text: string) => void) | undefined;
}

export interface RouteStats {
  readonly route: string;
  readonly circuit: BreakerState | 'disabled';
  readonly inFlight: number;
  /** The present in-flight limit; null while there is none. */
  readonly limit: number | null;
  /** Waiting for room, a window, a cool-down or the circuit. */
  readonly queued: number;
  readonly coolDownMs: number;
  /** Per window, configured or said by the server; null: not known. */
  readonly requestsPerWindow: number | null;
  readonly tokensPerWindow: number | null;
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
  /** 429 answers. */
  readonly limited: number;
  /** Calls that another route answered than the one they were for. */
  readonly fellBack: number;
  /** Repeated effect ids that were answered without a request. */
  readonly joined: number;
  /** Calls that shared the request of an identical one. */
  readonly coalesced: number;
  /** Answers kept for a repetition. */
  readonly kept: number;
  /** The present in-flight limit of the gate's own model; null while there is none. */
  readonly limit: number | null;
  readonly tokens: TokenUsage;
  readonly latency: { readonly meanMs: number; readonly maxMs: number };
  readonly queueing: { readonly meanMs: number; readonly maxMs: number };
  readonly routes: readonly RouteStats[];
}
