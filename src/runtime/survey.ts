/**
 * Looks at the actors of a system from the main thread. Who is in a host that answers is asked for there; of one that
 * does not answer the journal is read instead, so that nobody waits for a thread that is blocked or down. What it does
 * not do: judge or end hosts.
 *
 * Invariant: Y1 No look waits longer for a host than it takes to notice that it is silent, and what does not come from the
 * host itself is marked `stale`. Hosts that did not answer are named.
 */
import type { PeekingJournalClient } from '../journal/index.ts';
import type { RecoveredActor } from '../journal/shard-log.ts';
import type { ActorAddress } from '../protocol/ids.ts';
import type { HostState } from './host-record.ts';
import type { Hosts } from './hosts.ts';
import { unheardIn, type UnheardFailure } from './unheard.ts';
import { snapshotOfPassive, withPart, type ActorSnapshot, type InspectOptions } from './snapshot.ts';

/** Most actors of one call to a host. */
const INSPECT_BATCH = 1_024;

export interface ActorSurvey {
  /** All actors in memory; of a silent host those durable ones that have something to do. */
  readonly actors: readonly ActorSnapshot[];
  /** Hosts that did not answer. Their ephemeral actors are missing, and what is told of their durable ones is stale. */
  readonly silent: readonly HostState[];
}

export class Survey {
  readonly #hosts: Hosts;
  readonly #journal: PeekingJournalClient | null;

  constructor(hosts: Hosts, journal: PeekingJournalClient | null) {
    this.#hosts = hosts;
    this.#journal = journal;
  }

  async all(): Promise<ActorSurvey> {
    const actors: ActorSnapshot[] = [];
    const silent: HostState[] = [];
    for (const { state, value } of await this.#hosts.ask('actors')) {
      if (value !== undefined) {
        for (const snapshot of value) actors.push(snapshot);
        continue;
      }
      silent.push(state);
      for (const shard of state.shards) {
        for (const snapshot of await this.#peek(shard, [], state)) actors.push(snapshot);
      }
    }
    return { actors, silent };
  }

  /** These actors, in memory or passive. Left out is who does not exist, and who is ephemeral on a silent host. */
  async some(refs: readonly ActorAddress[], options: InspectOptions): Promise<ActorSnapshot[]> {
    const byShard = [...Map.groupBy(refs, (ref) => ref.shard)];
    const found = byShard.map(async ([shard, those]): Promise<ActorSnapshot[]> => {
      const ids = those.map((ref) => ref.id);
      const actors: ActorSnapshot[] = [];
      for (let from = 0; from < ids.length; from += INSPECT_BATCH) {
        actors.push(...(await this.#ofShard(shard, ids.slice(from, from + INSPECT_BATCH), options)));
      }
      return actors;
    });
    return (await Promise.all(found)).flat();
  }

  /** What the journal holds for those above who have not heard it yet. @param shards how many there are */
  async unheard(shards: number): Promise<readonly UnheardFailure[]> {
    const journal = this.#journal;
    if (journal === null) return [];
    const peeked = await Promise.all(Array.from({ length: shards }, (_, shard) => journal.peek(shard, [])));
    return peeked.flatMap(({ deliveries }) => unheardIn(deliveries));
  }

  async #ofShard(shard: number, ids: readonly number[], options: InspectOptions): Promise<readonly ActorSnapshot[]> {
    const { state, value } = await this.#hosts.askShard(shard, 'inspect', shard, ids, options);
    return value ?? (await this.#peek(shard, ids, state)).map((found) => withPart(found, options));
  }

  /** @param ids of those that are wanted; empty: whoever has something to do */
  async #peek(shard: number, ids: readonly number[], state: HostState): Promise<ActorSnapshot[]> {
    if (this.#journal === null) return [];
    const { actors, mail } = await this.#journal.peek(shard, ids);
    const wanted = new Set(ids);
    return actors
      .filter(({ record }) => wanted.size === 0 || wanted.has(record.id))
      .map((found) => staleSnapshot(shard, found, mail.get(found.record.id) ?? 0, state));
  }
}

const staleSnapshot = (shard: number, found: RecoveredActor, mail: number, { actor }: HostState): ActorSnapshot => {
  const isRunning = found.open || found.begun !== null || (actor?.shard === shard && actor.id === found.record.id);
  const status = isRunning ? 'running' : mail > 0 ? 'queued' : 'passive';
  return { ...snapshotOfPassive(shard, found, { items: mail, positions: 0 }), status, stale: true };
};
