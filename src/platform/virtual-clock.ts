/**
 * Time that passes only when its owner says so: from a fixed moment, in whole milliseconds, from timer to timer. For
 * runs that are to repeat to the last bit. What it does not do: decide when nothing else can happen; its owner does, or,
 * when it is self-driven, the event loop having gone round.
 *
 * Invariants: V1 Timers fire in the order of their times, those of one time in the order in which they were set. V2 Every
 * moment and every delay is a whole number, so that differences do not depend on how late it is. V3 A periodic timer
 * never makes time pass; it fires when something else has.
 */
import { sleepOf, systemClock, type Clock, type TimerHandle } from './clock.ts';

/** 2000-01-01T00:00:00Z: where virtual time begins. */
export const VIRTUAL_EPOCH_MS = 946_684_800_000;

interface Timer {
  readonly dueMs: number;
  readonly periodic: boolean;
  readonly callback: () => void;
  /** Set once the clock follows the real one. */
  real: TimerHandle | null;
}

export interface VirtualClockOptions {
  /** Where `soon` comes from, and time itself after `follow`. Default: the process's own. */
  readonly real?: Clock;
  /** Goes on to the next timer by itself whenever the event loop has gone round. */
  readonly selfDriven?: boolean;
}

export class VirtualClock implements Clock {
  readonly #real: Clock;
  readonly #selfDriven: boolean;
  /** By time, then in the order in which they were set. */
  readonly #timers: Timer[] = [];
  #nowMs = VIRTUAL_EPOCH_MS;
  #scheduled = false;
  /** The real clock's reading when this one began to follow it. */
  #followsFrom: number | null = null;

  constructor(options: VirtualClockOptions = {}) {
    this.#real = options.real ?? systemClock;
    this.#selfDriven = options.selfDriven ?? false;
  }

  readonly now = (): number =>
    this.#followsFrom === null ? this.#nowMs : this.#nowMs + Math.floor(this.#real.monotonic() - this.#followsFrom);

  readonly monotonic = (): number => this.now() - VIRTUAL_EPOCH_MS;

  readonly after = (delayMs: number, callback: () => void): TimerHandle => this.#set(delayMs, callback, false);

  readonly every = (periodMs: number, callback: () => void): TimerHandle => {
    let cancelled = false;
    let timer: TimerHandle | null = null;
    const arm = (): void => {
      timer = this.#set(Math.max(1, periodMs), fire, true);
    };
    const fire = (): void => {
      callback();
      if (!cancelled) arm();
    };
    arm();
    return {
      cancel: () => {
        cancelled = true;
        timer?.cancel();
      },
    };
  };

  readonly soon = (callback: () => void): void => this.#real.soon(callback);

  readonly sleep = sleepOf(this.after);

  /** Lets time pass; whatever falls due on the way fires at its own moment. */
  advance(ms: number): void {
    if (this.#followsFrom !== null) return;
    const until = this.#nowMs + Math.ceil(ms);
    for (let next = this.#timers[0]; next !== undefined && next.dueMs <= until; next = this.#timers[0]) {
      this.#fire(next);
    }
    this.#nowMs = Math.max(this.#nowMs, until);
  }

  /** Goes on to the next timer that is not periodic. False when there is none. */
  jump(): boolean {
    const next = this.#timers.find((timer) => !timer.periodic);
    if (next === undefined || this.#followsFrom !== null) return false;
    this.advance(next.dueMs - this.#nowMs);
    return true;
  }

  /** From here on time passes as it does outside: for an owner that comes to its end and repeats no more. */
  follow(): void {
    if (this.#followsFrom !== null) return;
    this.#followsFrom = this.#real.monotonic();
    for (const timer of this.#timers) this.#setReal(timer);
  }

  #set(delayMs: number, callback: () => void, periodic: boolean): TimerHandle {
    const dueMs = this.now() + Math.ceil(Math.max(0, delayMs));
    const timer: Timer = { dueMs, periodic, callback, real: null };
    const behind = this.#timers.findIndex((other) => other.dueMs > dueMs);
    this.#timers.splice(behind === -1 ? this.#timers.length : behind, 0, timer);
    if (this.#followsFrom !== null) this.#setReal(timer);
    else if (this.#selfDriven) this.#drive();
    return { cancel: () => this.#remove(timer) };
  }

  #setReal(timer: Timer): void {
    timer.real = this.#real.after(timer.dueMs - this.now(), () => {
      // Timers of the process count in another rhythm and may come a part of a millisecond early.
      if (this.now() < timer.dueMs) return this.#setReal(timer);
      this.#remove(timer);
      timer.callback();
    });
  }

  #remove(timer: Timer): void {
    timer.real?.cancel();
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  #fire(timer: Timer): void {
    this.#remove(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.callback();
  }

  /** One timer per round of the event loop, so that what it led to is there before the next. */
  #drive(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#real.soon(() => {
      this.#scheduled = false;
      if (this.jump()) this.#drive();
    });
  }
}
