/**
 * One route through the gate: a model on a server, with its queue and everything that says when the next call may go:
 * the rate limits, the limit in flight, a cool-down that holds everybody, the ramp after it, and the circuit. What it
 * does not do: send calls or decide what a failure means for a call (`gate.ts`).
 *
 * 1. A call goes only while no cool-down lasts, the circuit lets it, there is room in flight, and the windows have room.
 * 2. After a cool-down and after an outage calls go in a ramp, not all at once.
 * 3. While calls wait for time to pass there is a timer that looks again.
 */
import type { Clock, Random, TimerHandle } from '../../platform/index.ts';
import type { ChatModel, TokenUsage } from '../types.ts';
import { Breaker } from './breaker.ts';
import type { Call, Flight, Settings } from './call.ts';
import { Estimator, workOf, type Estimate } from './estimate.ts';
import { FairQueue } from './fair-queue.ts';
import { InFlightLimit } from './in-flight-limit.ts';
import { Ramp } from './ramp.ts';
import { RateLimit, type LimitReadings } from './rate-limit.ts';
import type { GateStop, RouteOptions, RouteStats } from './types.ts';

/** What calls count in the order of service: each one, and its tokens. */
const TOKENS_PER_COST = 1_000;

export const costOf = (tokens: number): number => 1 + tokens / TOKENS_PER_COST;

export class Lane {
  readonly name: string;
  readonly model: ChatModel;
  readonly fallbacks: readonly string[];
  readonly queue: FairQueue<Call>;
  readonly breaker: Breaker;
  readonly estimator = new Estimator();
  readonly limit: InFlightLimit;
  readonly rate: RateLimit;
  readonly #ramp = new Ramp();
  readonly #clock: Clock;
  readonly #pump: (lane: Lane) => void;
  #coolDownUntilMs = 0;
  #timer: TimerHandle | null = null;
  #timerDueMs = 0;
  /** The last refusal was that of a window that is used up, which is known when it begins anew. */
  #usedUp = false;
  inFlight = 0;
  /** When somebody was answered last. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** Why nothing goes this way any more. */
  disabled: GateStop | null = null;

  constructor(
    options: RouteOptions,
    parts: { settings: Settings; clock: Clock; random: Random; pump: (lane: Lane) => void },
  ) {
    const { settings } = parts;
    this.name = options.name;
    this.model = options.model;
    this.fallbacks = options.fallbacks ?? [];
    this.queue = new FairQueue<Call>(settings.ageMs);
    this.limit = new InFlightLimit(options.inFlightMax);
    this.rate = new RateLimit(options.rateLimits);
    this.breaker = new Breaker(
      {
        failuresMax: settings.circuitFailuresMax,
        openMs: settings.circuitOpenMs,
        openMaxMs: settings.circuitOpenMaxMs,
      },
      parts.random,
    );
    this.#clock = parts.clock;
    this.#pump = parts.pump;
  }

  /** Whether calls should come this way. */
  get usable(): boolean {
    return this.disabled === null && this.breaker.state === 'closed';
  }

  /** 0: a call may go now, if the windows have room; else how long to wait, Infinity: until something happens. */
  holdMs(nowMs: number): number {
    if (this.inFlight >= Math.min(this.limit.calls, this.#ramp.calls)) return Number.POSITIVE_INFINITY;
    return Math.max(this.#coolDownUntilMs - nowMs, this.breaker.waitMs(nowMs), 0);
  }

  /** Looks again after `waitMs`, if nothing leads to that before. */
  wakeAfter(waitMs: number): void {
    if (!Number.isFinite(waitMs)) return;
    const dueMs = this.#clock.monotonic() + waitMs;
    if (this.#timer !== null && this.#timerDueMs <= dueMs) return;
    this.sleep();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(
      waitMs,
      () => {
        this.#timer = null;
        this.#pump(this);
      },
      { keepAlive: true },
    );
  }

  /** Looks no more by itself. */
  sleep(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Nobody sends anything for so long. @returns whether that is news */
  coolDown(waitMs: number): boolean {
    const nowMs = this.#clock.monotonic();
    const already = this.#coolDownUntilMs > nowMs;
    this.#coolDownUntilMs = Math.max(this.#coolDownUntilMs, nowMs + waitMs);
    this.#ramp.begin(this.#usedUp);
    this.#usedUp = false;
    return !already;
  }

  /** @returns whether an outage is over with it */
  answered(flight: Flight, agent: Call, usage: TokenUsage, readings: LimitReadings | null, starts: number): boolean {
    const nowMs = this.#clock.monotonic();
    const { estimate, ticket } = flight;
    this.answeredAt = nowMs;
    // It has landed already, and counts.
    this.limit.answered(this.inFlight + 1);
    this.#ramp.answered(this.queue.size, this.inFlight);
    this.rate.settle(ticket, workOf(usage));
    if (readings !== null) this.rate.observe(ticket, readings, nowMs);
    this.estimator.learn(agent, estimate, usage);
    this.queue.correct(agent, costOf(workOf(usage)) - flight.cost);
    return this.#lives(starts);
  }

  /** The server said that it is asked too much. @returns whether an outage is over with it */
  refused(flight: Flight, call: Call, readings: LimitReadings | null, starts: number): boolean {
    const nowMs = this.#clock.monotonic();
    this.#usedUp = this.rate.refused(flight.ticket, readings, nowMs);
    if (!this.#usedUp) this.limit.pressed(flight.start, starts, this.inFlight + 1);
    if (readings !== null) this.rate.observe(flight.ticket, readings, nowMs);
    this.#notServed(call, flight);
    return this.#lives(starts);
  }

  /** Nobody has worked for it. */
  #notServed(call: Call, flight: Flight): void {
    this.queue.correct(call, -flight.cost);
  }

  /** The server answered with an error that says nothing about the server. @returns whether an outage is over with it */
  #lives(starts: number): boolean {
    const over = this.breaker.answered(starts);
    if (over) this.#ramp.begin();
    return over;
  }

  /** The server, or the way to it, failed. @returns whether the circuit opened, or stays open, because of it */
  failed(flight: Flight, call: Call, timedOut: boolean, starts: number): boolean {
    // Of what took too long nobody knows what it has cost the server.
    if (timedOut) this.limit.pressed(flight.start, starts, this.inFlight + 1);
    else this.#notServed(call, flight);
    this.rate.settle(flight.ticket, 0);
    return this.breaker.failed(flight.start, this.#clock.monotonic());
  }

  /** The request came to an end that says only that the server lives (`lives`), or nothing at all. */
  ended(flight: Flight, lives: boolean, starts: number): boolean {
    this.rate.settle(flight.ticket, 0);
    if (lives) return this.#lives(starts);
    this.breaker.givenUp(flight.start, this.#clock.monotonic());
    return false;
  }

  estimate(call: Call): Estimate {
    return this.estimator.estimate(call.request);
  }

  stats(): RouteStats {
    return {
      route: this.name,
      circuit: this.disabled === null ? this.breaker.state : 'disabled',
      inFlight: this.inFlight,
      limit: Number.isFinite(this.limit.calls) ? this.limit.calls : null,
      queued: this.queue.size,
      coolDownMs: Math.max(0, Math.ceil(this.#coolDownUntilMs - this.#clock.monotonic())),
      requestsPerWindow: this.rate.requests,
      tokensPerWindow: this.rate.tokens,
    };
  }
}
