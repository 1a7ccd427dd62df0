/** What a handler may do: the interface that a shard implements for each actor. */
import type { EventRecord } from '../protocol/event.ts';
import type { AnswerOf, ArgumentOf, ServiceName, UnknownMethods } from '../protocol/service.ts';
import type { Router, Target } from './router.ts';
import type { ActorDefinition, ActorRef, BodyOf, MessageMap, ReplyOf, SpawnOptions } from './definition.ts';

export interface AskOptions {
  /** Default 5,000 ms. */
  readonly deadlineMs?: number;
  /** Aborted, the ask rejects at once with ABORTED. It ends the waiting, not the handler. */
  readonly signal?: AbortSignal;
}

export interface EffectOptions {
  /**
   * `now` (default): the result is appended to the journal and has reached the run's level before `effect` resolves.
   * For what costs money or cannot be repeated. `step`: the result is written with the step's commit. For services
   * that answer a repeated effect id from their own store.
   */
  readonly record?: 'now' | 'step';
  /** Write an intent before `fn` runs (level committed), so that a crash in the middle is counted. Default: record is 'now'. */
  readonly intent?: boolean;
  /**
   * Begin `fn` at most once per key and step: for programs and tools that cannot tell a repetition. The intent has
   * reached the run's level before `fn` runs. When a try of the step ended (crash, dead host, failed handler) while `fn`
   * was under way, a later try does not run it again, but rejects with UNKNOWN_OUTCOME. What `fn` threw is recorded as
   * the outcome too (EFFECT_FAILED unless it is a MegactorError), since a failure does not prove that nothing happened:
   * to try again, choose another key. All tries of the step see the same outcome. Implies `record: 'now'` and `intent`.
   */
  readonly atMostOnce?: boolean;
}

/**
 * Mail to self at a later time. In an ephemeral actor a timer is set at once and ends with the actor. In a durable actor
 * it is set, replaced or cancelled by the commit of the step, and not at all when the step fails; its time counts from
 * `ctx.now()` on the wall clock, goes on while the actor or the process is not there, and what is overdue then fires once.
 * The mail of a timer that was cancelled or replaced is not handled, although it may have been waiting.
 * @throws in a durable actor: USAGE for a time that is none or more than 1,024 timers, MESSAGE_NOT_CLONEABLE
 */
export interface Timers {
  /** Tells self `type` after `delayMs`; a timer with the same key is replaced. */
  once(key: string, delayMs: number, type: string, body?: unknown): void;
  /**
   * Tells self `type` every `periodMs`, first after `periodMs`. A durable actor gets the next one when it has handled the
   * last, in the rhythm of the first; periods that it missed come as one.
   */
  every(key: string, periodMs: number, type: string, body?: unknown): void;
  cancel(key: string): void;
}

export interface ActorContext<State = unknown> {
  readonly self: ActorRef;
  readonly parent: ActorRef | null;
  /** The sender of the message being handled; null in a batch handler (each mail has its own) and for mail from outside. */
  readonly sender: ActorRef | null;
  /** Steps of this actor that have ended; the number of the step in progress. */
  readonly step: number;
  /** True for a durable actor. */
  readonly durable: boolean;
  /** Aborts when the actor is stopped by force, its host shuts down, or its turn is given up. */
  readonly signal: AbortSignal;

  spawn<ChildState, Init, Messages extends MessageMap>(
    definition: ActorDefinition<ChildState, Init, Messages>,
    init: Init,
    options?: SpawnOptions,
  ): ActorRef<Messages>;
  /** Stops self (after this turn) or a child. */
  stop(child?: ActorRef): void;
  watch(ref: ActorRef): void;
  /** The actor of that name, or null. A durable actor asks within an `effect`, so that a step that is tried again agrees. */
  lookup<Messages extends MessageMap = MessageMap>(name: string): Promise<ActorRef<Messages> | null>;
  /** Adds to a router of the state, and watches. False when it is a routee already. */
  addRoutee<Messages extends MessageMap>(router: Router<Messages>, ref: ActorRef<Messages>): boolean;
  /** In a durable actor what is told leaves when the step commits. False when refused at once. */
  tell<Messages extends MessageMap, Type extends keyof Messages & string>(
    ref: Target<Messages>,
    type: Type,
    ...body: undefined extends BodyOf<Messages[Type]> ? [body?: BodyOf<Messages[Type]>] : [body: BodyOf<Messages[Type]>]
  ): boolean;
  ask<Messages extends MessageMap, Type extends keyof Messages & string>(
    ref: Target<Messages>,
    type: Type,
    body: BodyOf<Messages[Type]>,
    options?: AskOptions,
  ): Promise<ReplyOf<Messages[Type]>>;
  /** Puts the message being handled aside; `unstash` puts all of them back in front of the mailbox. */
  stash(): void;
  unstash(): void;
  readonly timers: Timers;
  /**
   * From now on the actor waits so long when it is idle, instead of its option `pollIntervalMs`: an actor whose turns are dear
   * may wait for as long as one would take. In memory only: whoever starts again begins with the option.
   * @param ms milliseconds, 0 for not at all @throws CONFIG_INVALID
   */
  setPollInterval(ms: number): void;

  /**
   * Runs `fn` once per key of this step, however often the step is tried. `fn` gets the effect id (`actor/step/key`).
   * In an ephemeral actor it just runs. Keys do not begin with `@`.
   * @throws what `fn` throws, which is not recorded unless the call is `atMostOnce`; UNKNOWN_OUTCOME
   */
  effect<Result>(
    key: string,
    fn: (effectId: string, signal: AbortSignal) => Promise<Result> | Result,
    options?: EffectOptions,
  ): Promise<Result>;
  /** True while a recorded effect or intent of this key exists from before a crash: the call may repeat one that was made. */
  interrupted(key: string): boolean;
  /**
   * Calls a service; see `ServiceSpec`, and `ServiceName` for what the compiler knows of it. The effect id, when given, makes
   * a repeat safe. @throws SERVICE_*
   */
  service<Methods = UnknownMethods, Method extends keyof Methods & string = keyof Methods & string>(
    name: ServiceName<Methods>,
    method: Method,
    args: ArgumentOf<Methods[Method]>,
    options?: { effectId?: string | null; deadlineMs?: number },
  ): Promise<AnswerOf<Methods[Method]>>;
  /**
   * Durable actors: commits mail consumed, state, history, output and effects now; the turn goes on with a new step.
   * `intent`: the new step will begin with the effect of this key, whose intent is in this commit already: one append
   * to the journal less. A step that does without it after all is none the worse; but a crash before a call `atMostOnce`
   * leaves its outcome unknown although it was not begun.
   */
  endStep(options?: { readonly intent?: string }): Promise<void>;
  /** Entries appended so far, oldest first. Durable actors keep it in the journal; it is not part of `state`. */
  readonly history: readonly unknown[];
  appendHistory(...entries: readonly unknown[]): void;

  /** Milliseconds since the epoch, fixed for a step of a durable actor and journaled with it. */
  now(): number;
  /**
   * In [0, 1), seeded by the system's seed, the actor's name, its step and the effect of the step that ended last: what the
   * function of an effect draws changes nothing for a try that finds the result recorded.
   */
  random(): number;
  log(message: string, fields?: Record<string, unknown>): void;
  /** Adds to the event stream; with a durable actor it leaves when the step commits. */
  event(event: Omit<EventRecord, 'time'>): void;
  /** Only for inference; never set. */
  readonly stateType?: State;
}
