/**
 * What handlers see (`ActorContext`), one per incarnation of an actor. For a durable actor everything that leaves is
 * handed to the step in progress; for an ephemeral one it leaves at once.
 *
 * Invariant: a context whose incarnation is over refuses everything, so that a handler that was given up cannot act.
 */
import {
  addRoutee,
  firstReply,
  isRouter,
  plainRef,
  resolveSpawnOptions,
  routeesFor,
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type AskOptions,
  type EffectOptions,
  type MessageMap,
  type Router,
  type SpawnOptions,
  type Target,
  type Timers,
} from '../actor/index.ts';
import { seededRandom } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { effectId, hashString } from '../protocol/ids.ts';
import type { EventInput } from '../telemetry/index.ts';
import { ASK_DEADLINE_MS } from './ask-table.ts';
import { ancestorsBelow, isPassing, type ActorCell } from './cell.ts';
import type { DurableSteps } from './durable-steps.ts';
import { OWN_PREFIX } from './effects.ts';
import type { Envelope } from './envelope.ts';
import { turnOf } from './handling.ts';
import type { Life } from './life.ts';
import { lookup, mailToNobody } from './routing.ts';
import { ownMail, type ShardCore } from './shard-core.ts';
import { shardFor, spawnRecord } from './spawn-record.ts';
import type { Spawning } from './spawning.ts';
import { decidesForChildren } from './supervision.ts';

export interface ContextParts {
  readonly core: ShardCore;
  readonly life: Life;
  readonly steps: DurableSteps;
  /** null where nothing ephemeral is. */
  readonly spawning: Spawning | null;
}

export class CellContext implements ActorContext {
  readonly #parts: ContextParts;
  readonly #cell: ActorCell;
  #retired = false;

  constructor(parts: ContextParts, cell: ActorCell) {
    this.#parts = parts;
    this.#cell = cell;
  }

  get self(): ActorRef {
    return this.#cell.ref;
  }

  get parent(): ActorRef | null {
    return this.#parts.life.family.parentOf(this.#cell);
  }

