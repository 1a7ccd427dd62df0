/**
 * Routers: which of several actors gets a message. A router is plain data, so it may be part of a durable actor's state
 * and of a message; what is told or asked of it is told or asked of its routees. What it does not do: send, or watch (the
 * context and the system do).
 *
 * Invariants: A11 round-robin: of any n messages in a row to n routees, each gets one. Consistent hash: one key, one
 * routee, as long as that is there; when a routee goes or comes, only keys of that one move.
 */
import { MegactorError } from '../protocol/errors.ts';
import { hashString } from '../protocol/ids.ts';
import type { ActorRef, MessageMap } from './definition.ts';
import { plainRef } from './ref.ts';

export interface Router<Messages extends MessageMap = MessageMap> {
  readonly router: 'round-robin' | 'consistent-hash' | 'broadcast';
  routees: ActorRef<Messages>[];
  /** Of a round: how many messages were sent, modulo what fits. */
  turn: number;
  /** Of a consistent hash: the property of the body that is the key; null: the body itself. */
  readonly by: string | null;
  /** Only for inference; never set. */
  readonly messages?: Messages;
}

/** An actor, or several behind a router. */
export type Target<Messages extends MessageMap = MessageMap> = ActorRef<Messages> | Router<Messages>;

export type RouteKey = string | number;

const make = <Messages extends MessageMap>(
  kind: Router['router'],
  refs: readonly ActorRef<Messages>[],
  by: string | null = null,
): Router<Messages> => {
  const made: Router<Messages> = { router: kind, routees: [], turn: 0, by };
  for (const ref of refs) addRoutee(made, ref);
  return made;
};

/** One after the other. */
export const roundRobin = <Messages extends MessageMap>(refs: readonly ActorRef<Messages>[]): Router<Messages> =>
  make('round-robin', refs);

/** @param options `by`: the property of every message's body that is its key. Default: the body itself, a string or number. */
export const consistentHash = <Messages extends MessageMap>(
  refs: readonly ActorRef<Messages>[],
  options?: { readonly by: string },
): Router<Messages> => make('consistent-hash', refs, options?.by ?? null);

/** All of them. An ask of it settles with the first reply, and fails when all have failed. */
export const broadcast = <Messages extends MessageMap>(refs: readonly ActorRef<Messages>[]): Router<Messages> =>
  make('broadcast', refs);

export const isRouter = <Messages extends MessageMap>(target: Target<Messages>): target is Router<Messages> =>
  'routees' in target;

/** False when it is one already. It is not watched; `ctx.addRoutee` does both. */
export const addRoutee = <Messages extends MessageMap>(router: Router<Messages>, ref: ActorRef<Messages>): boolean => {
  if (router.routees.some(({ id }) => id === ref.id)) return false;
  router.routees.push(plainRef(ref) as ActorRef<Messages>);
  return true;
};

/** False when it is none. */
export const removeRoutee = (router: Router, ref: { readonly id: number }): boolean => {
  const index = router.routees.findIndex(({ id }) => id === ref.id);
  if (index < 0) return false;
  router.routees.splice(index, 1);
  return true;
};

/** 32 bits in, 32 well mixed bits out. */
const mix = (bits: number): number => {
  let hash = bits >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
};

/** The routee with the highest lot for this key (rendezvous hashing); null when there is none. */
export const routeeFor = <Messages extends MessageMap>(
  router: Router<Messages>,
  key: RouteKey,
): ActorRef<Messages> | null => {
  const hash = hashString(String(key));
  let best: ActorRef<Messages> | null = null;
  let highest = -1;
  for (const ref of router.routees) {
    const lot = mix(hash ^ mix(ref.id));
    if (lot < highest || (lot === highest && best !== null && ref.id > best.id)) continue;
    highest = lot;
    best = ref;
  }
  return best;
};

const keyOf = (router: Router, body: unknown): RouteKey => {
  const key =
    router.by === null ? body : typeof body === 'object' && body !== null ? Reflect.get(body, router.by) : undefined;
  if (typeof key === 'string' || typeof key === 'number') return key;
  const what = router.by === null ? 'its body' : `'${router.by}' of its body`;
  throw new MegactorError('USAGE', `a message for a consistent-hash router has no key: ${what} is no string or number`);
};

/** How far a round counts: a multiple of small numbers of routees, so that going round again is seldom noticed. */
const TURNS = 2 ** 30;

/** Who gets a message; a round goes on with it. None when there is no routee. @throws USAGE without a key to hash */
export const routeesFor = <Messages extends MessageMap>(
  router: Router<Messages>,
  body: unknown,
): readonly ActorRef<Messages>[] => {
  const { routees } = router;
  switch (router.router) {
    case 'broadcast':
      return [...routees];
    case 'consistent-hash': {
      const routee = routeeFor(router, keyOf(router, body));
      return routee === null ? [] : [routee];
    }
    case 'round-robin': {
      const routee = routees[router.turn % Math.max(routees.length, 1)];
      if (routee === undefined) return [];
      router.turn = (router.turn + 1) % TURNS;
      return [routee];
    }
    default:
      return router.router satisfies never;
  }
};

/** The first reply; the failure of the last, when nobody replies. */
export const firstReply = async <Reply>(replies: readonly Promise<Reply>[]): Promise<Reply> => {
  if (replies.length === 0) throw new MegactorError('ACTOR_NOT_FOUND', 'the router has no routees');
  try {
    return await Promise.any(replies);
  } catch (thrown) {
    throw thrown instanceof AggregateError ? thrown.errors.at(-1) : thrown;
  }
};
