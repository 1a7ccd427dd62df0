/**
 * Services: what lives once per run and is not an actor (the gate, the roster, the workspace's owner, the store).
 * A service is a plain object of async methods, made by the `createService` export of a module that a service thread
 * loads. Callers reach it by name, from a step, with a deadline; calls are batched per tick between threads.
 */
import type { EventRecord } from './event.ts';

/** What accompanies a call: the effect id makes a repeat safe, the signal aborts on the caller's deadline or death. */
export interface ServiceCallContext {
  /** `agent/step/key`, or null for a call that changes nothing. */
  readonly effectId: string | null;
  /** Who calls: an actor's name, or '' for the main thread and other services. */
  readonly caller: string;
  readonly signal: AbortSignal;
}

export type ServiceMethod = (args: never, call: ServiceCallContext) => unknown;

/** Of a service of which nothing is known, the compiler checks nothing. */
export type UnknownMethods = Readonly<Record<string, (args: unknown) => unknown>>;

/**
 * The name of a service: a string, which says by its type what the methods take and answer, to whoever calls them and to
 * whoever makes them (`ServiceInstance<Prices>`). Any other string is the name of a service of which nothing is known.
 *
 *     interface Prices { price(article: string): number | null }
 *     const PRICES: ServiceName<Prices> = 'prices';
 *     const price = await ctx.service(PRICES, 'price', 'pear');
 */
export type ServiceName<Methods = UnknownMethods> = string & {
  /** Only for inference; never set. */
  readonly methods?: Methods;
};

/** What a method of a service takes, and what its caller gets. */
export type ArgumentOf<Method> = Method extends (args: infer Argument, call: never) => unknown ? Argument : never;
export type AnswerOf<Method> = Method extends (args: never, call: never) => infer Answer ? Awaited<Answer> : never;
/** The argument of a method that needs none. */
export type NoArguments = Readonly<Record<string, never>>;

/** Calls a method of a service by the service's name. */
export type CallService = <Methods = UnknownMethods, Method extends keyof Methods & string = keyof Methods & string>(
  service: ServiceName<Methods>,
  method: Method,
  args: ArgumentOf<Methods[Method]>,
  options?: ServiceCallOptions,
) => Promise<AnswerOf<Methods[Method]>>;

/** Methods by name; each takes one plain argument and may return a promise of plain data. */
export interface ServiceInstance<Methods = Readonly<Record<string, ServiceMethod>>> {
  readonly methods: {
    readonly [Name in keyof Methods]: (
      args: ArgumentOf<Methods[Name]>,
      call: ServiceCallContext,
    ) => AnswerOf<Methods[Name]> | Promise<AnswerOf<Methods[Name]>>;
  };
  /** Stop taking calls, finish or abort what runs, close stores. Called once, before the thread is stopped. */
  close?(): Promise<void> | void;
}

/** The durable table of a service; the shape of the journal's `ServiceStore`, said here because this floor imports nothing. */
export interface ServiceTable {
  get(key: string): Promise<unknown>;
  /** Entries with `from <= key < to`, in key order. */
  range(from: string, to: string): Promise<readonly (readonly [string, unknown])[]>;
  /** The kept result of an effect, or undefined. */
  result(effectId: string): Promise<{ readonly result: unknown } | undefined>;
  /** One transaction; a repeat of the effect id changes nothing and returns the kept result. */
  commit(group: {
    readonly effectId: string | null;
    readonly result: unknown;
    readonly changes: readonly { readonly key: string; readonly value: unknown }[];
  }): Promise<unknown>;
}

/** What a service gets from its host. */
export interface ServiceHost {
  /** This service's own table in the journal. @throws DURABLE_WITHOUT_JOURNAL when the system has no journal */
  store(name: string): ServiceTable;
  /** Call another service of this system by name. */
  readonly call: CallService;
  /** Send an unasked message to the main thread (`ActorSystem.onServiceMessage`). */
  notify(message: unknown): void;
  /** Add to the event stream of the run. */
  event(event: Omit<EventRecord, 'time'>): void;
}

export interface ServiceCallOptions {
  readonly effectId?: string | null;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The export a service module must have. `options` come from `ServiceSpec.options`; check them with zod. */
export type CreateService = (options: unknown, host: ServiceHost) => Promise<ServiceInstance> | ServiceInstance;

/** How a system is told of a service. */
export interface ServiceSpec {
  readonly name: string;
  /** URL of a module that exports a `CreateService`. */
  readonly module: string;
  /** The name of that export. Default `createService`; a bundle may hold several. */
  readonly export?: string;
  /** Plain data for `createService`. */
  readonly options?: unknown;
  /** Services with the same thread name share a thread; default: a thread of its own. 'journal' is the journal's. */
  readonly thread?: string;
}
