/**
 * A system of actors, seen from the main thread: starts the threads, spawns, tells, asks, watches, stops. The main
 * thread hosts no actors, so whoever embeds a system keeps the event loop.
 *
 * Invariants: A5 every ask of the main thread settles. A6 so do asks and watches when a host dies. Everything that was
 * started is stopped again, also when the start fails half-way.
 */
import {
  plainRef,
  type ActorDefinition,
  type ActorRef,
  type DeadLetter,
  type MessageMap,
  type Router,
  type SpawnOptions,
} from '../actor/index.ts';
import type { Lease } from '../journal/index.ts';
import type { DurabilityLevel, JournalClient, Outgoing } from '../journal/shard-log.ts';
import { errorFromWire, MegactorError } from '../protocol/errors.ts';
import { MAIN_SHARD, shardOfName, type ActorAddress } from '../protocol/ids.ts';
import type { AnswerOf, ArgumentOf, ServiceCallOptions, ServiceName, UnknownMethods } from '../protocol/service.ts';
import { CounterRow, EventStream, sumCounters, type CounterValues } from '../telemetry/index.ts';
import type { FromHost } from './host-wire.ts';
import type { HostState } from './host-record.ts';
import { Hosts } from './hosts.ts';
import type { ServiceClient } from './service-client.ts';
import type { ServiceThreads } from './service-threads.ts';
import type { FoundActor } from './shard.ts';
import type { ActorSnapshot, InspectOptions } from './snapshot.ts';
import { resolveSystemOptions, type StopOptions, type SystemOptions } from './system-options.ts';
import { startParts, throwIfAborted, type SystemParts } from './system-parts.ts';
import { type ActorSurvey, Survey } from './survey.ts';
import type { UnheardFailure } from './unheard.ts';
import { SystemRef } from './system-ref.ts';
import { SystemRouter, type SystemRouterOptions } from './system-router.ts';
import { SystemSpawns, type PlacedRecord } from './system-spawns.ts';
import { MainEndpoint } from './main-endpoint.ts';
import type { Ended } from './main-watches.ts';

const STOP_DEADLINE_MS = 5_000;

export interface SystemStats {
  readonly total: CounterValues;
  readonly shards: readonly CounterValues[];
  readonly hosts: number;
  /** One per host. */
  readonly hostStates: readonly HostState[];
  readonly hostDeaths: number;
  /** Events lost because somebody was too slow. */
  readonly eventsDropped: number;
}

export class ActorSystem {
  /** The journal as the main thread uses it; null without one. */
  readonly journal: JournalClient | null;
  readonly seed: number;
  readonly shards: number;
  /** Every event of every thread, as it comes. */
  readonly events = new EventStream();
  readonly #options: SystemOptions;
  readonly #lease: Lease | null;
  readonly #services: ServiceThreads;
  readonly #client: ServiceClient;
  readonly #hosts: Hosts;
  readonly #survey: Survey;
  readonly #counters: readonly CounterRow[];
  readonly #endpoint: MainEndpoint;
  readonly #spawns: SystemSpawns;
  #hostDeaths = 0;
  #stopped: Promise<void> | null = null;
  #unlisten: () => void = () => undefined;

