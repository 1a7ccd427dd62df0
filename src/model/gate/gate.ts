/**
 * The gate: every model call of a run passes it. It admits by level and by what each agent was served, keeps to what the
 * provider allows, limits what is in flight, retries, falls back to other models, keeps answers until their step is
 * journaled, and stops everything when going on is pointless. What it does not do: talk to a server (the `ChatModel`
 * does), know prices and budgets (the spending guard does), judge answers (the society).
 *
 * 1. A call is sent only when its route lets it (`lane.ts`), its budget grants it, and the gate is neither stopped nor
 *    draining. Who goes first, `fair-queue.ts` says.
 * 2. A call whose effect id is in flight or kept is never sent a second time; identical calls at temperature 0 that are
 *    open together share one request.
 * 3. A call that was sent is not cut off because its caller went away: the answer is paid for, so it is kept for the
 *    caller's repetition.
 * 4. Every call settles: answer, error, or ABORTED at the drain. Only `stop` holds calls back, and `drain` ends that. One
 *    whose tokens cannot be counted fails alone.
 * 5. A wrong key, a used-up quota and an unknown model are never retried: the route is given up, and with the last one of
 *    a call the gate stops. So it does when a server answers nobody while one call uses up its repetitions, or, if it had
 *    answered before, for `outageMaxMs`.
 * 6. Without a configured limit and without pressure there is no cap; the first 429 or timeout makes one.
 * 7. Every request that was granted is settled with its budget exactly once.
 */
import { systemClock, type Clock, type Random } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import type { ChatAnswer, ChatRequest } from '../types.ts';
import { newCall, settingsOf, twinOf, type Call, type Settings } from './call.ts';
import { counted, Estimator, type Estimate } from './estimate.ts';
import { Flights, type Landing } from './flights.ts';
import { costOf, type Lane } from './lane.ts';
import { aborted, OpenCalls } from './open-calls.ts';
import type { LimitReadings } from './rate-limit.ts';
import { noRoute, Routes } from './routes.ts';
import { Tally } from './tally.ts';
import type { GateCall, GateOptions, GateStats, GateStop, Grant, RouteChange } from './types.ts';
import { failureOf, SERVER_FAILURES, STOP_REASONS, verdictOn } from './verdict.ts';

export type * from './types.ts';

/** Not on the wire and not over: what a stop holds back. */
const WAITING: ReadonlySet<Call['state']> = new Set<Call['state']>(['queued', 'parked', 'backoff']);

const FREE: Grant & { readonly kind: 'granted' } = { kind: 'granted', settle: () => {} };