  get sender(): ActorRef | null {
    const { core } = this.#parts;
    if (core.inHand === this.#cell) return core.hand.from ?? null;
    return this.#cell.current?.from ?? null;
  }

  get step(): number {
    return this.#cell.durable?.step ?? this.#cell.turn;
  }

  get durable(): boolean {
    return this.#cell.durable !== null;
  }

  get signal(): AbortSignal {
    this.#cell.abort ??= new AbortController();
    return this.#cell.abort.signal;
  }

  get history(): readonly unknown[] {
    return this.#cell.durable?.history ?? [];
  }

  get timers(): Timers {
    return this.#makeTimers();
  }

  /** Nothing that still holds this context may act any more. */
  retire(): void {
    this.#retired = true;
  }

  spawn<ChildState, Init, Messages extends MessageMap>(
    definition: ActorDefinition<ChildState, Init, Messages>,
    init: Init,
    options?: SpawnOptions,
  ): ActorRef<Messages> {
    this.#check();
    const { core, life, steps, spawning } = this.#parts;
    const cell = this.#cell;
    const durable = options?.durable === true;
    if (durable && core.parts.log === null) {
      throw new MegactorError('DURABLE_WITHOUT_JOURNAL', `'${options.name ?? definition.export}' has no journal`);
    }
    const resolved = resolveSpawnOptions(options);
    const shard = shardFor(options, core, cell.ref);
    const isNew = options?.id === undefined && options?.name === undefined;
    const own = decidesForChildren(cell.definition) ? { ...resolved, supervised: true as const } : resolved;
    if (isNew && !durable && cell.durable === null && shard === core.shard && spawning !== null) {
      return spawning.beside(cell, definition, own, init) as ActorRef<Messages>;
    }
    const { record } = spawnRecord(definition, init, options, own, {
      shards: core.shards,
      allocate: () => core.allocator.next(),
      nextShard: () => shard,
      parent: cell.ref,
      ancestors: ancestorsBelow(cell),
    });
    const named = shard === core.shard ? core.names.get(record.name) : undefined;
    if (named !== undefined && named.ref.id !== record.id) {
      throw new MegactorError('ACTOR_NAME_TAKEN', `an actor called '${record.name}' exists`);
    }
    const ref = { shard, id: record.id, name: record.name };
    life.family.add(cell, ref, durable);
    if (cell.durable !== null && durable) steps.sendSpawn(cell, shard, record);
    else this.#send({ kind: 'spawn', shard, source: core.shard, record, durable, ask: 0 });
    cell.durable?.progress.spawned.push(ref);
    return ref;
  }

  stop(child?: ActorRef): void {
    this.#check();
    if (child !== undefined && child.id !== this.#cell.ref.id) {
      if (this.#cell.durable !== null)
        this.#parts.steps.sendSignal(this.#cell, child, { kind: 'stop', reason: 'parent' });
      else this.#parts.life.family.askToStop(this.#cell, child, 'parent');
      return;
    }
    if (this.#cell.ended) return;
    if (this.#cell.durable !== null) this.#parts.steps.stopSelf(this.#cell);
    if (isPassing(this.#cell.stopRequest)) this.#cell.stopRequest = { reason: 'stopped itself', by: 'self' };
    // In the middle of a turn the stop follows at its end.
    if (this.#cell.status !== 'running') this.#parts.life.stopNow(this.#cell);
  }

  watch(ref: ActorRef): void {
    this.#check();
    const cell = this.#cell;
    cell.watching ??= new Map();
    cell.watching.set(ref.id, plainRef(ref));
    const source = cell.ref.shard;
    this.#send({ kind: 'watch', shard: ref.shard, source, to: ref.id, watcher: cell.ref, as: 'watcher' });
  }

  addRoutee<Messages extends MessageMap>(router: Router<Messages>, ref: ActorRef<Messages>): boolean {
    if (!addRoutee(router, ref)) return false;
    this.watch(ref);
    return true;
  }

  lookup<Messages extends MessageMap>(name: string): Promise<ActorRef<Messages> | null> {
    this.#check();
    return lookup(this.#parts.core, name) as Promise<ActorRef<Messages> | null>;
  }

  tell(target: Target, type: string, body?: unknown): boolean {
    this.#check();
    if (!isRouter(target)) return this.#tell(target, type, body);
    const refs = routeesFor(target, body);
    if (refs.length === 0) this.#parts.core.deadMail(mailToNobody(this.#cell, type, body), 'no-routee', '', 'USAGE');
    return refs.map((ref) => this.#tell(ref, type, body)).some(Boolean);
  }

  ask(target: Target, type: string, body: unknown, options?: AskOptions): Promise<never> {
    this.#check();
    if (!isRouter(target)) return this.#ask(target, type, body, options);
    return firstReply(routeesFor(target, body).map((ref) => this.#ask(ref, type, body, options)));
  }

  #tell(ref: ActorRef, type: string, body: unknown): boolean {
    const cell = this.#cell;
    if (cell.durable !== null) {
      this.#parts.steps.sendMail(cell, ref, type, body);
      return true;
    }
    return this.#parts.core.tell(cell.ref, ref, type, body);
  }

  #ask(ref: ActorRef, type: string, body: unknown, options?: AskOptions): Promise<never> {
    const { core } = this.#parts;
    const { shard, id: to, name } = ref;
    const from = this.#cell.ref;
    const source = core.shard;
    const send = (ask: number): boolean =>
      core.send({ kind: 'mail', shard, source, to, from, type, body, ask, seq: -1 });
    const deadlineMs = options?.deadlineMs ?? ASK_DEADLINE_MS;
    const answer = core.asks.open(shard, deadlineMs, `ask '${type}' of '${name}'`, send, options?.signal);
    return this.#resumes(answer) as Promise<never>;
  }

  stash(): void {
    const { core } = this.#parts;
    const mail = core.mailInHand(this.#cell);
    if (mail === null) throw new MegactorError('USAGE', 'stash works while one message is handled, not in a batch');
    this.#cell.stash ??= [];
    if (this.#cell.stash.length >= this.#cell.options.mailbox.capacity) {
      throw new MegactorError('MAILBOX_FULL', `'${this.#cell.ref.name}' has stashed as much as its mailbox may hold`);
    }
    this.#cell.stash.push(mail);
    this.#cell.current = null;
    if (core.inHand === this.#cell) core.inHand = null;
    if (this.#cell.durable !== null) this.#parts.steps.untake(this.#cell.durable, mail);
  }

  unstash(): void {
    this.#check();
    this.#parts.life.unstash(this.#cell);
  }

  async effect<Result>(
    key: string,
    fn: (effectId: string, signal: AbortSignal) => Promise<Result> | Result,
    options?: EffectOptions,
  ): Promise<Result> {
    this.#check();
    if (key.startsWith(OWN_PREFIX)) {
      throw new MegactorError('USAGE', `the key of an effect may not begin with '${OWN_PREFIX}': '${key}'`);
    }
    const cell = this.#cell;
    const call = async (): Promise<Result> => fn(effectId(cell.ref.name, this.step, key), this.signal);
    const run = (): Promise<Result> => this.#parts.core.track(call());
    if (cell.durable === null) return run();
    const { progress } = cell.durable;
    try {
      const result = await this.#resumes(this.#parts.steps.effect(cell, cell.durable, key, run, options));
      // A turn that was given up while it waited must not go on.
      this.#check();
      return result as Result;
    } finally {
      // A try that finds the outcome recorded has not drawn what the function drew.
      progress.random = null;
      progress.drawnAfter = key;
    }
  }

  interrupted(key: string): boolean {
    return this.#cell.durable?.progress.before.has(key) ?? false;
  }

  service(
    name: string,
    method: string,
    args: unknown,
    options?: { effectId?: string | null; deadlineMs?: number },
  ): Promise<unknown> {
    this.#check();
    const caller = this.#cell.ref.name;
    const { callService } = this.#parts.core.parts;
    return this.#resumes(callService(name, method, args, { ...options, caller, signal: this.signal }));
  }

  async endStep(): Promise<void> {
    this.#check();
    if (this.#cell.durable === null) return;
    await this.#resumes(this.#parts.steps.endStep(this.#cell, this.#cell.durable));
    this.#check();
  }

  appendHistory(...entries: readonly unknown[]): void {
    this.#check();
    if (this.#cell.durable === null) throw new MegactorError('USAGE', 'only a durable actor has a history');
    this.#cell.durable.history.push(...entries);
  }

  now(): number {
    const progress = this.#cell.durable?.progress;
    if (progress === undefined) return this.#parts.core.clock.now();
    progress.nowMs ??= this.#parts.core.clock.now();
    return progress.nowMs;
  }

  random(): number {
    const { seed } = this.#parts.core.parts;
    const progress = this.#cell.durable?.progress;
    const stream = hashString(this.#cell.ref.name, seed);
    if (progress === undefined) {
      this.#cell.random ??= seededRandom(stream);
      return this.#cell.random();
    }
    progress.random ??= seededRandom(hashString(progress.drawnAfter, stream), this.step + 1);
    return progress.random();
  }

  log(message: string, fields?: Record<string, unknown>): void {
    this.event({ ...fields, type: 'turn', agent: this.#cell.ref.name, log: message });
  }

  event(event: EventInput): void {
    const progress = this.#cell.durable?.progress;
    if (progress === undefined) this.#parts.core.parts.onEvent(event);
    else progress.events.push(event);
  }

  /** What goes on once `promise` has settled is the code of this actor. */
  #resumes<Value>(promise: Promise<Value>): Promise<Value> {
    const { core } = this.#parts;
    const resume = (): void => {
      if (!this.#retired) core.pulse.resume(turnOf(core, this.#cell));
    };
    core.pulse.hold();
    return promise.then(
      (value) => {
        resume();
        return value;
      },
      (thrown: unknown) => {
        resume();
        throw thrown;
      },
    );
  }

  #send(envelope: Envelope): void {
    if (this.#cell.durable === null) this.#parts.core.send(envelope);
    else this.#cell.durable.progress.gated.push(envelope);
  }

  #check(): void {
    const outside = this.#cell.durable !== null && this.#cell.status !== 'running' && this.#cell.status !== 'stopping';
    if (!this.#retired && !outside) return;
    throw new MegactorError('ABORTED', `'${this.#cell.ref.name}' acts after its turn was over`);
  }

  #makeDurableTimers(): Timers {
    const cell = this.#cell;
    const { timers } = this.#parts.core;
    return {
      once: (key, delayMs, type, body) => {
        this.#check();
        timers.set(cell, key, delayMs, null, { type, body });
      },
      every: (key, periodMs, type, body) => {
        this.#check();
        timers.set(cell, key, periodMs, periodMs, { type, body });
      },
      cancel: (key) => {
        this.#check();
        timers.cancel(cell, key);
      },
    };
  }

  #makeTimers(): Timers {
    const cell = this.#cell;
    if (cell.durable !== null) return this.#makeDurableTimers();
    const { core, life } = this.#parts;
    const cancel = (key: string): void => {
      cell.timers?.get(key)?.cancel();
      cell.timers?.delete(key);
    };
    return {
      cancel,
      once: (key, delayMs, type, body) => {
        this.#check();
        cancel(key);
        cell.timers ??= new Map();
        const fire = (): void => {
          cell.timers?.delete(key);
          life.deliverOwn(cell, ownMail(cell, type, body));
        };
        cell.timers.set(key, core.clock.after(delayMs, fire));
      },
      every: (key, periodMs, type, body) => {
        this.#check();
        cancel(key);
        cell.timers ??= new Map();
        const fire = (): void => life.deliverOwn(cell, ownMail(cell, type, body));
        cell.timers.set(key, core.clock.every(periodMs, fire));
      },
    };
  }
}
