/**
 * A probe: an actor of a simulated system that stands in for another, keeps everything it gets, and says what came and what
 * did not. It has the message types of the definition that it was made for. What it does not do: survive its host; when that
 * dies, it is gone, as any ephemeral actor.
 *
 * 1. Nothing that came is lost or read twice: `next`, `expect` and `fish` take what was not taken yet, in its order.
 * 2. Waiting for a message lets the simulation go on, and nothing else does; with nothing left to happen it ends at once.
 */
import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import {
  defineActor,
  message,
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type AskOptions,
  type BodyOf,
  type MailOf,
  type MessageMap,
  type ReplyOf,
} from '../actor/index.ts';
import type { RunLimits } from './simulated-system.ts';

/** How long a probe waits by default, in simulated milliseconds. */
const WAIT_MS = 5_000;
const SHOWN_MAX = 10;
const RUN = '@probe';

/** What a probe got: a message, or that an actor it watches has stopped. */
export interface ProbeMail {
  /** `@terminated` for the end of an actor; `body` is the reason then, `sender` the actor. */
  readonly type: string;
  readonly body: unknown;
  readonly sender: ActorRef | null;
  /** Answers a request; does nothing for a message that was told. */
  reply(value: unknown): void;
}

/** What a probe needs of the simulation it is in. */
export interface ProbeWorld {
  tell(ref: ActorRef, type: string, body?: unknown): boolean;
  runUntil(done: () => boolean, limits?: RunLimits): Promise<boolean>;
  settle<Value>(promise: Promise<Value>, limits?: RunLimits): Promise<Value>;
  advance(ms: number): Promise<void>;
}

/** What the actor of a probe and its owner share; both are on one thread. */
export interface ProbeBox {
  readonly mail: ProbeMail[];
  readonly commands: Map<number, (ctx: ActorContext) => void>;
  readonly replies: Map<string, (body: unknown, sender: ActorRef | null) => unknown>;
}

const refOf = ({ shard, id, name }: ActorRef): ActorRef => ({ shard, id, name });

/** The definition behind a probe. */
export const probeDefinition = (
  module: string,
  name: string,
  messages: MessageMap,
  box: ProbeBox,
): ActorDefinition<object, undefined> => {
  const onMail = (mail: MailOf<MessageMap>, ctx: ActorContext<object>): void => {
    const { type, body, sender } = mail;
    if (type === RUN) {
      const command = box.commands.get(body as number);
      box.commands.delete(body as number);
      command?.(ctx);
      return;
    }
    const answer = box.replies.get(type);
    if (answer !== undefined) mail.reply(answer(body, sender));
    box.mail.push({ type, body, sender, reply: (value) => mail.reply(value) });
  };
  const types: MessageMap = { ...messages, [RUN]: message<number>() };
  return defineActor<object, undefined, MessageMap>(module, name, {
    state: () => ({}),
    messages: types,
    receiveBatch: (_state, batch, ctx) => {
      for (const mail of batch) onMail(mail, ctx);
    },
    onTerminated: (_state, ref, reason) => {
      box.mail.push({ type: '@terminated', body: reason, sender: ref, reply: () => {} });
    },
  });
};

const show = (mail: Pick<ProbeMail, 'type' | 'body'>): string =>
  `${mail.type} ${JSON.stringify(mail.body) ?? ''}`.trim();

export class Probe<Messages extends MessageMap = MessageMap> {
  /** Give it to whoever is to talk to the probe. */
  readonly ref: ActorRef<Messages>;
  readonly #world: ProbeWorld;
  readonly #box: ProbeBox;
  #taken = 0;
  #commands = 0;

  constructor(ref: ActorRef<Messages>, world: ProbeWorld, box: ProbeBox) {
    this.ref = ref;
    this.#world = world;
    this.#box = box;
  }

  /** Everything that came so far, taken or not. */
  get received(): readonly ProbeMail[] {
    return this.#box.mail;
  }

  /** The next message. @throws AssertionError when none comes within `ms` of simulated time */
  async next(limits: RunLimits = {}): Promise<ProbeMail> {
    await this.#world.runUntil(() => this.#box.mail.length > this.#taken, { ms: WAIT_MS, ...limits });
    const mail = this.#box.mail[this.#taken];
    if (mail === undefined) throw this.#fault('a message', 'nothing came');
    this.#taken += 1;
    return mail;
  }

