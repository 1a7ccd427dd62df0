/**
 * What a shard does about other shards that die and come back: settles what was under way, and connects its actors
 * again with those of theirs that recovered. What it does not do: links or threads.
 *
 * Invariant: A6 every ask, watch and child of a shard that died is settled or renewed.
 */
import { isCanary } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorCell } from './cell.ts';
import type { Life } from './life.ts';
import { isMain, type ShardCore } from './shard-core.ts';

export class Peers {
  readonly #core: ShardCore;
  readonly #life: Life;

  constructor(core: ShardCore, life: Life) {
    this.#core = core;
    this.#life = life;
  }

  died(shards: ReadonlySet<number>): void {
    const core = this.#core;
    core.asks.rejectWhere(
      (shard) => shards.has(shard) && !isCanary('peer-ask-unsettled'),
      () => new MegactorError('HOST_DIED', 'the thread that owed the reply died'),
    );
    for (const shard of shards) core.counters.add('deadLetters', core.credits.forget(shard));
    core.schedule();
  }

  /** Asks after everybody there with whom an actor here is connected; who is gone is reported in answer. */
  back(shards: ReadonlySet<number>): void {
    for (const cell of this.#core.cells.values()) {
      for (const { ref } of cell.children?.values() ?? []) {
        if (!shards.has(ref.shard)) continue;
        this.#askAfter(cell, ref, 'parent');
        this.#life.family.askAgain(cell, ref);
      }
      this.#life.supervision.back(cell, shards);
      this.#life.supervised.peersBack(cell, shards);
      for (const ref of cell.watching?.values() ?? []) if (shards.has(ref.shard)) this.#askAfter(cell, ref, 'watcher');
      // A durable parent that recovered knows its durable children from the journal, and the others from them.
      this.announce(cell, (shard) => shards.has(shard));
    }
  }

  /** They will not run again: nobody of theirs will ever be heard of. */
  gone(shards: ReadonlySet<number>): void {
    const { shard, credits } = this.#core;
    // What waited for them was given back one by one, and is a dead letter already.
    for (const lost of shards) credits.forget(lost);
    this.#core.schedule();
    // Actors may stop on the way; a map passes over what was taken out of it.
    for (const cell of this.#core.cells.values()) {
      const to = cell.ref.id;
      for (const { ref: from } of cell.children?.values() ?? []) {
        if (!shards.has(from.shard)) continue;
        this.#life.childStopped(cell, from.id);
        const signal = { kind: 'child-failed', reason: 'HOST_DIED', up: [] } as const;
        this.#core.send({ kind: 'signal', shard, source: shard, to, from, signal, seq: -1 });
      }
      this.#life.supervised.peersGone(cell, shards);
      for (const from of cell.watching?.values() ?? []) {
        if (!shards.has(from.shard)) continue;
        const signal = { kind: 'terminated', reason: 'HOST_DIED' } as const;
        this.#core.send({ kind: 'signal', shard, source: shard, to, from, signal, seq: -1 });
      }
    }
  }

  /** Tells the parent of `cell`, if it lives where `concerns` says, that it has this child. */
  announce(cell: ActorCell, concerns: (shard: number) => boolean): void {
    const { parent } = cell;
    if (parent === null || isMain(parent.shard) || !concerns(parent.shard)) return;
    const source = this.#core.shard;
    const { ref: child, durable } = cell;
    const { shard, id: to } = parent;
    this.#core.send({ kind: 'child-here', shard, source, to, child, durable: durable !== null });
  }

  #askAfter(cell: ActorCell, ref: { readonly shard: number; readonly id: number }, as: 'watcher' | 'parent'): void {
    const source = this.#core.shard;
    this.#core.send({ kind: 'watch', shard: ref.shard, source, to: ref.id, watcher: cell.ref, as });
  }
}
