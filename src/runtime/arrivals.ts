/** Counts what arrives from other threads and acknowledges it, so that its senders get their credit back. */
import { isCanary, type Clock, type TimerHandle } from '../platform/index.ts';
import { CREDIT_BATCH } from './credit-book.ts';
import type { CreditEnvelope } from './envelope.ts';

/** An acknowledgement of few envelopes waits this long for more. */
const CREDIT_DELAY_MS = 20;

export class Arrivals {
  readonly #clock: Clock;
  readonly #shard: number;
  /** Not through the counting of the shard's own sends: an acknowledgement needs no credit. */
  readonly #send: (credit: CreditEnvelope) => void;
  readonly #counts = new Map<number, number>();
  #timer: TimerHandle | null = null;

  constructor(clock: Clock, shard: number, send: (credit: CreditEnvelope) => void) {
    this.#clock = clock;
    this.#shard = shard;
    this.#send = send;
  }

  /** @param source the shard that sent the envelope */
  count(source: number): void {
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    if (count >= CREDIT_BATCH) this.#acknowledge(source, count);
    else this.#timer ??= this.#clock.after(CREDIT_DELAY_MS, () => this.#acknowledgeAll());
  }

  /** They died: nobody wants their credit back. */
  forget(sources: ReadonlySet<number>): void {
    for (const source of sources) this.#counts.delete(source);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #acknowledgeAll(): void {
    this.#timer = null;
    for (const [source, count] of this.#counts) this.#acknowledge(source, count);
  }

  #acknowledge(source: number, count: number): void {
    this.#counts.delete(source);
    const credited = isCanary('leaked-credit') ? count - 1 : count;
    this.#send({ kind: 'credit', shard: source, source: this.#shard, count: credited });
  }
}
