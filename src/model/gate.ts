/**
 * The gate: every model call of a run passes it. It admits by level, limits what is in flight, retries, keeps answers
 * until their step is journaled, and stops everything when going on is pointless. What it does not do: talk to a server
 * (the `ChatModel` does), count money (budgets), judge answers (the society).
 *
 * 1. A call is sent only while no cool-down lasts, the in-flight limit has room and the gate is neither stopped nor
 *    draining. Lower levels go first, within a level the earlier call.
 * 2. A call whose effect id is in flight or kept is never sent a second time.
 * 3. A call that was sent is not cut off because its caller went away: the answer is paid for, so it is kept for the
 *    caller's repetition.
 * 4. Every call settles: answer, error, or ABORTED at the drain. Only `stop` holds calls back, and `drain` ends that.
 * 5. A wrong key, a used-up quota and an unknown model are never retried; they stop the gate, and so does a server that
 *    answers nobody while one call uses up its repetitions.
 * 6. Without a configured limit and without pressure there is no cap; the first 429 or timeout makes one.
 */
import { systemClock, type Clock, type Random, type TimerHandle } from '../platform/index.ts';
import { MegactorError, toMegactorError, type ErrorCode } from '../protocol/errors.ts';
import { newCall, settingsOf, type Call, type Settings, type Waiter } from './gate-call.ts';
import { LevelQueue } from './gate-queue.ts';
import { KeptAnswers } from './kept-answers.ts';
import { InFlightLimit } from './in-flight-limit.ts';
import type { GateCall, GateOptions, GateStats, GateStop, GateStopReason } from './gate-types.ts';
import type { ChatAnswer, ChatModel, ChatRequest, TokenUsage } from './types.ts';

export type * from './gate-types.ts';

const STOP_REASONS: Partial<Record<ErrorCode, GateStopReason>> = {
  MODEL_AUTH: 'wrong-key',
  MODEL_QUOTA: 'quota',
  MODEL_UNKNOWN: 'unknown-model',
  KEY_MISSING: 'wrong-key',
};

const aborted = (): MegactorError => new MegactorError('ABORTED', 'the model call was cancelled');

export class Gate {
  readonly #model: ChatModel;
  readonly #clock: Clock;
  readonly #onAnswer: GateOptions['onAnswer'];
  readonly #storing = new Set<Promise<void>>();
  readonly #onSent: ((effectId: string) => void) | undefined;
  readonly #random: Random;
  readonly #options: Settings;
  readonly #limit: InFlightLimit;
  readonly #queue = new LevelQueue<Call>();
  /** Calls by effect id, from their admission until they settle. */
  readonly #open = new Map<string, Call>();
  /** Every call that has not settled. */
  readonly #calls = new Set<Call>();
  readonly #kept: KeptAnswers;
  readonly #listeners: ((stop: GateStop) => void)[] = [];
  #starts = 0;
  #sequence = 0;
  #inFlight = 0;
  #coolDownUntil = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #coolDownTimer: TimerHandle | null = null;
  #stop: GateStop | null = null;
  #draining: Promise<void> | null = null;
  #whenIdle: (() => void) | null = null;
  readonly #counts = { calls: 0, failed: 0, maxInFlight: 0, retries: 0, joined: 0, latencyMs: 0, latencyMaxMs: 0 };
  #tokens: TokenUsage = { input: 0, cachedInput: 0, output: 0 };

  constructor(options: GateOptions) {
    this.#model = options.model;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random;
    this.#onSent = options.onSent;
    this.#onAnswer = options.onAnswer;
    this.#limit = new InFlightLimit(options.inFlightMax);
    this.#options = settingsOf(options);
    this.#kept = new KeptAnswers(this.#options.keepMax);
  }

