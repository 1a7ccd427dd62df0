/**
 * A ref as the main thread holds it: it can tell and ask. Its own properties are those of a plain ref and nothing else,
 * so that a structured clone, a codec or a comparison sees plain data.
 */
import type { ActorRef, AskOptions, BodyOf, MessageMap, ReplyOf } from '../actor/index.ts';

/** What a ref needs of its system. */
export interface RefCarrier {
  tellFrom(ref: ActorRef, type: string, body: unknown): boolean;
  askFrom(ref: ActorRef, type: string, body: unknown, options?: AskOptions): Promise<unknown>;
}

export type TellBody<Spec extends MessageMap[string]> =
  undefined extends BodyOf<Spec> ? [body?: BodyOf<Spec>] : [body: BodyOf<Spec>];

export type AskArguments<Spec extends MessageMap[string]> =
  undefined extends BodyOf<Spec>
    ? [body?: BodyOf<Spec>, options?: AskOptions]
    : [body: BodyOf<Spec>, options?: AskOptions];

export class SystemRef<Messages extends MessageMap = MessageMap> implements ActorRef<Messages> {
  /** Only for inference; never set. */
  declare readonly messages?: Messages;
  readonly shard: number;
  readonly id: number;
  readonly name: string;
  readonly #system: RefCarrier;

  constructor(system: RefCarrier, ref: ActorRef) {
    this.#system = system;
    this.shard = ref.shard;
    this.id = ref.id;
    this.name = ref.name;
  }

  /**
   * Sends a message. False when it was refused at once; the reason is then among the dead letters. True promises
   * nothing: ask, or use `ActorSystem.deliver`, to know.
   */
  tell<Type extends keyof Messages & string>(type: Type, ...[body]: TellBody<Messages[Type]>): boolean {
    return this.#system.tellFrom(this, type, body);
  }

  /** @throws ASK_TIMEOUT, ACTOR_*, MAILBOX_FULL, MESSAGE_INVALID, HOST_DIED, SYSTEM_STOPPED, ABORTED */
  ask<Type extends keyof Messages & string>(
    type: Type,
    ...[body, options]: AskArguments<Messages[Type]>
  ): Promise<ReplyOf<Messages[Type]>> {
    return this.#system.askFrom(this, type, body, options);
  }
}
