/**
 * The requests on the wire: each has an end exactly once, by its answer, its failure, the deadline of its call or the
 * drain. What it does not do: decide what an end means (`gate.ts`).
 */
import type { Clock } from '../../platform/index.ts';
import { MegactorError, toMegactorError } from '../../protocol/errors.ts';
import type { CallHooks, ChatAnswer } from '../types.ts';
import type { Call, Flight } from './call.ts';
import type { Lane } from './lane.ts';
import type { LimitReadings } from './rate-limit.ts';

export interface Landing {
  readonly call: Call;
  readonly lane: Lane;
  readonly flight: Flight;
}

export interface FlightEnds {
  answered(landing: Landing, answer: ChatAnswer, readings: LimitReadings | null): void;
  failed(landing: Landing, error: MegactorError): void;
  /** Called with the effect id when the request leaves for the server. */
  readonly onSent: ((effectId: string) => void) | undefined;
}

export class Flights {
  readonly #clock: Clock;
  readonly #ends: FlightEnds;
  #whenIdle: (() => void) | null = null;
  /** Requests sent since the gate began. */
  starts = 0;
  inFlight = 0;

  constructor(clock: Clock, ends: FlightEnds) {
    this.#clock = clock;
    this.#ends = ends;
  }

  send(call: Call, lane: Lane, granted: Pick<Flight, 'estimate' | 'grant' | 'cost'>): void {
    const startedAt = this.#clock.monotonic();
    this.starts += 1;
    call.state = 'flying';
    call.attempts += 1;
    if (call.attempts === 1) call.firstSentAt = startedAt;
    const flight: Flight = {
      ...granted,
      start: this.starts,
      startedAt,
      ticket: lane.rate.take(granted.estimate.work, startedAt, granted.estimate.spread),
      controller: new AbortController(),
      tries: lane.breaker.state === 'open',
    };
    lane.breaker.sent(flight.start);
    const landing: Landing = { call, lane, flight };
    call.flight = flight;
    call.timer = this.#clock.after(call.deadlineMs - call.wireMs, () => this.#tooLate(landing), { keepAlive: true });
    this.inFlight += 1;
    lane.inFlight += 1;
    let readings: LimitReadings | null = null;
    const hooks = this.#hooksOf(landing, (seen) => {
      readings = seen;
    });
    lane.model.complete(call.request, flight.controller.signal, hooks).then(
      (answer) => {
        if (this.#lands(landing)) this.#ends.answered(landing, answer, readings);
      },
      (thrown: unknown) => {
        if (this.#lands(landing)) this.#ends.failed(landing, toMegactorError(thrown, 'MODEL_SERVER'));
      },
    );
  }

  /** Cuts the request of `call` off, if it has one. @returns what it was */
  cut(call: Call, lane: Lane): Flight | null {
    const { flight } = call;
    if (flight === null) return null;
    flight.controller.abort();
    this.#lands({ call, lane, flight });
    return flight;
  }

  /** Resolves when nothing is on the wire, or after `deadlineMs`. */
  idle(deadlineMs: number): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(deadlineMs, resolve, { keepAlive: true });
      this.#whenIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #tooLate(landing: Landing): void {
    const { call, flight } = landing;
    flight.controller.abort();
    const text = `no answer within ${call.deadlineMs} ms and ${call.attempts} requests`;
    if (this.#lands(landing)) this.#ends.failed(landing, new MegactorError('MODEL_TIMEOUT', text));
  }

  /** The request is over, one way or the other; the call itself may go on. @returns whether it had not been over before */
  #lands({ call, lane, flight }: Landing): boolean {
    if (call.flight !== flight) return false;
    call.flight = null;
    call.timer?.cancel();
    call.timer = null;
    call.wireMs += this.#clock.monotonic() - flight.startedAt;
    this.inFlight -= 1;
    lane.inFlight -= 1;
    if (this.inFlight === 0) this.#whenIdle?.();
    return true;
  }

  #hooksOf({ call, lane, flight }: Landing, onLimits: (readings: LimitReadings) => void): CallHooks {
    const { key } = call;
    const { onSent } = this.#ends;
    const listens = [...call.waiters].some((waiter) => waiter.onDelta !== undefined);
    return {
      onLimits,
      onSent: () => {
        lane.rate.left(flight.ticket, this.#clock.monotonic());
        if (key !== null) onSent?.(key);
      },
      ...(listens ? { onDelta: (text: string) => call.waiters.forEach((waiter) => waiter.onDelta?.(text)) } : {}),
    };
  }
}