  /**
   * The model's answer, with `attempts` and `latencyMs` over all requests it took.
   * While the gate is stopped the promise stays open until `drain`.
   * @throws MODEL_*, GATE_FULL, ABORTED (the signal, or the drain)
   */
  complete(request: ChatRequest, call: GateCall): Promise<ChatAnswer> {
    if (call.signal.aborted || this.#draining !== null) return Promise.reject(aborted());
    const known = call.effectId === null ? undefined : this.#kept.get(call.effectId);
    if (known !== undefined) {
      this.#counts.joined += 1;
      return Promise.resolve(known);
    }
    let joined = call.effectId === null ? undefined : this.#open.get(call.effectId);
    if (joined === undefined) {
      if (this.#calls.size - this.#inFlight >= this.#options.queueMax) {
        return Promise.reject(
          new MegactorError('GATE_FULL', `${this.#options.queueMax} model calls wait already; this one was refused`),
        );
      }
      joined = this.#admit(request, call.effectId);
    } else {
      this.#counts.joined += 1;
    }
    const answer = this.#wait(joined, call.signal);
    this.#pump();
    return answer;
  }

  /** Whether `complete` with this effect id would send nothing: its answer is kept, or under way. */
  knows(effectId: string): boolean {
    return this.#kept.get(effectId) !== undefined || this.#open.has(effectId);
  }

  /** Forgets kept answers whose step is journaled. */
  release(effectIds: readonly string[]): void {
    this.#kept.release(effectIds);
  }

  /** Calls `listener` once, when going on is pointless: every later call is held. */
  onStop(listener: (stop: GateStop) => void): void {
    if (this.#stop === null) this.#listeners.push(listener);
    else listener(this.#stop);
  }

  /**
   * Sends nothing more, waits up to `deadlineMs` for what is in flight, cuts the rest off, and rejects every call that
   * is left with ABORTED. Later calls are refused.
   */
  drain(deadlineMs: number): Promise<void> {
    this.#draining ??= this.#drain(deadlineMs);
    return this.#draining;
  }

  stats(): GateStats {
    const held = [...this.#calls].filter((call) => call.state === 'held').length;
    const { calls, failed, maxInFlight, retries, joined, latencyMs, latencyMaxMs } = this.#counts;
    return {
      calls,
      failed,
      inFlight: this.#inFlight,
      maxInFlight,
      queued: this.#calls.size - this.#inFlight - held,
      held,
      retries,
      joined,
      kept: this.#kept.size,
      limit: Number.isFinite(this.#limit.calls) ? this.#limit.calls : null,
      tokens: this.#tokens,
      latency: { meanMs: calls === 0 ? 0 : latencyMs / calls, maxMs: latencyMaxMs },
    };
  }

  #admit(request: ChatRequest, key: string | null): Call {
    this.#sequence += 1;
    const state = this.#stop === null ? 'queued' : 'held';
    const call = newCall(request, key, this.#sequence, this.#options.deadlineMs, state);
    this.#calls.add(call);
    if (key !== null) this.#open.set(key, call);
    if (call.state === 'queued') this.#queue.push(call);
    return call;
  }

  #wait(call: Call, signal: AbortSignal): Promise<ChatAnswer> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        call.waiters.delete(waiter);
        waiter.detach();
        reject(aborted());
        // What was sent is paid for and goes on; what only waits is dropped.
        if (call.waiters.size === 0 && call.state !== 'flying' && call.state !== 'storing') this.#drop(call);
      };
      const waiter: Waiter = {
        resolve,
        reject,
        detach: () => signal.removeEventListener('abort', onAbort),
      };
      call.waiters.add(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Sends what may be sent now. */
  #pump(): void {
    if (this.#stop !== null || this.#draining !== null) return;
    const coolMs = this.#coolDownUntil - this.#clock.monotonic();
    if (coolMs > 0) {
      if (this.#queue.size > 0) {
        this.#coolDownTimer ??= this.#clock.after(
          coolMs,
          () => {
            this.#coolDownTimer = null;
            this.#pump();
          },
          { keepAlive: true },
        );
      }
      return;
    }
    while (this.#inFlight < this.#limit.calls) {
      const call = this.#queue.pop();
      if (call === undefined) return;
      this.#send(call);
    }
  }

  #send(call: Call): void {
    const now = this.#clock.monotonic();
    this.#starts += 1;
    call.state = 'flying';
    call.attempts += 1;
    call.startNumber = this.#starts;
    call.startedAt = now;
    if (call.attempts === 1) call.firstSentAt = now;
    else this.#counts.retries += 1;
    const controller = new AbortController();
    call.controller = controller;
    const start = this.#starts;
    call.timer = this.#clock.after(call.deadlineMs - call.wireMs, () => this.#onDeadline(call, start), {
      keepAlive: true,
    });
    this.#inFlight += 1;
    this.#counts.maxInFlight = Math.max(this.#counts.maxInFlight, this.#inFlight);
    const { key } = call;
    const onSent = key === null || this.#onSent === undefined ? undefined : () => this.#onSent?.(key);
    this.#model.complete(call.request, controller.signal, onSent).then(
      (answer) => {
        if (call.state !== 'flying' || call.startNumber !== start) return;
        this.#landed(call);
        this.#answered(call, answer);
      },
      (error: unknown) => {
        if (call.state !== 'flying' || call.startNumber !== start) return;
        this.#landed(call);
        this.#failed(call, toMegactorError(error, 'MODEL_SERVER'));
      },
    );
  }

