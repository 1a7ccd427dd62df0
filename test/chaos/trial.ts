/**
 * One trial of real threads: what is done and which bombs go off is drawn from the seed; when the threads die in between
 * is up to the machine. Afterwards everybody who waited must have been answered, and nothing may be lost or made.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  broadcast,
  consistentHash,
  plainRef,
  roundRobin,
  routeeFor,
  type ActorRef,
  type SpawnOptions,
} from '../../src/actor/index.ts';
import { seededRandom, type Random } from '../../src/platform/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { ActorSystem, type HostDeath, type SystemRef } from '../../src/runtime/index.ts';
import { ENDINGS, type Ending } from '../runtime/fixtures/dangerous.ts';
import { bomb, dispatcher, neighbour, vault } from './actors.ts';
import { lookInto } from './dump.ts';

export const FAULTS = [...ENDINGS, 'bad-start', 'unserialisable'] as const;
/** What is counted beside faults and the ways in which asks end. */
export const CHAOS_COUNTERS = ['transfers', 'routed', 'calls', 'answers', 'deaths', 'blamed', 'blocked'] as const;
export type Fault = (typeof FAULTS)[number];

export interface ChaosOptions {
  readonly seed: number;
  /** In this order, with what else happens drawn between them. */
  readonly faults: readonly Fault[];
  readonly blockedAfterMs: number;
  /** How long everything may take to come to rest once no bomb is left. */
  readonly restMs: number;
  /** How long the whole trial may take; then it fails, and says what it knows of the system. */
  readonly limitMs: number;
}

export interface ChaosOutcome {
  /** The trial did not even end: threads of it may be left. */
  readonly hangs: boolean;
  readonly wrong: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

const SHARDS = 4;
const VAULTS = 6;
const START = 1_000;
const STEPS_PER_FAULT = 12;
/** Beyond every limit: who has to be told earlier is not to be helped by a deadline. */
const ASK_MS = 3_600_000;
const STOP_LIMIT_MS = 60_000;
const CROWD = 3;

const PATIENT = { deadlineMs: ASK_MS };

type VaultRef = SystemRef<(typeof vault)['messages']>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Whether `work` has ended within the time. */
const within = (limitMs: number, work: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    work.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
const codeOf = (thrown: unknown): string => (thrown instanceof MegactorError ? thrown.code : String(thrown));

class Trial {
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #directory = mkdtempSync(join(tmpdir(), 'megactor-chaos-'));
  readonly #deaths: HostDeath[] = [];
  readonly #wrong: string[] = [];
  readonly #counters: Record<string, number> = {};
  /** What somebody waits for, by what it is. */
  readonly #waiting = new Map<Promise<unknown>, string>();
  readonly #expected: number[] = Array.from({ length: VAULTS }, () => START);
  readonly #vaults: VaultRef[] = [];
  readonly #bombs = new Set<number>();
  #system: ActorSystem | null = null;
  #dispatcher!: SystemRef<(typeof dispatcher)['messages']>;
  #names = 0;
  #paid = 0;
  /** What the trial itself is at. */
  #doing = 'start';

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed, 0xc4a05);
  }

