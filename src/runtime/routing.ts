/**
 * How actors find actors: by name, or behind the routers in their state, whose routees are watched and taken out when they
 * stop. What it does not do: choose a routee (src/actor/router.ts), or send.
 *
 * Invariant: A11 A routee that stopped gets nothing more once its router's owner has handled the news.
 */
import { plainRef, removeRoutee, type ActorRef, type Router } from '../actor/index.ts';
import { errorToWire, MegactorError } from '../protocol/errors.ts';
import { MAIN_SHARD, shardOfName } from '../protocol/ids.ts';
import { ASK_DEADLINE_MS } from './ask-table.ts';
import type { ActorCell } from './cell.ts';
import type { MailEnvelope } from './envelope.ts';
import type { ShardCore } from './shard-core.ts';

const routersOf = (cell: ActorCell): readonly Router[] => cell.definition?.routers?.(cell.state) ?? [];

/** Watches everybody behind the routers of an actor that starts: watches are in no journal. */
export const watchRoutees = (core: ShardCore, cell: ActorCell): void => {
  for (const { routees } of routersOf(cell)) {
    for (const ref of routees) {
      if (cell.watching?.has(ref.id) === true) continue;
      cell.watching ??= new Map();
      cell.watching.set(ref.id, plainRef(ref));
      const { shard, id: to } = ref;
      core.send({ kind: 'watch', shard, source: core.shard, to, watcher: cell.ref, as: 'watcher' });
    }
  }
};

/** An actor stopped: it is a routee no more. */
export const dropRoutee = (cell: ActorCell, ref: ActorRef): void => {
  for (const router of routersOf(cell)) removeRoutee(router, ref);
};

/** What a router without routees was told. */
export const mailToNobody = ({ ref }: ActorCell, type: string, body: unknown): MailEnvelope => {
  return { kind: 'mail', shard: MAIN_SHARD, source: ref.shard, to: 0, from: ref, type, body, ask: 0, seq: -1 };
};

const lookupOn = async (core: ShardCore, shard: number, name: string): Promise<ActorRef | null> => {
  const found = await core.asks.open(shard, ASK_DEADLINE_MS, `lookup of '${name}'`, (ask) => {
    if (core.send({ kind: 'lookup', shard, source: core.shard, name, ask })) return;
    const error = new MegactorError('HOST_DIED', `shard ${shard} cannot be asked for '${name}'`);
    core.asks.settle(ask, undefined, errorToWire(error));
  });
  return found as ActorRef | null;
};

/**
 * The actor called `name`, or null. Looks first where names live, then everywhere.
 * @throws HOST_DIED, ASK_TIMEOUT when it was not found and some shard did not answer
 */
export const lookup = async (core: ShardCore, name: string): Promise<ActorRef | null> => {
  const { shards } = core.parts;
  const home = shardOfName(name, shards);
  const first = await lookupOn(core, home, name);
  if (first !== null) return first;
  const others = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => shard !== home);
  const answers = await Promise.allSettled(others.map((shard) => lookupOn(core, shard, name)));
  for (const answer of answers) if (answer.status === 'fulfilled' && answer.value !== null) return answer.value;
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  return null;
};