  #onDeadline(call: Call, start: number): void {
    if (call.state !== 'flying' || call.startNumber !== start) return;
    call.controller?.abort();
    this.#landed(call);
    this.#failed(
      call,
      new MegactorError('MODEL_TIMEOUT', `no answer within ${call.deadlineMs} ms and ${call.attempts} requests`),
    );
  }

  /** The request of `call` is over, one way or the other; the call itself may go on. */
  #landed(call: Call): void {
    call.timer?.cancel();
    call.timer = null;
    call.controller = null;
    call.wireMs += this.#clock.monotonic() - call.startedAt;
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#whenIdle?.();
  }

  #answered(call: Call, raw: ChatAnswer): void {
    this.#answeredAt = this.#clock.monotonic();
    const latencyMs = this.#answeredAt - call.firstSentAt;
    const answer: ChatAnswer = { ...raw, attempts: call.attempts, latencyMs };
    this.#counts.calls += 1;
    this.#counts.latencyMs += latencyMs;
    this.#counts.latencyMaxMs = Math.max(this.#counts.latencyMaxMs, latencyMs);
    this.#tokens = {
      input: this.#tokens.input + answer.usage.input,
      cachedInput: this.#tokens.cachedInput + answer.usage.cachedInput,
      output: this.#tokens.output + answer.usage.output,
    };
    // It has landed already, and counts.
    this.#limit.answered(this.#inFlight + 1);
    this.#pump();
    if (call.key === null || this.#onAnswer === undefined) {
      this.#hand(call, answer);
      return;
    }
    call.state = 'storing';
    const stored: Promise<void> = this.#onAnswer(call.key, answer)
      .then(
        () => this.#hand(call, answer),
        (error: unknown) => this.#settle(call, (waiter) => waiter.reject(toMegactorError(error, 'DISK'))),
      )
      .finally(() => this.#storing.delete(stored));
    this.#storing.add(stored);
  }

  #hand(call: Call, answer: ChatAnswer): void {
    if (call.key !== null) this.#kept.keep(call.key, answer);
    this.#settle(call, (waiter) => waiter.resolve(answer));
  }

  #failed(call: Call, error: MegactorError): void {
    if (error.code === 'MODEL_RATE_LIMITED' || error.code === 'MODEL_TIMEOUT') {
      this.#limit.pressed(call.startNumber, this.#starts, this.#inFlight + 1);
    }
    const wait = error.details['retryAfterMs'];
    if (typeof wait === 'number' && error.retryable) {
      this.#coolDownUntil = Math.max(this.#coolDownUntil, this.#clock.monotonic() + wait);
      this.#coolDownTimer?.cancel();
      this.#coolDownTimer = null;
    }
    const reason = STOP_REASONS[error.code];
    if (reason !== undefined) this.#halt({ reason, error });
    const repeatable = error.retryable || reason !== undefined;
    if (call.waiters.size === 0) this.#drop(call);
    else if (repeatable && this.#stop !== null) call.state = 'held';
    else if (this.#mayRetry(call, error)) this.#backOff(call);
    else if (error.retryable && !this.#isAlive(call)) {
      // Not one answer to anybody in all that time: failing the agents one by one would help nobody.
      this.#halt({ reason: 'model-unreachable', error });
      call.state = 'held';
    } else {
      this.#counts.failed += 1;
      const final = new MegactorError(error.code, error.message, {
        hint: error.hint,
        details: { ...error.details, attempts: call.attempts },
      });
      this.#settle(call, (waiter) => waiter.reject(final));
    }
    this.#pump();
  }

  #mayRetry(call: Call, error: MegactorError): boolean {
    const { retriesMax, unreachableRetriesMax } = this.#options;
    const lost = error.code === 'MODEL_UNREACHABLE' && !this.#isAlive(call);
    const most = lost ? unreachableRetriesMax : retriesMax;
    return error.retryable && call.attempts <= most && call.wireMs < call.deadlineMs;
  }

  /** Whether the server has answered anybody since `call` was first sent. */
  #isAlive(call: Call): boolean {
    return this.#answeredAt >= call.firstSentAt;
  }

  #backOff(call: Call): void {
    const { backoffBaseMs, backoffMaxMs } = this.#options;
    const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** (call.attempts - 1));
    call.state = 'backoff';
    call.timer = this.#clock.after(
      this.#random() * ceilingMs,
      () => {
        if (call.state !== 'backoff') return;
        call.timer = null;
        call.state = 'queued';
        this.#queue.push(call);
        this.#pump();
      },
      { keepAlive: true },
    );
  }

  #halt(stop: GateStop): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    this.#queue.takeAll();
    for (const call of this.#calls) {
      if (call.state !== 'queued' && call.state !== 'backoff') continue;
      call.timer?.cancel();
      call.timer = null;
      call.state = 'held';
    }
    for (const listener of this.#listeners.splice(0)) listener(stop);
  }

  async #drain(deadlineMs: number): Promise<void> {
    this.#coolDownTimer?.cancel();
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(deadlineMs, resolve, { keepAlive: true });
        this.#whenIdle = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    await Promise.all(this.#storing);
    for (const call of this.#calls) {
      call.controller?.abort();
      if (call.state === 'flying') this.#landed(call);
      this.#settle(call, (waiter) => waiter.reject(aborted()));
    }
    this.#queue.takeAll();
  }

  #drop(call: Call): void {
    if (call.state === 'queued') this.#queue.remove(call);
    this.#settle(call, () => {});
  }

  #settle(call: Call, tell: (waiter: Waiter) => void): void {
    call.state = 'settled';
    call.timer?.cancel();
    call.timer = null;
    this.#calls.delete(call);
    if (call.key !== null) this.#open.delete(call.key);
    for (const waiter of call.waiters) {
      waiter.detach();
      tell(waiter);
    }
    call.waiters.clear();
  }
}