  private constructor(
    options: SystemOptions,
    { settings, services, client, journal, memory, lease, pool }: SystemParts,
  ) {
    this.#options = options;
    this.#lease = lease;
    this.#services = services;
    this.#client = client;
    this.journal = journal;
    this.seed = settings.seed;
    this.shards = settings.shards;
    this.#spawns = new SystemSpawns(settings.shards);
    this.#counters = Array.from({ length: settings.shards }, (_, shard) => new CounterRow(memory, shard));
    this.#endpoint = new MainEndpoint(settings.clock, (envelope) => this.#hosts.send(envelope), this.events);
    if (options.onEvent !== undefined) this.events.listen(options.onEvent);
    this.#hosts = new Hosts({
      clock: settings.clock,
      ground: settings.ground,
      pool,
      services,
      common: {
        hosts: settings.hosts,
        shards: settings.shards,
        seed: settings.seed,
        counters: memory,
        directory: services.directory,
        limits: settings.limits,
        checkMail: options.checkMail === true,
        deterministic: settings.deterministic,
        definitions: settings.definitions,
      },
      restartsMax: settings.hostRestartsMax,
      blockedAfterMs: settings.blockedAfterMs,
      onPoison: ({ shard, actor }, type) => this.#endpoint.poisoned({ shard, id: actor, name: '' }, type),
      onEnvelopes: (envelopes) => this.#endpoint.receive(envelopes),
      onRefused: (envelope, error) => this.#endpoint.refused(envelope, error),
      onMessage: (message) => this.#onHostMessage(message),
      onDied: (shards) => this.#onDied(shards),
      onBack: (shards, idMax) => this.#onBack(shards, idMax),
      onDeath: (death) => {
        if (!death.replaced) this.#endpoint.hostGone(new Set(death.shards));
        options.onHostDeath?.(death);
      },
    });
    this.#survey = new Survey(this.#hosts, journal);
  }

  /**
   * Starts threads and services, and recovers what the journal holds.
   * @throws CONFIG_INVALID, HOST_START_FAILED, SERVICE_FAILED, JOURNAL_*, RUN_DIR_IN_USE, ABORTED, and what a service throws
   */
  static async start(options: SystemOptions = {}): Promise<ActorSystem> {
    const settings = resolveSystemOptions(options);
    const { signal } = options;
    throwIfAborted(signal);
    const early: { system: ActorSystem | null } = { system: null };
    const parts = await startParts(options, settings, (batch) => early.system?.events.addBatch(batch));
    const system = new ActorSystem(options, parts);
    early.system = system;
    try {
      throwIfAborted(signal);
      system.#spawns.useIdsAbove(await system.#hosts.start(parts.services.ready()));
      throwIfAborted(signal);
    } catch (thrown) {
      await system.stop({ deadlineMs: 0 });
      throw thrown;
    }
    if (signal !== undefined) system.#stopAtAbort(signal);
    return system;
  }

  /**
   * Starts an actor. A durable one is in the journal when this resolves.
   * @throws ACTOR_NAME_TAKEN, DEFINITION_INVALID, DURABLE_WITHOUT_JOURNAL, CONFIG_INVALID, ACTOR_FAILED, HOST_DIED
   */
  async spawn<State, Init, Messages extends MessageMap>(
    definition: ActorDefinition<State, Init, Messages>,
    init: Init,
    options?: SpawnOptions,
  ): Promise<SystemRef<Messages>> {
    this.#checkRunning();
    const durable = options?.durable === true;
    if (durable && this.journal === null) {
      throw new MegactorError('DURABLE_WITHOUT_JOURNAL', `'${options.name ?? definition.export}' is to be durable`);
    }
    const { shard, record, ref } = this.actorRecord(definition, init, options);
    await this.#hosts.onShard(shard, 'spawn', shard, record, durable);
    return new SystemRef<Messages>(this.#endpoint, ref);
  }

  /** What `deliver` needs to spawn a durable actor; nothing is started. @throws CONFIG_INVALID */
  actorRecord<State, Init, Messages extends MessageMap>(
    definition: ActorDefinition<State, Init, Messages>,
    init: Init,
    options?: SpawnOptions,
    parent: ActorRef | null = null,
  ): PlacedRecord {
    return this.#spawns.place(definition, init, options, parent);
  }

  /** Puts spawns and mail for durable actors into the journal in one commit. @throws DURABLE_WITHOUT_JOURNAL, DISK */
  async deliver(outgoing: readonly Outgoing[], level?: DurabilityLevel): Promise<void> {
    this.#checkRunning();
    if (this.journal === null) throw new MegactorError('DURABLE_WITHOUT_JOURNAL', 'deliver needs a journal');
    await this.journal.deliver(outgoing, level);
  }

  /** The actor called `name`, or null. Looks first where names live, then everywhere. */
  async lookup<Messages extends MessageMap = MessageMap>(name: string): Promise<SystemRef<Messages> | null> {
    this.#checkRunning();
    let found: FoundActor | null = await this.#hosts.onShard(shardOfName(name, this.shards), 'lookup', name);
    found ??= (await this.#hosts.onAll('lookup', name)).find((answer) => answer !== null) ?? null;
    return found === null ? null : new SystemRef<Messages>(this.#endpoint, found.ref);
  }

  /** A ref that can tell and ask, from one that came as plain data. */
  ref<Messages extends MessageMap>(ref: ActorRef<Messages>): SystemRef<Messages> {
    return new SystemRef<Messages>(this.#endpoint, ref);
  }

  /**
   * Several actors, told and asked like one: `system.router(roundRobin(refs))`, `consistentHash(refs, { by: 'customer' })`,
   * `broadcast(refs)`. Those that stop are taken out. The router given is copied.
   */
  router<Messages extends MessageMap>(
    router: Router<Messages>,
    options?: SystemRouterOptions<Messages>,
  ): SystemRouter<Messages> {
    this.#checkRunning();
    return new SystemRouter<Messages>(this.#endpoint, router, options);
  }

  /**
   * Resolves when the actor has stopped, with the reason; at once for one that does not exist.
   * @throws ABORTED by the signal, which ends the waiting and nothing else
   */
  watch(ref: ActorRef, options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    this.#checkRunning();
    return this.#endpoint.watch(ref, options.signal);
  }

  /** The same, with the state that a durable actor had committed when it failed for good. */
  watchEnd(ref: ActorRef, options: { readonly signal?: AbortSignal } = {}): Promise<Ended> {
    this.#checkRunning();
    return this.#endpoint.watchEnd(ref, options.signal);
  }

  /** Asks an actor to stop, its children first; `watch` tells when it has. */
  stopActor(ref: ActorRef): void {
    this.#endpoint.stop(plainRef(ref));
  }

  /** @throws SERVICE_*, ABORTED, and what the service throws */
  callService<Methods = UnknownMethods, Method extends keyof Methods & string = keyof Methods & string>(
    service: ServiceName<Methods>,
    method: Method,
    args: ArgumentOf<Methods[Method]>,
    options?: ServiceCallOptions,
  ): Promise<AnswerOf<Methods[Method]>> {
    return this.#client.call(service, method, args, options) as Promise<AnswerOf<Methods[Method]>>;
  }

  /** Starts no more turns. Turns that fail with ABORTED from now on are given up, not restarted. */
  async quiesce(): Promise<void> {
    await this.#hosts.onAll('quiesce');
  }

  /** Quiesces and waits for the turns under way until the deadline, then gives them up; the threads go on. */
  async drain(options: { readonly deadlineMs: number }): Promise<void> {
    await this.#hosts.drain(options.deadlineMs);
  }

  /** Read from shared memory: it needs nobody's answer. */
  stats(): SystemStats {
    const shards = this.#counters.map((row) => row.read());
    return {
      total: sumCounters(shards),
      shards,
      hosts: this.#hosts.count,
      hostStates: this.#hosts.states(),
      hostDeaths: this.#hostDeaths,
      eventsDropped: this.events.dropped,
    };
  }

  /** The actors of `survey`. */
  async actors(): Promise<readonly ActorSnapshot[]> {
    return (await this.survey()).actors;
  }

  /** All actors in memory, and which hosts did not answer. Passive actors are only counted, in `stats()`. */
  survey(): Promise<ActorSurvey> {
    this.#checkRunning();
    return this.#survey.all();
  }

  /**
   * These actors, in memory or passive. Nobody is woken. Of a host that does not answer the journal tells, which is marked
   * as `stale`. Left out is who does not exist, and who is ephemeral on such a host.
   * @param options `state: ['name', …]`: only these fields of states that are objects, for looks at many
   */
  inspect(refs: readonly ActorAddress[], options: InspectOptions = {}): Promise<ActorSnapshot[]> {
    this.#checkRunning();
    return this.#survey.some(refs, options);
  }

  /** Failures for good of durable actors that nobody above has heard of yet, as the journal has them. Costs a read of all shards. */
  unheardFailures(): Promise<readonly UnheardFailure[]> {
    this.#checkRunning();
    return this.#survey.unheard(this.shards);
  }

  /**
   * The last ones of every shard and of the main thread, oldest first: 1,000 each, with bodies up to 16 KiB, 1 MiB in all.
   * Those of a host that does not answer are left out.
   */
  async deadLetters(): Promise<DeadLetter[]> {
    const letters = [...this.#endpoint.deadLetters(), ...(await this.#hosts.onAll('deadLetters')).flat()];
    return letters.sort((a, b) => a.time - b.time);
  }

  /**
   * Sends a dead letter again, as from outside, to its receiver or to another. It stays among the dead letters, and sent
   * twice it arrives twice. What was an ask is told: nobody waits for the reply any more. False when refused at once.
   * @throws LETTER_NOT_KEPT without its body, USAGE when it had no receiver and none is given, SYSTEM_STOPPED
   */
  resend(letter: DeadLetter, options: { readonly to?: ActorRef } = {}): boolean {
    this.#checkRunning();
    if (!letter.kept) throw new MegactorError('LETTER_NOT_KEPT', `the body of '${letter.type}' was not kept`);
    const to = options.to ?? { ...letter.to, name: letter.toName };
    if (to.shard === MAIN_SHARD) throw new MegactorError('USAGE', `'${letter.type}' had no receiver: give one`);
    return this.#endpoint.tellFrom(to, letter.type, letter.body);
  }

  /**
   * Starts no more turns, lets those under way end until the deadline, gives them up then, and ends all threads.
   * Nothing of a durable actor is lost. Resolves when everything is closed; further calls wait for the first.
   * @param options `checkpoint: false` for a journal that will only be read: what only the log says of actors is not put
   *   into snapshots first, which the next start would be quicker with
   */
  stop(options: StopOptions = {}): Promise<void> {
    this.#endpoint.close();
    this.#unlisten();
    this.#stopped ??= this.#stop(options);
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #onHostMessage(message: Exclude<FromHost, { kind: 'types' }>): void {
    switch (message.kind) {
      case 'events':
        this.events.addBatch(message.batch);
        return;
      case 'shard-failed':
        this.#options.onFailure?.({
          part: 'shard',
          name: String(message.shard),
          error: errorFromWire(message.error),
        });
        return;
      default:
        message satisfies never;
    }
  }

  #onDied(shards: readonly number[]): void {
    this.#hostDeaths += 1;
    this.#endpoint.hostDied(new Set(shards));
    // What was in the mailboxes died with them.
    for (const level of ['mailboxDepth', 'spilled', 'resident', 'passive'] as const) {
      for (const shard of shards) this.#counters[shard]?.set(level, 0);
    }
  }

  #onBack(shards: readonly number[], idMax: number): void {
    this.#spawns.useIdsAbove(idMax);
    this.#endpoint.hostBack(new Set(shards));
  }

  /** As somebody would who calls `stop()`; what is thrown there is thrown to whoever calls it then. */
  #stopAtAbort(signal: AbortSignal): void {
    const onAbort = (): void => {
      this.stop().catch(() => undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  #checkRunning(): void {
    if (this.#stopped !== null) throw new MegactorError('SYSTEM_STOPPED', 'the system was stopped');
  }

  async #stop({ deadlineMs = STOP_DEADLINE_MS, checkpoint = true }: StopOptions): Promise<void> {
    try {
      await this.#hosts.stop(deadlineMs, checkpoint);
      this.#endpoint.end();
      await this.journal?.close();
    } finally {
      await this.#services.stop();
      this.#lease?.release();
      this.#client.close();
      this.events.end();
    }
  }
}
