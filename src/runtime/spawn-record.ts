/** Makes the record of a new actor: who it is, what it runs, and where it lives. Pure but for the ids it is given. */
import type { ActorOptions, ActorRef, SpawnOptions } from '../actor/index.ts';
import type { ActorRecord } from '../journal/shard-log.ts';
import { MegactorError } from '../protocol/errors.ts';
import { shardOfName, type ActorAddress } from '../protocol/ids.ts';
import { toModuleId } from './module-id.ts';

/** What knows where actors may live. */
export interface ShardPlaces {
  /** Shards of the system. */
  readonly shards: number;
  /** Round robin. */
  nextShard(): number;
}

export interface SpawnPlace extends ShardPlaces {
  readonly allocate: () => number;
  readonly parent: ActorRef | null;
  /** Of the parent. */
  readonly ancestors: readonly ActorAddress[];
}

/** How far up a failure is told when everybody below is gone. */
export const ANCESTORS_MAX = 16;

/** The shard that a new actor is for. @throws CONFIG_INVALID when there is no such shard, or none can be told */
export const shardFor = (options: SpawnOptions | undefined, places: ShardPlaces, parent: ActorRef | null): number => {
  if (options === undefined) return places.nextShard();
  const shard = askedFor(options, places, parent);
  if (shard < places.shards) return shard;
  throw new MegactorError('CONFIG_INVALID', `there is no shard ${shard} (of ${places.shards})`);
};

const askedFor = (options: SpawnOptions, place: ShardPlaces, parent: ActorRef | null): number => {
  const { name, shard, placement = name === undefined ? 'round-robin' : 'by-name' } = options;
  if (shard !== undefined) return shard;
  if (typeof placement === 'object') {
    return 'shard' in placement ? placement.shard : shardOfName(String(placement.key), place.shards);
  }
  switch (placement) {
    case 'round-robin':
      return place.nextShard();
    case 'by-name':
      if (name === undefined) throw new MegactorError('CONFIG_INVALID', 'placement by name: the actor has no name');
      return shardOfName(name, place.shards);
    case 'same-shard':
      if (parent === null) {
        throw new MegactorError('CONFIG_INVALID', 'placement on the same shard: the main thread has none');
      }
      return parent.shard;
    default:
      return placement satisfies never;
  }
};

/** @throws CONFIG_INVALID when the shard does not exist */
export const spawnRecord = (
  definition: { readonly module: string; readonly export: string },
  init: unknown,
  options: SpawnOptions | undefined,
  resolved: ActorOptions,
  place: SpawnPlace,
): { readonly record: ActorRecord; readonly shard: number } => {
  const id = options?.id ?? place.allocate();
  const name = options?.name ?? String(id);
  const shard = shardFor(options, place, place.parent);
  const { module, export: exportName } = definition;
  return {
    shard,
    record: {
      id,
      name,
      module: toModuleId(module),
      export: exportName,
      init,
      parent: place.parent,
      options:
        options?.durable === true ? { ...resolved, ancestors: place.ancestors.slice(0, ANCESTORS_MAX) } : resolved,
    },
  };
};
