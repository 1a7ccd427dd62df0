/**
 * A clock whose time passes only when nothing else is to be done: what waits for milliseconds takes none, and happens in
 * the order of its times. Nothing depends on the speed of the machine.
 */
import type { Clock, TimerHandle } from '../../../src/platform/index.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

export class AutoClock implements Clock {
  #now = 1_000_000;
  #order = 0;
  #soon = 0;
  #looking = false;
  readonly #timers = new Set<Timer>();

  now = (): number => this.#now;
  monotonic = (): number => this.#now;

  after = (delayMs: number, callback: () => void): TimerHandle => {
    const timer = { at: this.#now + delayMs, order: (this.#order += 1), callback };
    this.#timers.add(timer);
    this.#look();
    return { cancel: () => void this.#timers.delete(timer) };
  };

  every = (): TimerHandle => {
    throw new Error('a clock whose time passes by itself would never rest');
  };

  soon = (callback: () => void): void => {
    this.#soon += 1;
    setImmediate(() => {
      this.#soon -= 1;
      callback();
    });
  };

  sleep = (delayMs: number): Promise<void> => new Promise((resolve) => void this.after(delayMs, resolve));

  #look(): void {
    if (this.#looking || this.#timers.size === 0) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      if (this.#soon === 0) this.#fireNext();
      this.#look();
    });
  }

  #fireNext(): void {
    const [next] = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order);
    if (next === undefined) return;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
  }
}
