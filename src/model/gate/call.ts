/**
 * One call inside the gate, and the gate's settings. What it does not do: decide anything (`gate.ts`).
 */
import type { TimerHandle } from '../../platform/index.ts';
import type { MegactorError } from '../../protocol/errors.ts';
import { hashString } from '../../protocol/ids.ts';
import type { ChatAnswer, ChatRequest } from '../types.ts';
import type { Estimate } from './estimate.ts';
import type { Queued } from './fair-queue.ts';
import type { RateTicket } from './rate-limit.ts';
import type { GateOptions, Grant } from './types.ts';

/** Providers cache prompts from some thousand characters on; who shares so many shares a place in the queue. */
const PREFIX_CHARS = 1_024;

export interface Waiter {
  /** Its own effect id: those of calls that share a request differ. */
  readonly key: string | null;
  resolve(answer: ChatAnswer): void;
  reject(error: MegactorError): void;
  detach(): void;
  onDelta: ((text: string) => void) | undefined;
}

/** A request on its way. */
export interface Flight {
  /** Number of the start, over all routes. */
  readonly start: number;
  readonly startedAt: number;
  readonly estimate: Estimate;
  readonly ticket: RateTicket;
  readonly grant: Grant & { readonly kind: 'granted' };
  readonly controller: AbortController;
  readonly cost: number;
  /** Whether it tries for all, while the circuit is open. */
  readonly tries: boolean;
}

/**
 * queued → flying → storing → settled; from flying perhaps to backoff and back to queued; parked while its budget may
 * still get something back; from anywhere to held once the gate stopped.
 */
export interface Call extends Queued {
  readonly key: string | null;
  /** By which identical calls find it; null when it shares its request with nobody. */
  readonly twin: string | null;
  readonly request: ChatRequest;
  readonly deadlineMs: number;
  readonly waiters: Set<Waiter>;
  /** The effect ids of everybody who ever waited for it. */
  readonly keys: Set<string | null>;
  /** The routes it may take, best first, and the one it is on. */
  routes: readonly string[];
  route: string;
  state: 'queued' | 'parked' | 'flying' | 'backoff' | 'storing' | 'held' | 'settled';
  /** Requests sent. */
  attempts: number;
  /** Requests that failed while others may have been answered: these are bounded. */
  failures: number;
  fellBack: boolean;
  /** When the first request left; the latency counts from here. */
  firstSentAt: number;
  wireMs: number;
  flight: Flight | null;
  timer: TimerHandle | null;
}

/** The options with their defaults filled in. */
export interface Settings {
  readonly queueMax: number;
  readonly ageMs: number;
  readonly retriesMax: number;
  readonly unreachableRetriesMax: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  readonly circuitFailuresMax: number;
  readonly circuitOpenMs: number;
  readonly circuitOpenMaxMs: number;
  readonly outageMaxMs: number;
  readonly deadlineMs: number;
  readonly keepMax: number;
}

export const settingsOf = (options: GateOptions): Settings => ({
  queueMax: options.queueMax ?? 100_000,
  ageMs: options.ageMs ?? 30_000,
  retriesMax: options.retriesMax ?? 8,
  unreachableRetriesMax: options.unreachableRetriesMax ?? 4,
  backoffBaseMs: options.backoffBaseMs ?? 250,
  backoffMaxMs: options.backoffMaxMs ?? 20_000,
  circuitFailuresMax: options.circuitFailuresMax ?? 10,
  circuitOpenMs: options.circuitOpenMs ?? 1_000,
  circuitOpenMaxMs: options.circuitOpenMaxMs ?? 15_000,
  outageMaxMs: options.outageMaxMs ?? 600_000,
  deadlineMs: options.deadlineMs ?? 300_000,
  keepMax: options.keepMax ?? 10_000,
});

/** What a prompt begins with; calls that share it are sent together. */
const prefixOf = ({ messages, tools }: ChatRequest): string => {
  const [first] = messages;
  return `${tools.length}/${hashString((first?.content ?? '').slice(0, PREFIX_CHARS))}`;
};

/**
 * What two calls must have in common to share one request: everything that the server sees, at temperature 0, where an
 * answer is meant to be the same. null: shares with nobody.
 */
export const twinOf = (request: ChatRequest, route: string): string | null =>
  request.temperature === 0
    ? JSON.stringify([route, request.messages, request.tools.map((tool) => tool.function), request.maxTokens ?? null])
    : null;

export interface NewCall {
  readonly request: ChatRequest;
  readonly key: string | null;
  readonly twin: string | null;
  readonly routes: readonly string[];
  readonly sequence: number;
  readonly deadlineMs: number;
  readonly nowMs: number;
}

/** A call as it enters the gate. */
export const newCall = ({ request, key, twin, routes, sequence, deadlineMs, nowMs }: NewCall): Call => ({
  key,
  twin,
  request,
  agent: request.agent,
  level: request.level,
  prefix: prefixOf(request),
  sequence,
  queuedAtMs: nowMs,
  deadlineMs: request.deadlineMs ?? deadlineMs,
  waiters: new Set(),
  keys: new Set(),
  routes,
  route: routes[0] ?? '',
  state: 'queued',
  attempts: 0,
  failures: 0,
  fellBack: false,
  firstSentAt: 0,
  wireMs: 0,
  flight: null,
  timer: null,
});
