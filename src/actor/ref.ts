/** Refs: who an actor is, as plain data. Ids are unique in a system, so an id is also the key of a ref in a map. */
import type { ActorAddress } from '../protocol/ids.ts';
import type { ActorRef } from './definition.ts';

export const actorRef = (shard: number, id: number, name: string): ActorRef => ({ shard, id, name });

/** A ref from an address alone; its name is not known. */
export const refOfAddress = (address: ActorAddress): ActorRef => {
  const { name } = address as Partial<ActorRef>;
  return { shard: address.shard, id: address.id, name: name ?? '' };
};

/** A ref without whatever else the object carries. */
export const plainRef = (ref: ActorRef): ActorRef => ({ shard: ref.shard, id: ref.id, name: ref.name });
