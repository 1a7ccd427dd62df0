/**
 * One call inside the gate, and the gate's settings. What it does not do: decide anything (`gate.ts`).
 */
import type { TimerHandle } from '../platform/index.ts';
import type { MegactorError } from '../protocol/errors.ts';
import type { Queued } from './gate-queue.ts';
import type { GateOptions } from './gate-types.ts';
import type { ChatAnswer, ChatRequest } from './types.ts';

export interface Waiter {
  resolve(answer: ChatAnswer): void;
  reject(error: MegactorError): void;
  detach(): void;
}

/**
 * queued → flying → settled; from flying perhaps to backoff and back to queued; from anywhere to held once the gate
 * stopped.
 */
export interface Call extends Queued {
  readonly key: string | null;
  readonly request: ChatRequest;
  readonly deadlineMs: number;
  readonly waiters: Set<Waiter>;
  state: 'queued' | 'flying' | 'backoff' | 'storing' | 'held' | 'settled';
  attempts: number;
  /** When the first request left; the latency counts from here. */
  firstSentAt: number;
  /** Number of the start that sent the present request. */
  startNumber: number;
  startedAt: number;
  wireMs: number;
  controller: AbortController | null;
  timer: TimerHandle | null;
}

/** The options with their defaults filled in. */
export interface Settings {
  readonly queueMax: number;
  readonly retriesMax: number;
  readonly unreachableRetriesMax: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  readonly deadlineMs: number;
  readonly keepMax: number;
}

export const settingsOf = (options: GateOptions): Settings => ({
  queueMax: options.queueMax ?? 100_000,
  retriesMax: options.retriesMax ?? 8,
  unreachableRetriesMax: options.unreachableRetriesMax ?? 4,
  backoffBaseMs: options.backoffBaseMs ?? 250,
  backoffMaxMs: options.backoffMaxMs ?? 20_000,
  deadlineMs: options.deadlineMs ?? 300_000,
  keepMax: options.keepMax ?? 10_000,
});

/** A call as it enters the gate. */
export const newCall = (
  request: ChatRequest,
  key: string | null,
  sequence: number,
  deadlineMs: number,
  state: 'queued' | 'held',
): Call => ({
  key,
  request,
  level: request.level,
  sequence,
  deadlineMs: request.deadlineMs ?? deadlineMs,
  waiters: new Set(),
  state,
  attempts: 0,
  firstSentAt: 0,
  startNumber: 0,
  startedAt: 0,
  wireMs: 0,
  controller: null,
  timer: null,
});
