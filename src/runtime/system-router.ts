/**
 * A router in the main thread: told and asked like one of its routees, which it watches and takes out when they stop.
 * What it does not do: choose (src/actor/router.ts).
 */
import {
  addRoutee,
  firstReply,
  plainRef,
  removeRoutee,
  routeeFor,
  routeesFor,
  type ActorRef,
  type AskOptions,
  type MessageMap,
  type ReplyOf,
  type RouteKey,
  type Router,
} from '../actor/index.ts';
import type { AskArguments, RefCarrier, TellBody } from './system-ref.ts';

export interface RouterCarrier extends RefCarrier {
  watch(ref: ActorRef): Promise<string>;
  /** A message for a router without routees. */
  noRoutee(type: string, body: unknown): false;
}

export interface SystemRouterOptions<Messages extends MessageMap> {
  /** Of a consistent hash: the key of a message. Default: the property of its body that the router names. */
  readonly key?: (type: keyof Messages & string, body: unknown) => RouteKey;
}

export class SystemRouter<Messages extends MessageMap = MessageMap> {
  readonly #carrier: RouterCarrier;
  readonly #router: Router<Messages>;
  readonly #key: SystemRouterOptions<Messages>['key'];

  constructor(carrier: RouterCarrier, router: Router<Messages>, options: SystemRouterOptions<Messages> = {}) {
    this.#carrier = carrier;
    this.#router = { ...router, routees: [] };
    this.#key = options.key;
    for (const ref of router.routees) this.add(ref);
  }

  /** Those there are, in the order in which they were added. */
  get routees(): readonly ActorRef<Messages>[] {
    return [...this.#router.routees];
  }

  /** False when it is one already. */
  add(ref: ActorRef<Messages>): boolean {
    if (!addRoutee(this.#router, ref)) return false;
    const added = this.#router.routees.at(-1);
    void this.#carrier.watch(plainRef(ref)).then(() => {
      // It may have been taken out and added again since.
      if (added !== undefined && this.#router.routees.includes(added)) removeRoutee(this.#router, added);
    });
    return true;
  }

  /** False when it is none. */
  remove(ref: ActorRef): boolean {
    return removeRoutee(this.#router, ref);
  }

  /** Sends to whom the router chooses. False when nobody takes it; the reason is then among the dead letters. */
  tell<Type extends keyof Messages & string>(type: Type, ...[body]: TellBody<Messages[Type]>): boolean {
    const refs = this.#choose(type, body);
    if (refs.length === 0) return this.#carrier.noRoutee(type, body);
    return refs.map((ref) => this.#carrier.tellFrom(ref, type, body)).some(Boolean);
  }

  /** Asks whom the router chooses; with a broadcast, the first reply counts. @throws as `SystemRef.ask`; ACTOR_NOT_FOUND */
  ask<Type extends keyof Messages & string>(
    type: Type,
    ...[body, options]: AskArguments<Messages[Type]>
  ): Promise<ReplyOf<Messages[Type]>> {
    const ask = (ref: ActorRef, how?: AskOptions): Promise<unknown> => this.#carrier.askFrom(ref, type, body, how);
    return firstReply(this.#choose(type, body).map((ref) => ask(ref, options)));
  }

  #choose(type: keyof Messages & string, body: unknown): readonly ActorRef<Messages>[] {
    if (this.#key === undefined || this.#router.router !== 'consistent-hash') return routeesFor(this.#router, body);
    const routee = routeeFor(this.#router, this.#key(type, body));
    return routee === null ? [] : [routee];
  }
}
