/** The watches of the main thread: one subscription per actor at its shard, any number of waiters here. */
import type { ActorRef } from '../actor/index.ts';
import { MAIN_SHARD } from '../protocol/ids.ts';
import type { Envelope } from './envelope.ts';

interface Watched {
  readonly shard: number;
  readonly waiters: ((reason: string) => void)[];
}

export class MainWatches {
  readonly #send: (envelope: Envelope) => boolean;
  readonly #watched = new Map<number, Watched>();

  constructor(send: (envelope: Envelope) => boolean) {
    this.#send = send;
  }

  /** Resolves with the reason when the actor has stopped. */
  watch(ref: ActorRef): Promise<string> {
    return new Promise((resolve) => {
      const watched = this.#watched.get(ref.id);
      if (watched !== undefined) {
        watched.waiters.push(resolve);
        return;
      }
      this.#watched.set(ref.id, { shard: ref.shard, waiters: [resolve] });
      this.#subscribe(ref.id, ref.shard);
    });
  }

  terminated(id: number, reason: string): void {
    const watched = this.#watched.get(id);
    this.#watched.delete(id);
    for (const resolve of watched?.waiters ?? []) resolve(reason);
  }

  /** These shards run again on another thread and know nothing of who watched: those that are gone say so now. */
  renew(shards: ReadonlySet<number>): void {
    for (const [id, { shard }] of this.#watched) if (shards.has(shard)) this.#subscribe(id, shard);
  }

  /** These shards will not run again. */
  lost(shards: ReadonlySet<number>): void {
    for (const [id, { shard }] of this.#watched) if (shards.has(shard)) this.terminated(id, 'HOST_DIED');
  }

  /** The system has stopped, and every actor with it. */
  end(): void {
    for (const id of this.#watched.keys()) this.terminated(id, 'the system was stopped');
  }

  #subscribe(to: number, shard: number): void {
    if (this.#send({ kind: 'watch', shard, source: MAIN_SHARD, to, watcher: null, as: 'watcher' })) return;
    this.terminated(to, 'HOST_DIED');
  }
}
