/** A clock that stands still until it is told to go on, and runs `soon` callbacks only when asked. */
import type { Clock, TimerHandle } from '../../src/platform/index.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #now: number;
  /** How far the wall clock was set forward (or back) since the start. */
  #wallMs = 0;
  #order = 0;
  #soon: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  constructor(nowMs = 1_000_000) {
    this.#now = nowMs;
  }

  now = (): number => this.#now + this.#wallMs;
  monotonic = (): number => this.#now;

  after = (delayMs: number, callback: () => void): TimerHandle => {
    const timer = { at: this.#now + delayMs, order: (this.#order += 1), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  };

  every = (periodMs: number, callback: () => void): TimerHandle => {
    let timer = this.after(periodMs, () => undefined);
    const arm = (): void => {
      timer = this.after(periodMs, () => {
        arm();
        callback();
      });
    };
    timer.cancel();
    arm();
    return { cancel: () => timer.cancel() };
  };

  soon = (callback: () => void): void => {
    this.#soon.push(callback);
  };

  sleep = (delayMs: number): Promise<void> => new Promise((resolve) => void this.after(delayMs, resolve));

  /** Somebody sets the wall clock; no time passes. */
  setWallClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Time passes while the process is suspended: what became due meanwhile is late. */
  skip(ms: number): void {
    this.#now += ms;
  }

  /** Callbacks that wait for their time. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Runs some of what can run, and leaves the rest under way. */
  async some(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      for (const callback of this.#soon.splice(0)) callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Runs everything that can run without time passing, promises included. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let round = 0; round < 200; round += 1) {
      quiet = (await this.round()) ? 0 : quiet + 1;
      if (quiet > 3) return;
    }
    throw new Error('the shard does not come to rest');
  }

  /** Runs what is due now, and lets the event loop turn once. False when nothing was and nothing is due. */
  async round(): Promise<boolean> {
    const due = this.#soon;
    this.#soon = [];
    for (const callback of due) callback();
    for (let tick = 0; tick < 10; tick += 1) await Promise.resolve();
    // Modules load on the real event loop.
    await new Promise((resolve) => setImmediate(resolve));
    return this.#soon.length > 0 || due.length > 0;
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = [...this.#timers]
        .filter((timer) => timer.at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await this.settle();
    }
    this.#now = until;
    await this.settle();
  }
}
