/**
 * Looks into a shard that somebody else owns, without taking it: what the journal holds of its actors at that moment.
 * For inspection while the owner does not answer. It changes nothing, and nobody waits for the owner.
 */
import { toMegactorError } from '../protocol/errors.ts';
import type { JournalCaller } from './client-shard-log.ts';
import { recoveredFrom, ShardFold } from './fold.ts';
import { SeqSet } from './seq-set.ts';
import type { Delivery, RecoveredActor } from './shard-log.ts';
import type { WireActor, WirePeek } from './wire.ts';

/** Snapshots are asked for in requests of so many, so that an answer stays small. */
const ACTORS_PER_REQUEST = 1_000;
/** What is read in several requests may have moved on between them. */
const TRIES_MAX = 3;

export interface PeekedShard {
  /** Actors with something to do, or of which the log says more than their snapshots; and those that were asked for. */
  readonly actors: readonly RecoveredActor[];
  /** How much unconsumed mail and how many signals wait for an actor, by its id. */
  readonly mail: ReadonlyMap<number, number>;
  /** What is unconsumed, in its order. */
  readonly deliveries: readonly Delivery[];
}

const rowsOf = async (caller: JournalCaller, shard: number, ids: readonly number[]): Promise<WireActor[]> => {
  const rows: WireActor[] = [];
  for (let at = 0; at < ids.length; at += ACTORS_PER_REQUEST) {
    const some = ids.slice(at, at + ACTORS_PER_REQUEST);
    for (const row of (await caller.call((request) => ['peek', request, shard, some])) as WireActor[]) rows.push(row);
  }
  return rows;
};

const peekOnce = async (caller: JournalCaller, shard: number, ids: readonly number[]): Promise<PeekedShard> => {
  const { opening, inbox, log } = (await caller.call((request) => ['peek', request, shard, null])) as WirePeek;
  const unconsumed = new SeqSet();
  unconsumed.addRuns(opening.unconsumed);
  const fold = new ShardFold(shard, { ...opening, unconsumed });
  for (const [first, bytes] of inbox) fold.addInbox(first, bytes);
  for (const [first, bytes] of log) fold.addLog(first, bytes);
  const found = fold.finish(await rowsOf(caller, shard, [...fold.wanted()]));
  const known = new Set(found.actors.map(({ record }) => record.id));
  const others = await rowsOf(
    caller,
    shard,
    ids.filter((id) => !known.has(id)),
  );
  const mail = new Map<number, number>();
  for (const { entry } of found.deliveries) {
    if (entry.kind === 'spawn') continue;
    const to = entry.kind === 'mail' ? entry.mail.to : entry.to;
    mail.set(to, (mail.get(to) ?? 0) + 1);
  }
  return {
    actors: [...found.actors, ...others.map((row) => recoveredFrom(shard, row))],
    mail,
    deliveries: found.deliveries,
  };
};

/** @param ids of passive actors that are wanted as well @throws JOURNAL_DAMAGED, SYSTEM_STOPPED, DISK */
export const peekShard = async (caller: JournalCaller, shard: number, ids: readonly number[]): Promise<PeekedShard> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await peekOnce(caller, shard, ids);
    } catch (thrown) {
      const error = toMegactorError(thrown, 'JOURNAL_DAMAGED');
      if (error.code !== 'JOURNAL_DAMAGED' || tries >= TRIES_MAX) throw error;
    }
  }
};
