/**
 * The order of one store's transactions: what is asked for waits here, in the order of the calls, until the store's next
 * commit. It knows nothing of what the transactions do. How much may wait is limited by the clients.
 *
 * Invariants: K1 transactions of a store happen in the order in which they were asked for. K2 nobody is told of a
 * transaction before it has happened (J1). K3 a crash lets some of what waits happen, from the front on, and tells nobody.
 */
import type { Clock } from '../../platform/index.ts';

export interface Transaction {
  /** Changes the store, or throws and has changed nothing. @returns what is to be done once it is committed */
  readonly run: () => () => void;
  /** Told what `run` threw. */
  readonly refused: (error: unknown) => void;
}

export class CommitQueue {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  #waiting: Transaction[] = [];
  #crashed = false;

  /** @param delayMs how long the next commit takes; 0: until the next turn of the event loop */
  constructor(clock: Clock, delayMs: () => number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(transaction: Transaction): void {
    if (this.#crashed) return;
    this.#waiting.push(transaction);
    if (this.#waiting.length > 1) return;
    const delayMs = this.#delayMs();
    if (delayMs > 0) this.#clock.after(delayMs, () => this.#commit());
    else this.#clock.soon(() => this.#commit());
  }

  /** The process ends: `kept` of the waiting transactions still happen. */
  crash(kept: number): void {
    const waiting = this.#waiting.splice(0);
    this.#crashed = true;
    for (const { run } of waiting.slice(0, kept)) {
      try {
        run();
      } catch {
        // Refused, and nobody is left to be told.
      }
    }
  }

  #commit(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    const told = batch.map(({ run, refused }) => {
      try {
        return run();
      } catch (error) {
        return () => refused(error);
      }
    });
    for (const tell of told) tell();
  }
}
