/** A clock that moves only when told to. */
import type { Clock, TimerHandle } from '../../../src/platform/index.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #time = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  now = (): number => 1_700_000_000_000 + this.#time;
  monotonic = (): number => this.#time;

  after = (delayMs: number, callback: () => void): TimerHandle => {
    this.#order += 1;
    const timer = { at: this.#time + Math.max(delayMs, 0), order: this.#order, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  };

  every = (): TimerHandle => {
    throw new Error('not needed');
  };

  soon = (callback: () => void): void => queueMicrotask(callback);

  sleep = (delayMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const timer = this.after(delayMs, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason as Error);
      });
    });

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets promises settle. */
  static async settle(this: void): Promise<void> {
    for (let round = 0; round < 20; round += 1) await Promise.resolve();
  }

  /** Moves on by `byMs`, timer after timer. */
  async advance(byMs: number): Promise<void> {
    const until = this.#time + byMs;
    await ManualClock.settle();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#time = Math.max(this.#time, next.at);
      next.callback();
      await ManualClock.settle();
    }
    this.#time = until;
  }
}
