/**
 * The calls that have not settled, and who waits for them: by effect id, so that a repetition joins its call, and by
 * content, so that identical calls share one request. Keeps answers until their step is journaled. What it does not do:
 * queue or send calls (`gate.ts`).
 *
 * 1. At most one open call per effect id, and per content at temperature 0.
 * 2. A call settles once; every waiter is told then, and its listener detached.
 * 3. Of those that share a request one is told what it cost; the others that it cost nothing.
 */
import { MegactorError, toMegactorError } from '../../protocol/errors.ts';
import type { ChatAnswer } from '../types.ts';
import type { Call, Waiter } from './call.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { GateCall, GateOptions } from './types.ts';

export const aborted = (): MegactorError => new MegactorError('ABORTED', 'the model call was cancelled');

/** The answer for those that share a request which another call pays for. */
export const shareOf = (answer: ChatAnswer): ChatAnswer => ({
  ...answer,
  usage: { ...answer.usage, input: 0, cachedInput: 0, output: 0 },
  attempts: 0,
});

export class OpenCalls {
  readonly #calls = new Set<Call>();
  readonly #byKey = new Map<string, Call>();
  /** Until they land: an answer that is there is no longer one to share. */
  readonly #byTwin = new Map<string, Call>();
  readonly #kept: KeptAnswers;
  readonly #storing = new Set<Promise<void>>();

  constructor(keepMax: number) {
    this.#kept = new KeptAnswers(keepMax);
  }

  get size(): number {
    return this.#calls.size;
  }

  get keptSize(): number {
    return this.#kept.size;
  }

  /** A copy: calls may settle while it is gone through. */
  all(): Call[] {
    return [...this.#calls];
  }

  byKey(key: string | null): Call | undefined {
    return key === null ? undefined : this.#byKey.get(key);
  }

  byTwin(twin: string | null): Call | undefined {
    return twin === null ? undefined : this.#byTwin.get(twin);
  }

  kept(key: string | null): ChatAnswer | undefined {
    return key === null ? undefined : this.#kept.get(key);
  }

  release(keys: readonly string[]): void {
    this.#kept.release(keys);
  }

  add(call: Call): void {
    this.#calls.add(call);
    if (call.key !== null) this.#byKey.set(call.key, call);
    if (call.twin !== null) this.#byTwin.set(call.twin, call);
  }

  /**
   * Waits for `call` as long as the signal lets it.
   * @param onForsaken the last one that waited has gone
   */
  wait(call: Call, { effectId, signal, onDelta }: GateCall, onForsaken: () => void): Promise<ChatAnswer> {
    if (effectId !== null) this.#byKey.set(effectId, call);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        call.waiters.delete(waiter);
        waiter.detach();
        reject(aborted());
        if (call.waiters.size === 0) onForsaken();
      };
      const detach = (): void => signal.removeEventListener('abort', onAbort);
      const waiter: Waiter = { key: effectId, resolve, reject, detach, onDelta };
      call.waiters.add(waiter);
      call.keys.add(effectId);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Its answer is there: identical calls from now on send their own. */
  landed(call: Call): void {
    if (call.twin !== null) this.#byTwin.delete(call.twin);
  }

  /** Effect ids of others that share the request of `call`, also of those that have gone away since. */
  sharers(call: Call): string[] {
    return [...call.keys].filter((key): key is string => key !== null && key !== call.key);
  }

  /** Keeps the answer for good, under the effect id of everybody who shares it, then hands it out. */
  store(call: Call, answer: ChatAnswer, onAnswer: GateOptions['onAnswer']): void {
    const sharers = this.sharers(call);
    if (onAnswer === undefined || (call.key === null && sharers.length === 0)) {
      this.hand(call, answer);
      return;
    }
    call.state = 'storing';
    const share = shareOf(answer);
    const writes = sharers.map((key) => onAnswer(key, share, call.request));
    if (call.key !== null) writes.push(onAnswer(call.key, answer, call.request));
    const stored: Promise<void> = Promise.all(writes)
      .then(
        () => this.hand(call, answer),
        (error: unknown) => this.settle(call, (waiter) => waiter.reject(toMegactorError(error, 'DISK'))),
      )
      .finally(() => this.#storing.delete(stored));
    this.#storing.add(stored);
  }

  /** Resolves when every answer that is there is kept for good. */
  async stored(): Promise<void> {
    await Promise.all(this.#storing);
  }

  /** Gives everybody the answer, and keeps it for who asks again. */
  hand(call: Call, answer: ChatAnswer): void {
    const share = shareOf(answer);
    if (call.key !== null) this.#kept.keep(call.key, answer);
    for (const key of this.sharers(call)) this.#kept.keep(key, share);
    let paid = false;
    this.settle(call, (waiter) => {
      // Without an effect id nobody can tell repetitions from sharers: the first one pays.
      const pays = waiter.key === call.key && (call.key !== null || !paid);
      paid ||= pays;
      waiter.resolve(pays ? answer : share);
    });
  }

  settle(call: Call, tell: (waiter: Waiter) => void): void {
    call.state = 'settled';
    call.timer?.cancel();
    call.timer = null;
    this.landed(call);
    this.#calls.delete(call);
    for (const key of call.keys) if (key !== null) this.#byKey.delete(key);
    if (call.key !== null) this.#byKey.delete(call.key);
    for (const waiter of call.waiters) {
      waiter.detach();
      tell(waiter);
    }
    call.waiters.clear();
  }
}
