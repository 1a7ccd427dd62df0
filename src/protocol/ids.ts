/**
 * Identifiers. Ids are counters: the spawner allocates the id of a new actor without asking anybody, because every
 * allocator (a shard, or the main thread) has its own residue. Names are for people and models; ids are for routing.
 */

/** Ids of actors are allocated in steps of this number, so at most this many allocators exist. */
export const ALLOCATORS_MAX = 256;
/** The residue that the main thread allocates with; shards use their own number, 0…253. */
export const MAIN_ALLOCATOR = ALLOCATORS_MAX - 1;
/** Two residues are no shard's: that of the main thread, and `OUTSIDE_ALLOCATOR`. */
export const SHARDS_MAX = ALLOCATORS_MAX - 2;
/**
 * The residue of ids that a service hands out before their actors are spawned (the roster of a society); nothing is said
 * of the order in which they come to a shard.
 */
export const OUTSIDE_ALLOCATOR = ALLOCATORS_MAX - 2;

/** Where an actor lives. Plain data: it may be sent, journaled and compared field by field. */
export interface ActorAddress {
  /** The shard that owns the actor, 0 … shards − 1; −1 is the main thread. */
  readonly shard: number;
  /** A counter, unique in the system: `count × ALLOCATORS_MAX + allocator`. */
  readonly id: number;
}

/** The shard number that stands for the main thread, which hosts no actors but may be replied to. */
export const MAIN_SHARD = -1;

/** Ids that are reserved at a time. */
const RESERVED_AT_ONCE = 4_096;

/**
 * Hands out ids of one allocator, without a hole but for what is reserved. After the death of its process recovery goes on
 * above the largest id in the journal; after that of its thread alone, above what was reserved as well, because ids that
 * no journal knows are still remembered by others.
 */
export class IdAllocator {
  readonly #allocator: number;
  readonly #reserve: ((upTo: number) => void) | undefined;
  #count: number;
  #reserved: number;

  /** @param count ids up to it are not handed out @param reserve is told, before it happens, how far ids will be handed out */
  constructor(allocator: number, count = 0, reserve?: (upTo: number) => void) {
    if (!Number.isInteger(allocator) || allocator < 0 || allocator >= ALLOCATORS_MAX) {
      throw new RangeError(`allocator must be 0…${ALLOCATORS_MAX - 1}, not ${allocator}`);
    }
    this.#allocator = allocator;
    this.#count = count;
    this.#reserve = reserve;
    this.#reserved = reserve === undefined ? Number.MAX_SAFE_INTEGER : count;
  }

  next(): number {
    this.#count += 1;
    if (this.#count > this.#reserved) {
      this.#reserved = this.#count + RESERVED_AT_ONCE - 1;
      this.#reserve?.(this.#reserved);
    }
    return this.#count * ALLOCATORS_MAX + this.#allocator;
  }
}

/** FNV-1a over UTF-16 code units, 32 bits: places named actors on shards and seeds random streams. */
export const hashString = (text: string, seed = 0): number => {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index += 1) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  // A last avalanche, since short names differ only in their low bits.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d) >>> 0;
  hash ^= hash >>> 15;
  return hash >>> 0;
};

/** The shard that owns the actor called `name`. The same on every machine and thread count. */
export const shardOfName = (name: string, shards: number): number => hashString(name) % shards;

/** The id under which a service keeps the result of one call: `actor/step/key`. */
export const effectId = (actor: string, step: number, key: string): string => `${actor}/${step}/${key}`;