  async run(): Promise<ChaosOutcome> {
    const { limitMs } = this.#options;
    const hangs = !(await within(limitMs, this.#play()));
    if (hangs) this.#wrong.push(`after ${limitMs} ms at: ${this.#doing}; ${await this.#dump()}`);
    this.#doing = 'stop';
    const stops = await within(STOP_LIMIT_MS, this.#system?.stop({ deadlineMs: 1_000 }) ?? Promise.resolve());
    if (!stops) this.#wrong.push('the system does not stop');
    rmSync(this.#directory, { recursive: true, force: true });
    return { wrong: this.#wrong, counters: this.#counters, hangs: hangs || !stops };
  }

  async #play(): Promise<void> {
    try {
      await this.#begin();
      for (const fault of this.#options.faults) {
        for (let step = 0; step < STEPS_PER_FAULT; step += 1) await this.#step();
        this.#doing = fault;
        await this.#fault(fault);
        this.#count(fault);
      }
      for (let step = 0; step < STEPS_PER_FAULT; step += 1) await this.#step();
      await this.#rest();
      await this.#check();
    } catch (thrown) {
      this.#wrong.push(
        `${this.#doing}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
      );
    }
  }

  async #begin(): Promise<void> {
    const { seed, blockedAfterMs } = this.#options;
    this.#system = await ActorSystem.start({
      threads: 2 + this.#below(2),
      shards: SHARDS,
      seed,
      journal: { directory: this.#below(2) === 0 ? null : this.#directory, durability: 'committed' },
      services: [{ name: 'tally', module: new URL('./tally-service.ts', import.meta.url).href }],
      blockedAfterMs,
      maxOldGenerationMb: 96,
      hostRestartsMax: 1_000,
      onHostDeath: (death) => this.#deaths.push(death),
      onFailure: ({ part, name, error }) => this.#wrong.push(`${part} ${name} failed: ${error.message}`),
    });
    for (let n = 0; n < VAULTS; n += 1) {
      const options = { durable: true, restart: 'permanent', name: `v${n}`, shard: n % SHARDS } as const;
      this.#vaults.push(await this.#spawn(() => this.#own.spawn(vault, START, options)));
    }
    const options = { durable: true, restart: 'permanent', name: 'd', shard: this.#below(SHARDS) } as const;
    const refs = this.#vaults.map(plainRef);
    this.#dispatcher = await this.#spawn(() => this.#own.spawn(dispatcher, refs, options));
  }

  get #own(): ActorSystem {
    if (this.#system === null) throw new Error('the system does not run');
    return this.#system;
  }

  #dump(): Promise<string> {
    return lookInto(this.#system, [...new Set(this.#waiting.values())]);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #count(name: string, by = 1): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + by;
  }

  /** Somebody waits for it; how it ends is all the same, but end it must. */
  #wait(what: string, promise: Promise<unknown>): void {
    const settled = promise.then(
      () => this.#count('answers'),
      (thrown: unknown) => this.#count(codeOf(thrown)),
    );
    this.#waiting.set(settled, what);
    void settled.then(() => this.#waiting.delete(settled));
  }

  /** A spawn on a host that dies meanwhile may be made again, under the same name. */
  async #spawn<Value>(spawn: () => Promise<Value>): Promise<Value> {
    for (;;) {
      try {
        return await spawn();
      } catch (thrown) {
        if (codeOf(thrown) !== 'HOST_DIED') throw thrown;
        await sleep(20);
      }
    }
  }

  async #step(): Promise<void> {
    const from = this.#below(VAULTS);
    const to = this.#below(VAULTS);
    const [payer, payee] = [this.#vaults[from], this.#vaults[to]] as [VaultRef, VaultRef];
    const kind = this.#below(12);
    this.#doing = `step ${kind}`;
    switch (kind) {
      case 0:
        this.#wait('an ask of the main thread', payer.ask('total', undefined, PATIENT));
        return;
      case 1:
        await this.#withNeighbour(payer, (ref) => ref.ask('askFor', { of: payer, deadlineMs: ASK_MS }, PATIENT));
        return;
      case 2:
        this.#wait('a look at all actors', this.#own.survey());
        return;
      case 3:
        await this.#withNeighbour(payer, (ref) => ref.ask('callSlowly', undefined, PATIENT));
        this.#wait('a call of a service', this.#own.callService('tally', 'slow', 'served'));
        this.#count('calls', 2);
        return;
      case 4: {
        const router = this.#own.router((this.#below(2) === 0 ? roundRobin : broadcast)(this.#vaults));
        this.#wait('an ask of a router', router.ask('total', undefined, PATIENT));
        this.#wait('an ask of a router', router.ask('total', undefined, PATIENT));
        this.#count('routed', 2);
        return;
      }
      case 5:
        await this.#crowd();
        return;
      case 6:
      case 7: {
        const by = 1 + this.#below(1_000);
        await this.#mail(this.#dispatcher, 'spread', by);
        const chosen = routeeFor(consistentHash(this.#vaults.map(plainRef)), by)?.id;
        const index = this.#vaults.findIndex(({ id }) => id === chosen);
        this.#expected[index] = (this.#expected[index] ?? 0) + by;
        this.#count('routed');
        return;
      }
      default: {
        const by = 1 + this.#below(9);
        await this.#mail(payer, 'pay', { to: plainRef(payee), by });
        this.#expected[from] = (this.#expected[from] ?? 0) - by;
        this.#expected[to] = (this.#expected[to] ?? 0) + by;
        this.#paid += 1;
        this.#count('transfers');
      }
    }
  }

  /** What is told may die on its way; what is in the journal does not. */
  async #mail({ shard, id: to }: ActorRef, type: string, body: unknown): Promise<void> {
    await this.#own.deliver([{ shard, entry: { kind: 'mail', mail: { to, from: null, type, body } } }]);
  }

  /** Ephemeral actors behind a router, which is empty once they have stopped or died. */
  async #crowd(): Promise<void> {
    const refs: SystemRef<(typeof neighbour)['messages']>[] = [];
    for (let n = 0; n < CROWD; n += 1) {
      const shard = this.#below(SHARDS);
      refs.push(await this.#spawn(() => this.#own.spawn(neighbour, undefined, { shard })));
    }
    const router = this.#own.router(roundRobin(refs));
    for (let n = 0; n < CROWD; n += 1) this.#wait('an ask of a crowd', router.ask('ended', undefined, PATIENT));
    this.#count('routed', CROWD);
    const gone = async (): Promise<void> => {
      await Promise.all(refs.map((ref) => this.#stopOnce(ref)));
      while (router.routees.length > 0) await sleep(5);
    };
    this.#wait('a router whose crowd stops', gone());
  }

  /** An ephemeral actor on some shard, which may die with it. */
  async #withNeighbour(
    about: ActorRef,
    act: (ref: SystemRef<(typeof neighbour)['messages']>) => Promise<unknown>,
  ): Promise<void> {
    const shard = this.#below(SHARDS);
    const ref = await this.#spawn(() => this.#own.spawn(neighbour, undefined, { shard }));
    this.#wait(`an ask of an actor on shard ${shard} about one on shard ${about.shard}`, act(ref));
    this.#wait('a stop', this.#stopOnce(ref));
  }

  async #stopOnce(ref: ActorRef): Promise<string> {
    await sleep(this.#below(50));
    const watched = this.#own.watch(ref);
    this.#own.stopActor(ref);
    return watched;
  }

  async #fault(fault: Fault): Promise<void> {
    if (fault === 'unserialisable') {
      const [target] = this.#vaults as [VaultRef];
      const nonsense = (() => 1) as unknown as undefined;
      this.#wait('an ask with nonsense', target.ask('total', nonsense, PATIENT));
      await this.#withNeighbour(target, (ref) => ref.ask('tellNonsense', plainRef(target)));
      return;
    }
    const file = join(this.#directory, `bomb-${(this.#names += 1)}`);
    writeFileSync(file, '');
    const shard = this.#below(SHARDS);
    const durable = fault === 'bad-start' || this.#below(3) > 0;
    const supervision: SpawnOptions = durable
      ? { durable: true, restart: 'transient', intensity: { max: fault === 'bad-start' ? 3 : 1, withinMs: 1_000 } }
      : {};
    const badStarts = fault === 'bad-start' ? 2 : 0;
    const options = { ...supervision, shard, name: `bomb-${this.#names}` };
    if (fault === 'bad-start') {
      // The spawn is in the journal before it kills its first thread.
      const { record, ref } = this.#own.actorRecord(bomb, { file, badStarts }, options);
      this.#bombs.add(record.id);
      await this.#own.deliver([{ shard, entry: { kind: 'spawn', actor: record } }]);
      await this.#watchFrom(ref);
      return;
    }
    const ref = await this.#spawn(() => this.#own.spawn(bomb, { file, badStarts }, options));
    this.#bombs.add(ref.id);
    this.#wait(`the main thread's watch of bomb ${this.#names}`, this.#own.watch(ref));
    await this.#watchFrom(ref);
    const way = this.#below(4);
    const asks = way < 2;
    if (way === 0) this.#wait('an ask of a bomb', ref.ask('askToGoOff', fault, PATIENT));
    else if (way === 1) await this.#askFromOutside(ref, fault);
    else if (!durable) ref.tell('goOff', fault);
    else await this.#mail(ref, 'goOff', fault);
    // Somebody who is asked but not tried again leaves the bomb alive.
    if (asks || !durable) this.#wait('a stop of a bomb', this.#stopOnce(ref));
  }

  /** An actor of another shard, likely of another host, asks the bomb. */
  async #askFromOutside(bombRef: ActorRef, how: Ending): Promise<void> {
    const shard = (bombRef.shard + 1) % SHARDS;
    const asker = await this.#spawn(() => this.#own.spawn(neighbour, undefined, { shard }));
    const request = { of: plainRef(bombRef), how, deadlineMs: ASK_MS };
    this.#wait('an ask of a bomb by an actor', asker.ask('askToGoOff', request, PATIENT));
  }

  /** An actor of another shard watches `ref`. */
  async #watchFrom(ref: ActorRef): Promise<void> {
    const shard = this.#below(SHARDS);
    const watcher = await this.#spawn(() => this.#own.spawn(neighbour, undefined, { shard }));
    this.#wait('a watch of an actor', watcher.ask('watch', plainRef(ref), PATIENT));
  }

  async #rest(): Promise<void> {
    this.#doing = 'rest';
    const until = performance.now() + this.#options.restMs;
    const isAtRest = async (): Promise<boolean> =>
      this.#waiting.size === 0 &&
      (await this.#own.journal?.pending()) === 0 &&
      this.#own.stats().hostStates.every(({ state }) => state === 'running');
    while (!(await isAtRest())) {
      if (performance.now() > until) {
        this.#wrong.push(`not at rest: ${await this.#dump()}`);
        return;
      }
      await sleep(25);
    }
  }

  async #check(): Promise<void> {
    this.#doing = 'check';
    const totals: number[] = [];
    for (const ref of this.#vaults) {
      totals.push(await this.#spawn(() => ref.ask('total', undefined, PATIENT)));
    }
    for (const [index, total] of totals.entries()) {
      const expected = this.#expected[index];
      if (total !== expected) this.#wrong.push(`vault ${index} has ${total}, not ${expected}`);
    }
    const counted = await this.#own.callService('tally', 'total', null);
    if ((counted ?? 0) !== this.#paid)
      this.#wrong.push(`the service has counted ${String(counted)}, not ${this.#paid}`);
    this.#count('deaths', this.#deaths.length);
    for (const { error, blamed, replaced, host } of this.#deaths) {
      this.#count(blamed === null ? 'unexplained' : 'blamed');
      if (error.code === 'HOST_BLOCKED') this.#count('blocked');
      if (!replaced) this.#wrong.push(`host ${host} was not replaced`);
      if (blamed !== null && !this.#bombs.has(blamed.id))
        this.#wrong.push(`actor ${blamed.id} was blamed, which is no bomb`);
    }
    const { silent } = await this.#own.survey();
    if (silent.length > 0) this.#wrong.push('a host does not answer at the end');
  }
}

export const runChaosTrial = (options: ChaosOptions): Promise<ChaosOutcome> => new Trial(options).run();

/** All faults once in an order of the seed, or only some of them. */
export const drawFaults = (seed: number, count: number = FAULTS.length): Fault[] => {
  const random = seededRandom(seed, 0xfa017);
  const faults = [...FAULTS];
  for (let last = faults.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [faults[last], faults[other]] = [faults[other] as Ending, faults[last] as Ending];
  }
  return faults.slice(0, count);
};
