/** How late a thread's event loop is: what a timer's callback comes after its time. Takes its own samples only. */
import { systemClock, type Clock } from '../../src/platform/index.ts';

/** The value that 99 of 100 do not exceed. @param values at least one */
export const percentile99 = (values: readonly number[]): number => {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.ceil(sorted.length * 0.99) - 1];
  if (value === undefined) throw new RangeError('there is nothing to take a percentile of');
  return value;
};

export class Lateness {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #look: () => void;
  readonly #samples: number[] = [];
  #stopped = false;

  /** @param look called with every sample; what it takes counts as lateness of the sample */
  constructor(everyMs: number, look: () => void = () => {}, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#look = look;
    this.#next();
  }

  /** The 99th percentile of the lateness, in milliseconds. */
  stop(): number {
    this.#stopped = true;
    return percentile99(this.#samples);
  }

  #next(): void {
    const dueMs = this.#clock.monotonic() + this.#everyMs;
    this.#clock.after(this.#everyMs, () => {
      if (this.#stopped) return;
      this.#look();
      this.#samples.push(Math.max(0, this.#clock.monotonic() - dueMs));
      this.#next();
    });
  }
}
