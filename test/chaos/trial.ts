/**
 * One trial of real threads: what is done and which bombs go off is drawn from the seed; when the threads die in between
 * is up to the machine. Afterwards everybody who waited must have been answered, and nothing may be lost or made.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainRef, type ActorRef, type SpawnOptions } from '../../src/actor/index.ts';
import { seededRandom, type Random } from '../../src/platform/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { ActorSystem, type HostDeath, type SystemRef } from '../../src/runtime/index.ts';
import { ENDINGS, type Ending } from '../runtime/fixtures/dangerous.ts';
import { bomb, neighbour, vault } from './actors.ts';

export const FAULTS = [...ENDINGS, 'bad-start', 'unserialisable'] as const;
export type Fault = (typeof FAULTS)[number];

export interface ChaosOptions {
  readonly seed: number;
  /** In this order, with what else happens drawn between them. */
  readonly faults: readonly Fault[];
  readonly blockedAfterMs: number;
  /** How long everything may take to come to rest once no bomb is left. */
  readonly restMs: number;
}

export interface ChaosOutcome {
  readonly wrong: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

const SHARDS = 4;
const VAULTS = 6;
const START = 1_000;
const STEPS_PER_FAULT = 12;
const ASK_MS = 20_000;

type VaultRef = SystemRef<(typeof vault)['messages']>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
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
  #system!: ActorSystem;
  #names = 0;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed, 0xc4a05);
  }

  async run(): Promise<ChaosOutcome> {
    const { seed, blockedAfterMs, faults } = this.#options;
    this.#system = await ActorSystem.start({
      threads: 2 + this.#below(2),
      shards: SHARDS,
      seed,
      journal: { directory: this.#below(2) === 0 ? null : this.#directory, durability: 'committed' },
      blockedAfterMs,
      maxOldGenerationMb: 96,
      hostRestartsMax: 1_000,
      onHostDeath: (death) => this.#deaths.push(death),
      onFailure: ({ part, name, error }) => this.#wrong.push(`${part} ${name} failed: ${error.message}`),
    });
    try {
      for (let n = 0; n < VAULTS; n += 1) {
        const options = { durable: true, restart: 'permanent', name: `v${n}`, shard: n % SHARDS } as const;
        this.#vaults.push(await this.#spawn(() => this.#system.spawn(vault, START, options)));
      }
      for (const fault of faults) {
        for (let step = 0; step < STEPS_PER_FAULT; step += 1) await this.#step();
        await this.#fault(fault);
        this.#count(fault);
      }
      for (let step = 0; step < STEPS_PER_FAULT; step += 1) await this.#step();
      await this.#rest();
      await this.#check();
    } finally {
      await this.#system.stop({ deadlineMs: 1_000 });
      rmSync(this.#directory, { recursive: true, force: true });
    }
    return { wrong: this.#wrong, counters: this.#counters };
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
    switch (this.#below(5)) {
      case 0:
        this.#wait('an ask of the main thread', payer.ask('total', undefined, { deadlineMs: ASK_MS }));
        return;
      case 1:
        await this.#withNeighbour(payer, (ref) => ref.ask('askFor', { of: payer, deadlineMs: ASK_MS }));
        return;
      case 2:
        this.#wait('a look at all actors', this.#system.survey());
        return;
      default: {
        const by = 1 + this.#below(9);
        const mail = { to: payer.id, from: null, type: 'pay', body: { to: plainRef(payee), by } };
        await this.#system.deliver([{ shard: payer.shard, entry: { kind: 'mail', mail } }]);
        this.#expected[from] = (this.#expected[from] ?? 0) - by;
        this.#expected[to] = (this.#expected[to] ?? 0) + by;
        this.#count('transfers');
      }
    }
  }

  /** An ephemeral actor on some shard, which may die with it. */
  async #withNeighbour(
    about: ActorRef,
    act: (ref: SystemRef<(typeof neighbour)['messages']>) => Promise<unknown>,
  ): Promise<void> {
    const shard = this.#below(SHARDS);
    const ref = await this.#spawn(() => this.#system.spawn(neighbour, undefined, { shard }));
    this.#wait(`an ask of an actor on shard ${shard} about one on shard ${about.shard}`, act(ref));
    this.#wait('a stop', this.#stopOnce(ref));
  }

  async #stopOnce(ref: ActorRef): Promise<string> {
    await sleep(this.#below(50));
    const watched = this.#system.watch(ref);
    this.#system.stopActor(ref);
    return watched;
  }

  async #fault(fault: Fault): Promise<void> {
    if (fault === 'unserialisable') {
      const [target] = this.#vaults as [VaultRef];
      const nonsense = (() => 1) as unknown as undefined;
      this.#wait('an ask with nonsense', target.ask('total', nonsense, { deadlineMs: ASK_MS }));
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
      const { record, ref } = this.#system.actorRecord(bomb, { file, badStarts }, options);
      this.#bombs.add(record.id);
      await this.#system.deliver([{ shard, entry: { kind: 'spawn', actor: record } }]);
      await this.#watchFrom(ref);
      return;
    }
    const ref = await this.#spawn(() => this.#system.spawn(bomb, { file, badStarts }, options));
    this.#bombs.add(ref.id);
    this.#wait(`the main thread's watch of bomb ${this.#names}`, this.#system.watch(ref));
    await this.#watchFrom(ref);
    const asks = this.#below(2) === 0;
    if (asks) this.#wait('an ask of a bomb', ref.ask('askToGoOff', fault, { deadlineMs: ASK_MS }));
    else if (!durable) ref.tell('goOff', fault);
    // What is told may die on its way; what is in the journal does not.
    else {
      const mail = { to: ref.id, from: null, type: 'goOff', body: fault };
      await this.#system.deliver([{ shard, entry: { kind: 'mail', mail } }]);
    }
    // Somebody who is asked but not tried again leaves the bomb alive.
    if (asks || !durable) this.#wait('a stop of a bomb', this.#stopOnce(ref));
  }

  /** An actor of another shard watches `ref`. */
  async #watchFrom(ref: ActorRef): Promise<void> {
    const shard = this.#below(SHARDS);
    const watcher = await this.#spawn(() => this.#system.spawn(neighbour, undefined, { shard }));
    this.#wait('a watch of an actor', watcher.ask('watch', plainRef(ref), { deadlineMs: ASK_MS }));
  }

  async #rest(): Promise<void> {
    const until = performance.now() + this.#options.restMs;
    const isAtRest = async (): Promise<boolean> =>
      this.#waiting.size === 0 &&
      (await this.#system.journal?.pending()) === 0 &&
      this.#system.stats().hostStates.every(({ state }) => state === 'running');
    while (!(await isAtRest())) {
      if (performance.now() > until) {
        const states = this.#system.stats().hostStates.map(({ state }) => state);
        this.#wrong.push(`not at rest: ${[...new Set(this.#waiting.values())].join('; ')}; hosts ${states.join(' ')}`);
        return;
      }
      await sleep(25);
    }
  }

  async #check(): Promise<void> {
    const totals: number[] = [];
    for (const ref of this.#vaults) {
      totals.push(await this.#spawn(() => ref.ask('total', undefined, { deadlineMs: ASK_MS })));
    }
    for (const [index, total] of totals.entries()) {
      const expected = this.#expected[index];
      if (total !== expected) this.#wrong.push(`vault ${index} has ${total}, not ${expected}`);
    }
    this.#count('deaths', this.#deaths.length);
    for (const { error, blamed, replaced, host } of this.#deaths) {
      this.#count(blamed === null ? 'unexplained' : 'blamed');
      if (error.code === 'HOST_BLOCKED') this.#count('blocked');
      if (!replaced) this.#wrong.push(`host ${host} was not replaced`);
      if (blamed !== null && !this.#bombs.has(blamed.id))
        this.#wrong.push(`actor ${blamed.id} was blamed, which is no bomb`);
    }
    const { silent } = await this.#system.survey();
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