  /**
   * The next message, which has to be of this type, and, when a body is given, with that body (deeply equal).
   * @throws AssertionError for another one, or none within `ms`
   */
  async expect<Type extends keyof Messages & string>(
    type: Type,
    body?: BodyOf<Messages[Type]>,
    limits?: RunLimits,
  ): Promise<BodyOf<Messages[Type]>> {
    const mail = await this.next(limits);
    const differs = mail.type !== type || (body !== undefined && !isDeepStrictEqual(mail.body, body));
    if (differs) throw this.#fault(show({ type, body }), show(mail));
    return mail.body;
  }

  /**
   * The next message of this type that `match` wants; others before it are taken and passed over.
   * @throws AssertionError when none comes within `ms`
   */
  async fish<Type extends keyof Messages & string>(
    type: Type,
    match: (body: BodyOf<Messages[Type]>) => boolean = () => true,
    limits?: RunLimits,
  ): Promise<BodyOf<Messages[Type]>> {
    for (;;) {
      const mail = await this.next(limits);
      const body = mail.body as BodyOf<Messages[Type]>;
      if (mail.type === type && match(body)) return body;
    }
  }

  /** Lets `ms` of simulated time pass, in which nothing may come. @throws AssertionError */
  async expectNone(ms = 100): Promise<void> {
    await this.#world.advance(ms);
    const mail = this.#box.mail[this.#taken];
    if (mail !== undefined) throw this.#fault(`nothing for ${ms} ms`, show(mail));
  }

  /** Answers every request of this type from now on. Without it, answer with `reply` of what `next` gives, or let it wait. */
  answer<Type extends keyof Messages & string>(
    type: Type,
    answer: (body: BodyOf<Messages[Type]>, sender: ActorRef | null) => ReplyOf<Messages[Type]>,
  ): void {
    this.#box.replies.set(type, (body, sender) => answer(body, sender));
  }

  /** Tells as the probe: it is the sender. */
  async tell(to: ActorRef, type: string, body?: unknown): Promise<void> {
    await this.#run((ctx) => ctx.tell(refOf(to), type, body));
  }

  /** Asks as the probe, and runs until the ask has settled. @throws what the ask throws */
  async ask(to: ActorRef, type: string, body?: unknown, options?: AskOptions): Promise<unknown> {
    const asked = Promise.withResolvers<unknown>();
    await this.#run((ctx) => {
      ctx.ask(refOf(to), type, body as never, options).then(asked.resolve, asked.reject);
    });
    return this.#world.settle(asked.promise);
  }

  /** Watches as the probe: its end comes as a message `@terminated`. */
  async watch(ref: ActorRef): Promise<void> {
    await this.#run((ctx) => ctx.watch(refOf(ref)));
  }

  /** The next message has to be the end of this actor. @returns the reason. @throws AssertionError */
  async expectTerminated(ref: ActorRef, limits?: RunLimits): Promise<string> {
    const mail = await this.next(limits);
    const { sender } = mail;
    if (mail.type !== '@terminated' || sender?.id !== ref.id || sender.shard !== ref.shard) {
      throw this.#fault(`the end of ${ref.name}`, show(mail));
    }
    return String(mail.body);
  }

  /** Runs something in a turn of the probe. */
  async #run(command: (ctx: ActorContext) => void): Promise<void> {
    this.#commands += 1;
    let done = false;
    this.#box.commands.set(this.#commands, (ctx) => {
      command(ctx);
      done = true;
    });
    this.#world.tell(this.ref, RUN, this.#commands);
    const ran = await this.#world.runUntil(() => done, { ms: WAIT_MS });
    if (!ran) throw this.#fault('a turn of the probe', 'its host has died, or does not run');
  }

  #fault(expected: string, actual: string): AssertionError {
    const before = this.#box.mail.slice(Math.max(0, this.#taken - SHOWN_MAX), this.#taken).map(show);
    const earlier = before.length === 0 ? '' : `\nbefore that: ${before.join('; ')}`;
    const text = `probe ${this.ref.name}: expected ${expected}, but: ${actual}${earlier}`;
    return new AssertionError({ message: text, expected, actual, operator: 'probe' });
  }
}
