/**
 * How late a thread's event loop is: what a timer's callback comes after its time; and how much of that is its own doing: the
 * processor time of the thread from one look to the next. Takes its own samples only.
 */
import { systemClock, type Clock } from '../../src/platform/index.ts';
import { threadMicros } from '../harness/proc.ts';

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
  readonly #work: number[] = [];
  #usedMicros = threadMicros();
  #stopped = false;

  /** @param look called with every sample; what it takes counts as lateness of the sample */
  constructor(everyMs: number, look: () => void = () => {}, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#look = look;
    this.#next();
  }

  /** 99th percentiles in milliseconds; the work is null where a thread's processor time is not told. */
  stop(): { readonly lateMs: number; readonly workMs: number | null } {
    this.#stopped = true;
    return { lateMs: percentile99(this.#samples), workMs: this.#usedMicros === null ? null : percentile99(this.#work) };
  }

  #next(): void {
    const dueMs = this.#clock.monotonic() + this.#everyMs;
    this.#clock.after(this.#everyMs, () => {
      if (this.#stopped) return;
      this.#look();
      this.#samples.push(Math.max(0, this.#clock.monotonic() - dueMs));
      const usedMicros = threadMicros();
      this.#work.push(((usedMicros ?? 0) - (this.#usedMicros ?? 0)) / 1_000);
      this.#usedMicros = usedMicros;
      this.#next();
    });
  }
}
