/**
 * The asks that one shard (or the main thread) waits for. Every entry is settled exactly once: by a reply, by its
 * deadline, by its signal, or because the other side died (A5, A6).
 */
import { isCanary, type Clock, type TimerHandle } from '../platform/index.ts';
import { errorFromWire, MegactorError, toMegactorError, type ErrorWire } from '../protocol/errors.ts';

export const ASK_DEADLINE_MS = 5_000;

interface Entry {
  /** The shard that owes the answer. */
  readonly shard: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: MegactorError) => void;
  readonly timer: TimerHandle;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
}

const NOTHING = (): void => undefined;

export class AskTable {
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  #last: number;

  /** @param base numbers start above it, so that a replaced thread never reads an answer to its predecessor. */
  constructor(clock: Clock, base = 0) {
    this.#clock = clock;
    this.#last = base;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * @param send gets the number of the ask; not called when the signal is aborted already
   * @throws ASK_TIMEOUT, ABORTED, and what the other side answers, from the promise
   */
  open(
    shard: number,
    deadlineMs: number,
    what: string,
    send: (ask: number) => void,
    signal?: AbortSignal,
  ): Promise<unknown> {
    if (signal?.aborted === true) return Promise.reject(toMegactorError(signal.reason, 'ABORTED'));
    return new Promise((resolve, reject) => {
      this.#last += 1;
      const ask = this.#last;
      const timer = this.#clock.after(deadlineMs, () => {
        this.#take(ask);
        reject(new MegactorError('ASK_TIMEOUT', `${what} got no reply within ${deadlineMs} ms`));
      });
      const onAbort =
        signal === undefined
          ? NOTHING
          : () => {
              this.#take(ask);
              reject(toMegactorError(signal.reason, 'ABORTED'));
            };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#entries.set(ask, { shard, resolve, reject, timer, signal, onAbort });
      send(ask);
    });
  }

  /** Answers nobody waits for any more are ignored. */
  settle(ask: number, value: unknown, error: ErrorWire | null): void {
    const entry = this.#take(ask);
    if (entry === undefined) return;
    if (error === null) entry.resolve(value);
    else entry.reject(errorFromWire(error));
  }

  /** Rejects whatever `owes` says the shard will not answer any more. */
  rejectWhere(owes: (shard: number) => boolean, error: () => MegactorError): void {
    for (const [ask, entry] of this.#entries) {
      if (!owes(entry.shard)) continue;
      this.#take(ask);
      entry.reject(error());
    }
  }

  #take(ask: number): Entry | undefined {
    const entry = this.#entries.get(ask);
    if (entry === undefined) return undefined;
    if (!isCanary('kept-ask')) this.#entries.delete(ask);
    entry.timer.cancel();
    entry.signal?.removeEventListener('abort', entry.onAbort);
    return entry;
  }
}
