/**
 * What an actor is: the data that `defineActor` makes of a user's definition, and the types its handlers see. It runs
 * nothing. Definitions live in modules, so that any thread can load them by URL and export name.
 */
import type { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import type { ActorContext } from './context.ts';
import type { Router } from './router.ts';

/** The type of one message: a tell, or a request with a reply. `schema` checks what comes from outside. */
export interface MessageSpec<Body = unknown, Reply = unknown> {
  readonly kind: 'message' | 'request';
  readonly schema: z.ZodType | undefined;
  readonly replySchema: z.ZodType | undefined;
  /** Only for inference; never set. */
  readonly types?: { readonly body: Body; readonly reply: Reply };
}

// NoInfer: without a type or a schema the body is void, whatever the place where the call stands would accept.
/** A message without a reply: `message<number>()`, or `message(z.number())` to check what arrives. */
export const message = <Body = void>(schema?: z.ZodType<Body>): MessageSpec<NoInfer<Body>, never> => ({
  kind: 'message',
  schema,
  replySchema: undefined,
});

/** A message with a reply: `request<void, number>()`, or `request(z.string(), z.number())`. */
export const request = <Body = void, Reply = void>(
  schema?: z.ZodType<Body>,
  replySchema?: z.ZodType<Reply>,
): MessageSpec<NoInfer<Body>, NoInfer<Reply>> => ({ kind: 'request', schema, replySchema });

export type MessageMap = Readonly<Record<string, MessageSpec>>;
export type BodyOf<Spec extends MessageSpec> = NonNullable<Spec['types']>['body'];
export type ReplyOf<Spec extends MessageSpec> = NonNullable<Spec['types']>['reply'];

/** What a handler returns: the reply of a request, nothing for a message. */
export type HandlerResult<Reply> = [Reply] extends [never] ? void | Promise<void> : Reply | Promise<Reply>;

/** A message as a batch handler gets it. */
export type MailOf<Messages extends MessageMap> = {
  readonly [Type in keyof Messages & string]: {
    readonly type: Type;
    readonly body: BodyOf<Messages[Type]>;
    readonly sender: ActorRef | null;
    /** Settles the ask of a request; does nothing for a tell. */
    reply(value: ReplyOf<Messages[Type]>): void;
  };
}[keyof Messages & string];

/**
 * Names an actor. Plain data: it may be sent, journaled, compared by `shard` and `id`.
 * `Messages` exists only in types.
 */
export interface ActorRef<Messages extends MessageMap = MessageMap> {
  readonly shard: number;
  readonly id: number;
  readonly name: string;
  /** Only for inference; never set. */
  readonly messages?: Messages;
}

export type SupervisionStrategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';
export type RestartType = 'permanent' | 'transient' | 'temporary';
export type OverflowPolicy = 'reject' | 'spill' | 'drop-new' | 'unbounded';

/** Which shard owns a new actor. */
export type Placement =
  'same-shard' | 'round-robin' | 'by-name' | { readonly key: string | number } | { readonly shard: number };

/** How an actor is spawned. Plain data; journaled for durable actors. */
export interface SpawnOptions {
  /** Unique in the system; the actor is placed by its hash. Default: the id. */
  readonly name?: string;
  /** Keep mail, state and effects in the journal. Default false. */
  readonly durable?: boolean;
  /** Default: temporary (stop on an uncaught failure). */
  readonly restart?: RestartType;
  /**
   * More than `max` restarts within `withinMs` and the actor stops for good. Default 3 in 5,000 ms. A parent whose
   * definition states an `intensity` counts the restarts of all its children by that one instead.
   */
  readonly intensity?: { readonly max: number; readonly withinMs: number };
  /**
   * Most restarts in a row, with no turn between them that ended well, however long each took: one more and the actor stops
   * for good. Default: `intensity` alone decides, so that who fails slowly is started again for ever. A parent that decides
   * for its children together does not count these.
   */
  readonly restartsInARowMax?: number;
  /** Delay before the n-th restart in a row: `minMs × 2ⁿ`, at most `maxMs`, full jitter. Default 0: at once. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number };
  readonly mailbox?: { readonly capacity?: number; readonly overflow?: OverflowPolicy };
  /**
   * How long an idle actor waits for more mail before its turn starts; all that comes meanwhile is handled in that turn. The
   * wait begins again with each mail, and lasts three intervals at most. What came during a turn waits in the same way, from
   * the end of that turn on. Default 0.
   */
  readonly pollIntervalMs?: number;
  /**
   * A durable actor that rests so long leaves the memory; whatever is sent to it brings it back. 0 or Infinity: never.
   * Default: the system's `passivateAfterMs`.
   */
  readonly passivateAfterMs?: number;
  /**
   * How long the turn of an actor that was told to stop may go on (its `ctx.signal` aborts at once), and how long its
   * `onStop` may take; then it is given up. Default: 5,000 ms.
   */
  readonly stopTimeoutMs?: number;
  /** The shard that owns the actor: `placement: { shard }`. */
  readonly shard?: number;
  /**
   * Where the actor lives. Default: by the hash of its name when it has one, else round robin. `same-shard`: with its
   * parent, so that what they say to each other is not copied. `key`: actors of one key are on one shard.
   */
  readonly placement?: Placement;
  /** An id that an allocator of its own handed out (`IdAllocator`). A second spawn of the same id is ignored. */
  readonly id?: number;
}

export interface ActorBehaviour<State, Init, Messages extends MessageMap> {
  readonly state: (init: Init) => State;
  readonly messages: Messages;
  /** One handler per message type. What a request's handler returns is its reply. */
  readonly receive?: {
    readonly [Type in keyof Messages & string]: (
      state: State,
      body: BodyOf<Messages[Type]>,
      ctx: ActorContext<State>,
    ) => HandlerResult<ReplyOf<Messages[Type]>>;
  };
  /**
   * Takes a whole batch. An empty batch means: go on with the turn that a crash interrupted between two steps.
   * A durable actor may end a step inside its turn with `await ctx.endStep()`.
   */
  readonly receiveBatch?: (
    state: State,
    batch: readonly MailOf<Messages>[],
    ctx: ActorContext<State>,
  ) => void | Promise<void>;
  /** A watched actor stopped. */
  readonly onTerminated?: (
    state: State,
    ref: ActorRef,
    reason: string,
    ctx: ActorContext<State>,
  ) => void | Promise<void>;
  /**
   * Runs before the first message, each time the actor starts: here a supervisor spawns its children. For a durable actor
   * it is part of its first step, so it runs once in its life and not when it starts again with a committed state.
   */
  readonly onStart?: (state: State, ctx: ActorContext<State>) => void | Promise<void>;
  /**
   * A child stopped for good after a failure (its restarts are used up, or it has none). Whoever has this handler decides
   * what becomes of it. Without it, a child that used up its restarts makes its parent fail too.
   * @param last its state after its last commit; undefined for an ephemeral child and for one that never got so far
   */
  readonly onChildFailed?: (
    state: State,
    child: ActorRef,
    reason: string,
    ctx: ActorContext<State>,
    last: unknown,
  ) => void | Promise<void>;
  /**
   * The routers in its state. Their routees are watched from its start on, and taken out when they stop, in the step that
   * hears of it and before `onTerminated`.
   */
  readonly routers?: (state: State) => readonly Router[];
  readonly onStop?: (state: State, ctx: ActorContext<State>) => void | Promise<void>;
  /** Who is started again with a child that is. Default one_for_one: nobody else. */
  readonly strategy?: SupervisionStrategy;
  /**
   * How many restarts of children, counted over all of them, are allowed within a period. Default: each child's own
   * `intensity`; it is the child's own count with one_for_one, and the count of the whole group otherwise.
   */
  readonly intensity?: { readonly max: number; readonly withinMs: number };
  /** Mail for which an idle actor does not wait out its `pollIntervalMs`. Default: none. */
  readonly urgent?: (mail: {
    readonly type: string;
    readonly body: unknown;
    readonly sender: ActorRef | null;
  }) => boolean;
  /** Most messages in one batch. Default 64. */
  readonly batchMax?: number;
}

export interface ActorDefinition<
  State = unknown,
  Init = unknown,
  Messages extends MessageMap = MessageMap,
> extends ActorBehaviour<State, Init, Messages> {
  /** URL of the module that exports the definition. */
  readonly module: string;
  /** The name of that export. */
  readonly export: string;
}

/**
 * Defines an actor. Call it at the top level of a module: `export const counter = defineActor(import.meta.url,
 * 'counter', {…})`.
 * @param module `import.meta.url` of the module.
 * @param exportName the name the result is exported under.
 * @throws DEFINITION_INVALID when there is no URL, as in a bundle in CommonJS
 */
export const defineActor = <State, Init, Messages extends MessageMap>(
  module: string,
  exportName: string,
  behaviour: ActorBehaviour<State, Init, Messages>,
): ActorDefinition<State, Init, Messages> => {
  if (!URL.canParse(module)) {
    throw new MegactorError('DEFINITION_INVALID', `'${exportName}' was defined with no URL of a module`, {
      hint: 'Give import.meta.url. It is empty in CommonJS: bundle as ECMAScript modules (esbuild: --format=esm).',
    });
  }
  return { ...behaviour, module, export: exportName };
};

/** Any definition: what `spawn` takes before inference. Handlers are contravariant, hence `never`. */
export type AnyDefinition = ActorDefinition<never, never>;
