/**
 * A whole system in one thread: the real runtime (`ActorSystem`, its hosts, shards, links, services and journal) over a
 * simulated process, in which one seed decides what goes on next, how long everything takes, and, when it is asked to,
 * what fails. Two runs of one seed that do the same have the same `traceHash`.
 *
 * What is real: everything that the runtime does. What is simulated: time, ports and threads, and the disk. What it does
 * not do: run handlers that wait for something from outside of the simulation (real timers, real input and output).
 */
import type { ActorDefinition, ActorRef, AskOptions, MessageMap, SpawnOptions } from '../actor/index.ts';
import type { DurabilityLevel } from '../journal/shard-log.ts';
import type { Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { ActorSystem, type SystemOptions, type SystemRef } from '../runtime/index.ts';
import type { Host } from '../runtime/host.ts';
import { Probe, probeDefinition, type ProbeBox } from './probe.ts';
import { drawFaults, NO_FAULTS, type Draws, type SimulatedFaults } from './faults.ts';
import { Scheduler, Thread } from './scheduler.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk, type CrashKind } from './simulated-disk.ts';
import { SimulatedGround } from './simulated-ground.ts';

export type InMemoryModules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface SimulationOptions {
  readonly seed: number;
  /** Simulated host threads. Default 2. */
  readonly hosts?: number;
  /** Default 4. */
  readonly shards?: number;
  /** The level of the simulated journal; null: none. Default `flushed`. */
  readonly journal?: DurabilityLevel | null;
  /** What takes time and goes wrong by itself. Default: nothing takes time, nothing goes wrong. */
  readonly faults?: Partial<SimulatedFaults>;
  /**
   * Modules as they are in memory, by the URL that their definitions were made with: their exports go before what an import
   * of that URL gives. Definitions that `spawn` and `probe` get are known by themselves. A function of the simulated time
   * for services that want a clock.
   */
  readonly modules?: InMemoryModules | ((clock: Clock) => InMemoryModules);
  /** Anything else that a system takes. */
  readonly system?: Omit<
    SystemOptions,
    'threads' | 'shards' | 'seed' | 'journal' | 'clock' | 'ground' | 'deterministic' | 'hostEntry'
  >;
}

export interface RunLimits {
  /** Most steps. Default 1,000,000. */
  readonly stepsMax?: number;
  /** Most milliseconds of simulated time. Default 600,000. */
  readonly ms?: number;
}

const STEPS_MAX = 1_000_000;
const RUN_MS = 600_000;
/** Time that passes takes steps: heartbeats alone are five a second. */
const MS_PER_STEP = 50;
/** A system in which no timer is due for so long is quiet. */
const REST_MS = 100;
const STOP_DEADLINE_MS = 5_000;
/** Where the definitions of probes come from. */
const PROBES = 'testkit:probes';

export class SimulatedSystem {
  readonly options: SimulationOptions;
  readonly #scheduler: Scheduler;
  readonly #disk: SimulatedDisk;
  readonly #clock: SimulatedClock;
  readonly #draws: Draws;
  #ground: SimulatedGround | null = null;
  #system: ActorSystem | null = null;
  #processes = 0;
  #probes = 0;
  /** Those of the options. */
  readonly #given: InMemoryModules;
  /** What an import of a URL gives before its module is asked. */
  readonly #modules = new Map<string, Record<string, unknown>>();
  readonly #hostEnds: ((host: number) => void)[] = [];

  private constructor(options: SimulationOptions) {
    this.options = options;
    const faults = { ...NO_FAULTS, ...options.faults };
    const { stepTakesChance, stepTakesMaxMs, slowLanes } = faults;
    this.#scheduler = new Scheduler({ seed: options.seed, stepTakesChance, stepTakesMaxMs, slowLanes });
    this.#clock = new SimulatedClock(this.#scheduler, new Thread('world'));
    const { modules = {} } = options;
    this.#given = typeof modules === 'function' ? modules(this.#clock) : modules;
    for (const [url, exports] of Object.entries(this.#given)) this.#modules.set(url, { ...exports });
    this.#draws = drawFaults(faults, this.#scheduler.random);
    this.#disk = new SimulatedDisk(this.#scheduler, this.#draws);
  }

  /** Starts a process, and its system. @throws what `ActorSystem.start` throws */
  static async start(options: SimulationOptions): Promise<SimulatedSystem> {
    const simulation = new SimulatedSystem(options);
    await simulation.restart();
    return simulation;
  }

  /** The system of the present process. @throws SYSTEM_STOPPED after `crash` and `stop` */
  get system(): ActorSystem {
    if (this.#system === null) throw new MegactorError('SYSTEM_STOPPED', 'no simulated process runs');
    return this.#system;
  }

  get isRunning(): boolean {
    return this.#system !== null;
  }

  /** Milliseconds of simulated time since the start. */
  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  /** Steps so far. */
  get steps(): number {
    return this.#scheduler.steps;
  }

  /** What has happened, as one number: equal for equal runs. */
  get traceHash(): string {
    return this.#scheduler.traceHash;
  }

  /** The last lines of what has happened: milliseconds, thread and port or timer, what. */
  traceTail(lines?: number): readonly string[] {
    return this.#scheduler.tail(lines);
  }

  /** In [0, 1): drawn from the seed, and part of what repeats. */
  random(): number {
    return this.#scheduler.random();
  }

  /** A line of one's own in the trace, and so in its hash. */
  note(line: string): void {
    this.#scheduler.note(line);
  }

  /** Called before every step with its number: to let something go wrong between any two. It must not wait. */
  onStep(listener: (step: number) => void): void {
    this.#scheduler.onStep(listener);
  }

  /** Called in the moment in which the thread of a host ends, also with its process. */
  onHostEnd(listener: (host: number) => void): void {
    this.#hostEnds.push(listener);
  }

  /** Starts an actor and runs until it has. @throws what `ActorSystem.spawn` throws */
  spawn<State, Init, Messages extends MessageMap>(
    definition: ActorDefinition<State, Init, Messages>,
    init: Init,
    options?: SpawnOptions,
  ): Promise<SystemRef<Messages>> {
    this.#register(definition.module, definition.export, definition);
    return this.settle(this.system.spawn(definition, init, options));
  }

  /**
   * An actor that stands in for one of `definition`: it takes the same messages, keeps them, and can be asked what came.
   * @param options as for a spawn: where it lives, and its name
   */
  async probe<State, Init, Messages extends MessageMap>(
    definition: ActorDefinition<State, Init, Messages>,
    options: Pick<SpawnOptions, 'name' | 'shard' | 'placement'> = {},
  ): Promise<Probe<Messages>> {
    this.#probes += 1;
    const box: ProbeBox = { mail: [], commands: new Map(), replies: new Map() };
    const stand = probeDefinition(PROBES, `probe${this.#probes}`, definition.messages, box);
    const ref = await this.spawn(stand, undefined, options);
    return new Probe<Messages>({ shard: ref.shard, id: ref.id, name: ref.name }, this, box);
  }

  /** Tells from the main thread. Nothing happens before the simulation goes on. */
  tell(ref: ActorRef, type: string, body?: unknown): boolean {
    return this.system.ref(ref).tell(type, body);
  }

  /** Asks from the main thread, and runs until the ask has settled. @throws what the ask throws */
  ask(ref: ActorRef, type: string, body?: unknown, options?: AskOptions): Promise<unknown> {
    return this.settle(this.askSoon(ref, type, body, options));
  }

  /** The same, but it settles only as the simulation goes on. */
  askSoon(ref: ActorRef, type: string, body?: unknown, options?: AskOptions): Promise<unknown> {
    return this.system.ref(ref).ask(type, body, options);
  }

  /** Resolves, as the simulation goes on, when the actor has stopped. */
  watch(ref: ActorRef): Promise<string> {
    return this.system.watch(ref);
  }

  /** Asks an actor to stop. */
  stopActor(ref: ActorRef): void {
    this.system.stopActor(ref);
  }

  /** Runs until `promise` has settled. @throws what it throws; INTERNAL when nothing is left that could settle it */
  async settle<Value>(promise: Promise<Value>, limits: RunLimits = {}): Promise<Value> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    await this.runUntil(() => settled, limits);
    if (settled) return promise;
    throw new MegactorError('INTERNAL', `the simulation came to rest before that: ${this.traceTail(3).join('; ')}`);
  }

  /** Runs until `done` says so. False when nothing is left to happen before that, or a limit was reached. */
  async runUntil(done: () => boolean, { stepsMax = STEPS_MAX, ms = RUN_MS }: RunLimits = {}): Promise<boolean> {
    return (await this.#scheduler.run(done, this.nowMs + ms, stepsMax)) === 'done';
  }

  /** Resolves after so much simulated time, whatever dies meanwhile: what handlers wait for when they are to be slow. */
  sleep(ms: number): Promise<void> {
    return this.#clock.sleep(ms);
  }

  /**
   * Waits for something outside of the simulation, as real files: nothing else happens and no time passes meanwhile. It must
   * not itself wait for the simulation.
   */
  outside<Value>(promise: Promise<Value>): Promise<Value> {
    return this.#scheduler.outside(promise);
  }

  /**
   * Lets time pass, with whatever falls due.
   * @param limits at most so many steps; default 1,000,000 and 20 more for each second @throws INTERNAL when they do not suffice
   */
  async advance(ms: number, limits: Pick<RunLimits, 'stepsMax'> = {}): Promise<void> {
    const { stepsMax = STEPS_MAX + Math.ceil(ms / MS_PER_STEP) } = limits;
    const untilMs = this.nowMs + ms;
    if ((await this.#scheduler.run(() => false, untilMs, stepsMax)) !== 'steps') return;
    const words = `of ${ms} ms that are to pass, ${untilMs - this.nowMs} are left after ${stepsMax} steps`;
    throw new MegactorError('INTERNAL', `${words}: ${this.traceTail(3).join('; ')}`);
  }

  /**
   * Runs until nothing is under way and no timer is due within `restMs` (default 100); what the runtime does again and again (heartbeats,
   * periodic timers) does not count. False when a limit was reached before.
   */
  runUntilQuiet({ restMs = REST_MS, ...limits }: RunLimits & { readonly restMs?: number } = {}): Promise<boolean> {
    return this.runUntil(() => this.#scheduler.isQuiet(restMs), limits);
  }

  /** The thread of a host dies at once; the runtime replaces it as the simulation goes on. False when none runs. */
  killHost(index: number): boolean {
    return this.#ground?.killHost(index) ?? false;
  }

  /** The thread of a host does nothing for so long, as one that is blocked. False when none runs. */
  stallHost(index: number, ms: number): boolean {
    return this.#ground?.stallHost(index, this.nowMs + ms) ?? false;
  }

  /** Hosts that stand still go on. */
  release(): void {
    this.#ground?.release();
  }

  /** The next commits of the journal fail. A journal that failed once takes nothing more until `crash` and `restart`. */
  failCommits(count = 1): void {
    this.#disk.failCommits(count);
  }

  /** From now on nothing takes time by itself. */
  calm(): void {
    this.#draws.calm();
  }

  /** The process dies; of what its journal had not promised yet a part survives. Pending promises never settle. */
  crash(kind: CrashKind = 'process'): void {
    if (this.#ground === null) return;
    this.note(`the process is killed (${kind})`);
    this.#ground.crash();
    this.#disk.crash(kind);
    this.#ground = null;
    this.#system = null;
  }

  /** Starts another process over the same disk. @throws what `ActorSystem.start` throws */
  async restart(): Promise<ActorSystem> {
    const { seed, hosts = 2, shards = 4, journal = 'flushed', system = {} } = this.options;
    this.crash();
    this.#processes += 1;
    const scheduler = this.#scheduler;
    const ground = new SimulatedGround({
      scheduler,
      disk: this.#disk,
      linkMs: this.#draws.linkMs,
      startMs: this.#draws.startMs,
      importModule: (url) => this.#import(url),
      process: this.#processes,
      onHostEnd: (host) => {
        for (const hear of this.#hostEnds) hear(host);
      },
    });
    this.#ground = ground;
    const { limits = {}, ...rest } = system;
    this.#system = await this.settle(
      ActorSystem.start({
        checkMail: true,
        ...rest,
        // A turn at a time, so that everything else may come between any two.
        limits: { sliceMs: 0, ...limits },
        threads: hosts,
        shards,
        seed,
        ground,
        ...(journal === null ? {} : { journal: { directory: null, durability: journal } }),
      }),
    );
    return this.#system;
  }

  /** Stops the system as a service would. */
  async stop(deadlineMs = STOP_DEADLINE_MS): Promise<void> {
    const system = this.#system;
    if (system === null) return;
    await this.settle(system.stop({ deadlineMs }));
    this.#system = null;
    this.#ground?.crash();
    this.#ground = null;
  }

  #register(url: string, name: string, definition: unknown): void {
    const exports = this.#modules.get(url) ?? {};
    exports[name] = definition;
    this.#modules.set(url, exports);
  }

  /** What is known of a module goes before what it exports itself, so that a test and its actors share one copy of it. */
  async #import(url: string): Promise<unknown> {
    const known = this.#modules.get(url);
    if (this.#given[url] !== undefined || url === PROBES) return known;
    const importing = import(url) as Promise<object>;
    if (known === undefined) return this.#scheduler.outside(importing);
    // A test file cannot be imported again by its actors; what it has registered is enough then.
    const loaded = await this.#scheduler.outside(importing.catch(() => ({})));
    return { ...loaded, ...known };
  }

  /** For checks of the runtime itself. */
  hosts(): Host[] {
    return this.#ground?.hosts() ?? [];
  }
}
