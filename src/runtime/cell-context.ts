/**
 * What handlers see (`ActorContext`), one per incarnation of an actor. For a durable actor everything that leaves is
 * handed to the step in progress; for an ephemeral one it leaves at once.
 *
 * Nothing of it is a method private by `#`, which would cost every context a slot and every call a check.
 *
 * Invariant: a context whose incarnation is over refuses everything, so that a handler that was given up cannot act.
 */
import {
  addRoutee,
  checkPollInterval,
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
import { timersOf } from './context-timers.ts';
import { ancestorsBelow, isPassing, type ActorCell } from './cell.ts';
import type { DurableSteps } from './durable-steps.ts';
import { OWN_PREFIX } from './effects.ts';
import type { Envelope } from './envelope.ts';
import { turnOf } from './handling.ts';
import type { Life } from './life.ts';
import { lookup, mailToNobody } from './routing.ts';
import type { ShardCore } from './shard-core.ts';
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
    const { core, life } = this.#parts;
    return timersOf(core, life, this.#cell, () => check(this.#cell, this.#retired));
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
    check(this.#cell, this.#retired);
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
    else sendOut(core, cell, { kind: 'spawn', shard, source: core.shard, record, durable, ask: 0 });
    cell.durable?.progress.spawned.push(ref);
    return ref;
  }

  stop(child?: ActorRef): void {
    check(this.#cell, this.#retired);
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
    check(this.#cell, this.#retired);
    const cell = this.#cell;
    const { core } = this.#parts;
    cell.watching ??= new Map();
    cell.watching.set(ref.id, plainRef(ref));
    const source = cell.ref.shard;
    sendOut(core, cell, { kind: 'watch', shard: ref.shard, source, to: ref.id, watcher: cell.ref, as: 'watcher' });
  }

  addRoutee<Messages extends MessageMap>(router: Router<Messages>, ref: ActorRef<Messages>): boolean {
    if (!addRoutee(router, ref)) return false;
    this.watch(ref);
    return true;
  }

  lookup<Messages extends MessageMap>(name: string): Promise<ActorRef<Messages> | null> {
    check(this.#cell, this.#retired);
    return lookup(this.#parts.core, name) as Promise<ActorRef<Messages> | null>;
  }

  tell(target: Target, type: string, body?: unknown): boolean {
    check(this.#cell, this.#retired);
    if (!isRouter(target)) return tellOne(this.#parts, this.#cell, target, type, body);
    const refs = routeesFor(target, body);
    if (refs.length === 0) this.#parts.core.deadMail(mailToNobody(this.#cell, type, body), 'no-routee', '', 'USAGE');
    return refs.map((ref) => tellOne(this.#parts, this.#cell, ref, type, body)).some(Boolean);
  }

  ask(target: Target, type: string, body: unknown, options?: AskOptions): Promise<never> {
    check(this.#cell, this.#retired);
    const { core } = this.#parts;
    const { ref: from } = this.#cell;
    const ask = (ref: ActorRef): Promise<never> =>
      goesOn(core, this.#cell, () => this.#retired, askOne(core, from, ref, type, body, options)) as Promise<never>;
    if (!isRouter(target)) return ask(target);
    return firstReply(routeesFor(target, body).map(ask));
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
    check(this.#cell, this.#retired);
    if (this.#cell.durable === null) this.#parts.life.unstash(this.#cell);
    else this.#parts.steps.unstash(this.#cell);
  }

  async effect<Result>(
    key: string,
    fn: (effectId: string, signal: AbortSignal) => Promise<Result> | Result,
    options?: EffectOptions,
  ): Promise<Result> {
    check(this.#cell, this.#retired);
    checkKey(key);
    const cell = this.#cell;
    const run = (): Promise<Result> => this.#parts.core.track(this.#called(fn, key));
    if (cell.durable === null) return run();
    const { progress } = cell.durable;
    try {
      const result = await goesOn(
        this.#parts.core,
        this.#cell,
        () => this.#retired,
        this.#parts.steps.effect(cell, cell.durable, key, run, options),
      );
      // A turn that was given up while it waited must not go on.
      check(this.#cell, this.#retired);
      return result as Result;
    } finally {
      // A try that finds the outcome recorded has not drawn what the function drew.
      progress.random = null;
      progress.drawnAfter = key;
    }
  }

  /** Not an async function: `fn` is one, nearly always. */
  #called<Result>(
    fn: (effectId: string, signal: AbortSignal) => Promise<Result> | Result,
    key: string,
  ): Promise<Result> {
    try {
      return Promise.resolve(fn(effectId(this.#cell.ref.name, this.step, key), this.signal));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  setPollInterval(ms: number): void {
    check(this.#cell, this.#retired);
    this.#cell.pollMs = checkPollInterval(ms);
  }

  interrupted(key: string): boolean {
    return this.#cell.durable?.progress.before.has(key) ?? false;
  }

  service(
    name: string,
    method: string,
    args: unknown,
    options?: { effectId?: string | null; deadlineMs?: number },
  ): Promise<never> {
    check(this.#cell, this.#retired);
    const caller = this.#cell.ref.name;
    const { callService } = this.#parts.core.parts;
    return goesOn(
      this.#parts.core,
      this.#cell,
      () => this.#retired,
      callService(name, method, args, { ...options, caller, signal: this.signal }),
    ) as Promise<never>;
  }

  async endStep({ intent }: { readonly intent?: string } = {}): Promise<void> {
    check(this.#cell, this.#retired);
    if (intent !== undefined) checkKey(intent);
    if (this.#cell.durable === null) return;
    await goesOn(
      this.#parts.core,
      this.#cell,
      () => this.#retired,
      this.#parts.steps.endStep(this.#cell, this.#cell.durable, intent),
    );
    check(this.#cell, this.#retired);
  }

  appendHistory(...entries: readonly unknown[]): void {
    check(this.#cell, this.#retired);
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
}

const check = (cell: ActorCell, retired: boolean): void => {
  const outside = cell.durable !== null && cell.status !== 'running' && cell.status !== 'stopping';
  if (!retired && !outside) return;
  throw new MegactorError('ABORTED', `'${cell.ref.name}' acts after its turn was over`);
};

/** @throws USAGE */
const checkKey = (key: string): void => {
  if (!key.startsWith(OWN_PREFIX)) return;
  throw new MegactorError('USAGE', `the key of an effect may not begin with '${OWN_PREFIX}': '${key}'`);
};

const tellOne = (
  { core, steps }: ContextParts,
  cell: ActorCell,
  ref: ActorRef,
  type: string,
  body: unknown,
): boolean => {
  if (cell.durable === null) return core.tell(cell.ref, ref, type, body);
  steps.sendMail(cell, ref, type, body);
  return true;
};

const askOne = (
  core: ShardCore,
  from: ActorRef,
  { shard, id: to, name }: ActorRef,
  type: string,
  body: unknown,
  options?: AskOptions,
): Promise<unknown> =>
  core.asks.open(shard, options?.deadlineMs ?? ASK_DEADLINE_MS, `ask '${type}' of '${name}'`, (ask) =>
    core.send({ kind: 'mail', shard, source: core.shard, to, from, type, body, ask, seq: -1 }),
  );

const sendOut = (core: ShardCore, cell: ActorCell, envelope: Envelope): void => {
  if (cell.durable === null) core.send(envelope);
  else cell.durable.progress.gated.push(envelope);
};

/** What goes on once `promise` has settled is the code of `cell`. */
const goesOn = <Value>(
  core: ShardCore,
  cell: ActorCell,
  isRetired: () => boolean,
  promise: Promise<Value>,
): Promise<Value> => {
  const resume = (): void => {
    if (!isRetired()) core.pulse.resume(turnOf(core, cell));
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
};
