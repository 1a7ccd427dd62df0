/**
 * What the main thread needs in order to spawn: ids, shards in turn, and the ancestors of those it made records for.
 * What it does not do: start anybody.
 *
 * Invariant: an id that an earlier process of the same journal has handed out is never handed out again.
 */
import {
  plainRef,
  resolveSpawnOptions,
  type ActorDefinition,
  type ActorRef,
  type MessageMap,
  type SpawnOptions,
} from '../actor/index.ts';
import type { ActorRecord } from '../journal/shard-log.ts';
import { ALLOCATORS_MAX, IdAllocator, MAIN_ALLOCATOR, type ActorAddress } from '../protocol/ids.ts';
import { ANCESTORS_MAX, spawnRecord } from './spawn-record.ts';

/** Nobody says here when an actor ends; a child of one that was forgotten knows its parent alone. */
const REMEMBERED_MAX = 100_000;

/** An actor's record and the shard it belongs to: what `deliver` needs to spawn it. */
export interface PlacedRecord {
  readonly shard: number;
  readonly record: ActorRecord;
  readonly ref: ActorRef;
}

export class SystemSpawns {
  readonly #shards: number;
  readonly #rememberedMax: number;
  /** Of the durable actors that `place` was given a parent for, the last ones: a tree made here knows its upper levels. */
  readonly #ancestors = new Map<number, readonly ActorAddress[]>();
  #allocator = new IdAllocator(MAIN_ALLOCATOR);
  #round = 0;

  constructor(shards: number, rememberedMax = REMEMBERED_MAX) {
    this.#shards = shards;
    this.#rememberedMax = rememberedMax;
  }

  /** @throws CONFIG_INVALID */
  place<State, Init, Messages extends MessageMap>(
    definition: ActorDefinition<State, Init, Messages>,
    init: Init,
    options: SpawnOptions | undefined,
    parent: ActorRef | null,
  ): PlacedRecord {
    const { shard, record } = spawnRecord(definition, init, options, resolveSpawnOptions(options), {
      shards: this.#shards,
      allocate: () => this.#allocator.next(),
      nextShard: () => (this.#round = (this.#round + 1) % this.#shards),
      parent: parent === null ? null : plainRef(parent),
      ancestors: parent === null ? [] : (this.#ancestors.get(parent.id) ?? []),
    });
    if (options?.durable === true && parent !== null) this.#remember(record.id, parent);
    return { shard, record, ref: { shard, id: record.id, name: record.name } };
  }

  #remember(child: number, { shard, id }: ActorRef): void {
    const above = this.#ancestors.get(id) ?? [];
    this.#ancestors.set(child, [{ shard, id }, ...above].slice(0, ANCESTORS_MAX));
    if (this.#ancestors.size <= this.#rememberedMax) return;
    const [oldest] = this.#ancestors.keys();
    if (oldest !== undefined) this.#ancestors.delete(oldest);
  }

  /** Hands out no id up to `idMax` from now on. */
  useIdsAbove(idMax: number): void {
    const allocator = new IdAllocator(MAIN_ALLOCATOR, Math.ceil(idMax / ALLOCATORS_MAX));
    const next = allocator.next();
    if (next > this.#allocator.next()) this.#allocator = allocator;
  }
}
