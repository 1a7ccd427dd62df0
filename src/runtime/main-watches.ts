/**
 * The watches of the main thread: one subscription per actor at its shard, any number of waiters here. A wish that an
 * actor stops is kept with them until it has, because it may die with a thread (A6).
 */
import type { ActorRef } from '../actor/index.ts';
import { toMegactorError } from '../protocol/errors.ts';
import { isCanary } from '../platform/index.ts';
import { MAIN_SHARD } from '../protocol/ids.ts';
import type { Envelope } from './envelope.ts';

/** How an actor ended. */
export interface Ended {
  readonly reason: string;
  /** The state that a durable actor had committed when it failed for good. */
  readonly last?: unknown;
}

interface Watched {
  readonly shard: number;
  /** They are as many as wait: one whose signal is aborted is taken out. */
  readonly waiters: Set<(ended: Ended) => void>;
  /** It was told to stop. */
  stops: boolean;
}

export class MainWatches {
  readonly #send: (envelope: Envelope) => boolean;
  readonly #watched = new Map<number, Watched>();

  constructor(send: (envelope: Envelope) => boolean) {
    this.#send = send;
  }

  /** Resolves when the actor has stopped. @throws ABORTED */
  watch(ref: ActorRef, signal?: AbortSignal): Promise<Ended> {
    if (signal?.aborted === true) return Promise.reject(toMegactorError(signal.reason, 'ABORTED'));
    return new Promise((resolve, reject) => {
      const waiter = (ended: Ended): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(ended);
      };
      const onAbort = (): void => {
        this.#leave(ref.id, waiter);
        reject(toMegactorError(signal?.reason, 'ABORTED'));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#look(ref, waiter);
    });
  }

  /** Tells the actor to stop, and whoever takes its place when its thread dies before it has. */
  stop(ref: ActorRef): void {
    const watched = this.#look(ref);
    if (watched === undefined) return;
    watched.stops = true;
    this.#tellStop(ref.id, ref.shard);
  }

  terminated(id: number, reason: string, last?: unknown): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    for (const resolve of watched?.waiters ?? []) resolve(last === undefined ? { reason } : { reason, last });
  }

  /** These shards run again on another thread and know nothing of who watched: those that are gone say so now. */
  renew(shards: ReadonlySet<number>): void {
    for (const [id, { shard, stops }] of this.#watched) {
      if (!shards.has(shard) || isCanary('watch-unsettled')) continue;
      this.#subscribe(id, shard);
      if (stops) this.#tellStop(id, shard);
    }
  }

  /** These shards will not run again. */
  lost(shards: ReadonlySet<number>): void {
    for (const [id, { shard }] of this.#watched) if (shards.has(shard)) this.terminated(id, 'HOST_DIED');
  }

  /** The system has stopped, and every actor with it. */
  end(): void {
    for (const id of this.#watched.keys()) this.terminated(id, 'the system was stopped');
  }

  /** Undefined when its shard is gone. */
  #look({ id, shard }: ActorRef, waiter?: (ended: Ended) => void): Watched | undefined {
    const known = this.#watched.get(id);
    const watched: Watched = known ?? { shard, waiters: new Set(), stops: false };
    if (waiter !== undefined) watched.waiters.add(waiter);
    if (known !== undefined) return known;
    this.#watched.set(id, watched);
    this.#subscribe(id, shard);
    return this.#watched.get(id);
  }

  /** Its shard may still say that the actor has stopped; nobody hears it. */
  #leave(id: number, waiter: (ended: Ended) => void): void {
    const watched = this.#watched.get(id);
    if (watched === undefined || !watched.waiters.delete(waiter)) return;
    if (watched.waiters.size === 0 && !watched.stops) this.#watched.delete(id);
  }

  #tellStop(to: number, shard: number): void {
    const signal = { kind: 'stop', reason: 'stopped by the main thread' } as const;
    const from = { shard, id: to, name: '' };
    this.#send({ kind: 'signal', shard, source: MAIN_SHARD, to, from, signal, seq: -1 });
  }

  #subscribe(to: number, shard: number): void {
    if (this.#send({ kind: 'watch', shard, source: MAIN_SHARD, to, watcher: null, as: 'watcher' })) return;
    this.terminated(to, 'HOST_DIED');
  }
}