export class Gate {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: GateOptions;
  readonly #settings: Settings;
  readonly #routes: Routes;
  readonly #flights: Flights;
  readonly #calls: OpenCalls;
  /** Those whose budget may still get something back. */
  readonly #parked: Call[] = [];
  readonly #tally = new Tally();
  readonly #listeners: ((stop: GateStop) => void)[] = [];
  #sequence = 0;
  #stop: GateStop | null = null;
  #draining: Promise<void> | null = null;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random;
    this.#settings = settingsOf(options);
    this.#calls = new OpenCalls(this.#settings.keepMax);
    this.#flights = new Flights(this.#clock, {
      answered: (landing, answer, readings) => this.#answered(landing, answer, readings),
      failed: (landing, error) => this.#failed(landing, error),
      onSent: options.onSent,
    });
    this.#routes = new Routes(options, {
      settings: this.#settings,
      clock: this.#clock,
      random: this.#random,
      pump: (lane) => this.#pump(lane),
    });
  }

  /**
   * The model's answer, with `attempts`, `latencyMs` over all requests it took, and `queueMs` before the first.
   * While the gate is stopped the promise stays open until `drain`.
   * @throws MODEL_*, GATE_FULL, ABORTED (the signal, or the drain), CONFIG_INVALID, what the budget refuses with
   */
  complete(request: ChatRequest, about: GateCall): Promise<ChatAnswer> {
    if (about.signal.aborted || this.#draining !== null) return Promise.reject(aborted());
    const key = about.effectId;
    const known = this.#calls.kept(key);
    if (known !== undefined) {
      this.#tally.joined += 1;
      return Promise.resolve(known);
    }
    const joined = this.#calls.byKey(key);
    if (joined !== undefined) {
      this.#tally.joined += 1;
      return this.#wait(joined, about);
    }
    const first = this.#routes.find(about.route);
    if (first === undefined) return Promise.reject(noRoute(about.route));
    const twin = twinOf(request, first.name);
    const shared = this.#calls.byTwin(twin);
    if (shared !== undefined) {
      this.#tally.coalesced += 1;
      return this.#wait(shared, about);
    }
    if (this.#calls.size - this.#flights.inFlight >= this.#settings.queueMax) {
      const most = this.#settings.queueMax;
      return Promise.reject(new MegactorError('GATE_FULL', `${most} model calls wait already; this one was refused`));
    }
    const call = this.#admit(request, key, twin, first);
    const answer = this.#wait(call, about);
    if (call.state === 'queued') this.#enqueue(call);
    return answer;
  }

  /** Whether `complete` with this effect id would send nothing: its answer is kept, or under way. */
  knows(effectId: string): boolean {
    return this.#calls.kept(effectId) !== undefined || this.#calls.byKey(effectId) !== undefined;
  }

  /** Forgets kept answers whose step is journaled. */
  release(effectIds: readonly string[]): void {
    this.#calls.release(effectIds);
  }

  /** Calls `listener` once, when going on is pointless: every later call is held. */
  onStop(listener: (stop: GateStop) => void): void {
    if (this.#stop === null) this.#listeners.push(listener);
    else listener(this.#stop);
  }

  /** Stops for a reason from outside, as a budget of time; what is in flight may still answer. */
  halt(stop: GateStop): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    for (const lane of this.#routes.all()) {
      lane.queue.takeAll();
      lane.sleep();
    }
    for (const call of this.#calls.all()) if (WAITING.has(call.state)) this.#hold(call);
    for (const listener of this.#listeners.splice(0)) listener(stop);
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
    const held = this.#calls.all().filter((call) => call.state === 'held').length;
    const routes = this.#routes.all().map((lane) => lane.stats());
    return {
      ...this.#tally.read(),
      inFlight: this.#flights.inFlight,
      queued: this.#calls.size - this.#flights.inFlight - held,
      held,
      kept: this.#calls.keptSize,
      limit: routes[0]?.limit ?? null,
      routes,
    };
  }

  #admit(request: ChatRequest, key: string | null, twin: string | null, first: Lane): Call {
    this.#sequence += 1;
    const call = newCall({
      request,
      key,
      twin,
      routes: [...new Set([first.name, ...first.fallbacks])],
      sequence: this.#sequence,
      deadlineMs: this.#settings.deadlineMs,
      nowMs: this.#clock.monotonic(),
    });
    if (this.#stop !== null) call.state = 'held';
    this.#calls.add(call);
    return call;
  }

  #wait(call: Call, about: GateCall): Promise<ChatAnswer> {
    return this.#calls.wait(call, about, () => {
      // What was sent is paid for and goes on; what only waits is dropped.
      if (call.state !== 'flying' && call.state !== 'storing') this.#drop(call);
    });
  }

  /** Puts a call on the best of its routes that can be used. */
  #enqueue(call: Call): void {
    if (this.#stop !== null) {
      this.#hold(call);
      return;
    }
    const lane = this.#routes.best(call);
    if (lane === undefined) {
      const { disabled } = this.#routes.of(call);
      this.#hold(call);
      if (disabled !== null) this.halt(disabled);
      return;
    }
    call.state = 'queued';
    call.route = lane.name;
    lane.queue.push(call);
    this.#pump(lane);
  }

  /** Sends what may be sent now. */
  #pump(lane: Lane): void {
    while (this.#stop === null && this.#draining === null) {
      const nowMs = this.#clock.monotonic();
      const call = lane.queue.next(nowMs);
      if (call === undefined) return;
      const holdMs = lane.holdMs(nowMs);
      const estimate = holdMs > 0 ? null : counted(() => lane.estimate(call));
      if (estimate instanceof MegactorError) {
        lane.queue.remove(call);
        this.#fail(call, estimate);
        continue;
      }
      const waitMs = estimate === null ? holdMs : lane.rate.waitMs(estimate.work, nowMs, estimate.spread);
      if (estimate === null || waitMs > 0) {
        lane.wakeAfter(waitMs);
        return;
      }
      const grant = this.#reserve(call, lane, estimate);
      if (grant.kind === 'stop') {
        this.halt(grant.stop);
      } else if (grant.kind === 'wait') {
        if (grant.all) return;
        lane.queue.remove(call);
        call.state = 'parked';
        this.#parked.push(call);
      } else if (grant.kind === 'refused') {
        lane.queue.remove(call);
        this.#fail(call, grant.error);
      } else {
        const cost = costOf(estimate.work);
        lane.queue.take(call, cost);
        this.#flights.send(call, lane, { estimate, grant, cost });
        if (call.attempts > 1) this.#tally.retries += 1;
        this.#tally.sawInFlight(this.#flights.inFlight);
      }
    }
  }

  #reserve(call: Call, lane: Lane, { input, output }: Estimate): Grant {
    const about = { route: lane.name, inputEstimate: Math.ceil(input), outputEstimate: Math.ceil(output) };
    const grant = counted(() => this.#options.spending?.reserve(call.request, about) ?? FREE);
    return grant instanceof MegactorError ? { kind: 'refused', error: grant } : grant;
  }

  #fail(call: Call, error: MegactorError): void {
    this.#tally.failed += 1;
    this.#calls.settle(call, (waiter) => waiter.reject(error));
  }

  #answered({ call, lane, flight }: Landing, raw: ChatAnswer, readings: LimitReadings | null): void {
    const usage = raw.usage.unsaid === true ? Estimator.usageOf(flight.estimate, raw) : raw.usage;
    flight.grant.settle(usage);
    const over = lane.answered(flight, call, usage, readings, this.#flights.starts);
    const latencyMs = lane.answeredAt - call.firstSentAt;
    const queueMs = call.firstSentAt - call.queuedAtMs;
    const answer: ChatAnswer = { ...raw, usage, route: lane.name, attempts: call.attempts, latencyMs, queueMs };
    this.#tally.answered(answer, { latencyMs, queueMs, fellBack: call.fellBack || call.route !== call.routes[0] });
    if (over) this.#changed({ route: lane.name, state: 'closed', error: null });
    this.#calls.landed(call);
    this.#moveOn(lane);
    this.#calls.store(call, answer, this.#options.onAnswer);
  }

  #failed({ call, lane, flight }: Landing, error: MegactorError): void {
    const readings = (error.details['limits'] as LimitReadings | undefined) ?? null;
    flight.grant.settle(null);
    const everAnswered = Number.isFinite(lane.answeredAt);
    const reason = STOP_REASONS[error.code];
    let over = false;
    if (error.code === 'MODEL_RATE_LIMITED') {
      this.#tally.limited += 1;
      over = lane.refused(flight, call, readings, this.#flights.starts);
    } else if (SERVER_FAILURES.has(error.code)) {
      if (lane.failed(flight, call, error.code === 'MODEL_TIMEOUT', this.#flights.starts)) this.#opened(lane, error);
    } else {
      over = lane.ended(flight, error.code !== 'ABORTED' && reason === undefined, this.#flights.starts);
    }
    if (over) this.#changed({ route: lane.name, state: 'closed', error: null });
    const waitMs = error.details['retryAfterMs'];
    if (typeof waitMs === 'number' && error.retryable && lane.coolDown(waitMs)) {
      this.#changed({ route: lane.name, state: 'cool-down', error, waitMs });
    }
    if (reason !== undefined) this.#disable(lane, { reason, error });
    // Tries for all while a server that had answered is out say nothing about this call.
    if (!flight.tries || !everAnswered) call.failures += 1;
    this.#goOn(call, lane, error);
    this.#moveOn(lane);
  }

  /** What becomes of a call whose request failed. */
  #goOn(call: Call, lane: Lane, error: MegactorError): void {
    const failure = failureOf(call, lane, error, {
      stopped: this.#stop !== null,
      another: this.#routes.another(call, lane),
      nowMs: this.#clock.monotonic(),
    });
    const verdict = verdictOn(failure, this.#settings);
    switch (verdict) {
      case 'drop':
        return this.#drop(call);
      case 'hold':
        return this.#hold(call);
      case 'reroute':
        return this.#enqueue(call);
      case 'retry':
        return this.#backOff(call);
      case 'switch':
        // It begins anew on the others, and does not come back.
        call.routes = call.routes.filter((name) => name !== lane.name);
        call.failures = 0;
        call.wireMs = 0;
        call.fellBack = true;
        return this.#enqueue(call);
      case 'stop':
        this.#hold(call);
        return this.halt({ reason: 'model-unreachable', error });
      case 'fail': {
        const details = { ...error.details, attempts: call.attempts };
        return this.#fail(call, new MegactorError(error.code, error.message, { hint: error.hint, details }));
      }
      default:
        return verdict satisfies never;
    }
  }

  #backOff(call: Call): void {
    const { backoffBaseMs, backoffMaxMs } = this.#settings;
    const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.max(0, call.failures - 1));
    call.state = 'backoff';
    call.timer = this.#clock.after(
      this.#random() * ceilingMs,
      () => {
        if (call.state !== 'backoff') return;
        call.timer = null;
        this.#enqueue(call);
      },
      { keepAlive: true },
    );
  }

  /** A request of `lane` has ended: there is room, and perhaps a budget got something back. */
  #moveOn(lane: Lane): void {
    if (this.#options.spending === undefined) {
      this.#pump(lane);
      return;
    }
    for (const call of this.#parked.splice(0)) if (call.state === 'parked') this.#enqueue(call);
    for (const one of this.#routes.all()) this.#pump(one);
  }

  #opened(lane: Lane, error: MegactorError): void {
    this.#changed({ route: lane.name, state: 'open', error });
    if (lane.fallbacks.length > 0) for (const call of lane.queue.takeAll()) this.#enqueue(call);
  }

  /** Nothing goes this way any more; what waits goes another, or stops the gate. */
  #disable(lane: Lane, stop: GateStop): void {
    if (lane.disabled !== null) return;
    lane.disabled = stop;
    lane.sleep();
    this.#changed({ route: lane.name, state: 'disabled', error: stop.error });
    for (const call of lane.queue.takeAll()) this.#enqueue(call);
  }

  #changed(change: RouteChange): void {
    this.#options.onRouteChange?.(change);
  }

  #hold(call: Call): void {
    call.timer?.cancel();
    call.timer = null;
    call.state = 'held';
  }

  async #drain(deadlineMs: number): Promise<void> {
    for (const lane of this.#routes.all()) lane.sleep();
    await this.#flights.idle(deadlineMs);
    await this.#calls.stored();
    for (const lane of this.#routes.all()) lane.queue.takeAll();
    for (const call of this.#calls.all()) {
      this.#flights.cut(call, this.#routes.of(call))?.grant.settle(null);
      this.#calls.settle(call, (waiter) => waiter.reject(aborted()));
    }
  }

  #drop(call: Call): void {
    if (call.state === 'queued') this.#routes.of(call).queue.remove(call);
    this.#calls.settle(call, () => {});
  }
}
