/**
 * One simulated trial: a drawn program under drawn faults, watched while it runs; then faults off, and everything has to
 * settle. All of it follows from the seed.
 */
import { seededRandom } from '../../src/platform/index.ts';
import { SimulatedSystem } from '../../src/testing/index.ts';
import * as checks from './checks.ts';
import { between, drawWorld, pick, type World } from './draw.ts';
import { Observer, watching } from './observer.ts';
import { Program } from './program.ts';

/** Longer than any deadline of the program. */
const REST_MS = 8_000;
const SHORT_REST_MS = 3_000;
const SETTLE_STEPS_MAX = 100_000;
const SETTLE_MS = 60_000;
/** Steps between two looks at all mailboxes. */
const LOOK_EVERY = 64;

export interface TrialOutcome {
  readonly seed: number;
  /** What is wrong; empty when the trial passed. */
  readonly wrong: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  readonly traceHash: string;
  readonly tail: readonly string[];
  readonly steps: number;
}

class Trial {
  readonly #world: World;
  readonly #random;
  #sim!: SimulatedSystem;
  #program!: Program;
  #observer!: Observer;

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed, 23);
  }

  async run(): Promise<TrialOutcome> {
    const { seed, hosts, faults } = this.#world;
    const early: { sim: SimulatedSystem | null } = { sim: null };
    this.#observer = new Observer(
      hosts,
      () => early.sim?.nowMs ?? 0,
      (ms) => early.sim?.sleep(ms) ?? Promise.resolve(),
    );
    watching.observer = this.#observer;
    this.#sim = await this.#start();
    early.sim = this.#sim;
    this.#program = new Program(this.#sim, this.#world, this.#random, this.#observer);
    this.#sim.onHostEnd((host) => this.#program.hostEnded(host));
    this.#sim.onStep((step) => {
      if (step % LOOK_EVERY === 0) checks.checkBounds(this.#sim, this.#program);
    });
    if (faults.lateChance > 0) this.#observer.count('late-links');
    try {
      await this.#operate();
      await this.#settle();
    } catch (thrown) {
      this.#observer.fault(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
    }
    watching.observer = null;
    const { wrong, counters } = this.#observer;
    const { traceHash, steps } = this.#sim;
    return { seed, wrong, counters, traceHash, steps, tail: this.#sim.traceTail(40) };
  }

  #start(): Promise<SimulatedSystem> {
    const { seed, hosts, shards, journal, faults, creditLimit, passivateAfterMs, residentMax, checkpointEntries } =
      this.#world;
    return SimulatedSystem.start({
      seed,
      hosts,
      shards,
      journal,
      faults,
      system: {
        hostRestartsMax: 1_000,
        passivateAfterMs,
        residentMax,
        checkpoint: { entries: checkpointEntries },
        limits: { creditLimit },
        services: [{ name: 'ledger', module: new URL('./ledger.ts', import.meta.url).href }],
      },
    });
  }

  async #operate(): Promise<void> {
    for (let left = this.#world.operations; left > 0 && this.#observer.wrong.length === 0; left -= 1) {
      if (this.#random() < this.#world.faultShare) await this.#fault();
      else this.#program.operate();
      const stepsMax = between(this.#random, 0, pick(this.#random, [5, 40, 200]));
      await this.#sim.runUntil(() => false, { stepsMax, ms: pick(this.#random, [5, 200, 2_000]) });
    }
  }

  async #fault(): Promise<void> {
    const draw = this.#random();
    const host = between(this.#random, 0, this.#world.hosts - 1);
    if (draw < 0.6) {
      if (this.#sim.killHost(host)) this.#observer.count('host-killed');
    } else if (draw < 0.7) {
      if (this.#sim.stallHost(host, pick(this.#random, [500, 60_000]))) this.#observer.count('host-blocked');
    } else if (draw < 0.8) {
      this.#sim.failCommits();
      this.#program.journalFailed = true;
      this.#observer.count('commit-failed');
      // Whoever waits is answered all the same.
      await this.#sim.runUntil(() => false, { stepsMax: between(this.#random, 0, 300), ms: 2_000 });
      await this.#crash('process');
    } else {
      await this.#crash(this.#world.journal === 'flushed' && draw < 0.9 ? 'power' : 'process');
    }
  }

  async #crash(kind: 'process' | 'power'): Promise<void> {
    this.#observer.count(kind === 'power' ? 'power-lost' : 'process-killed');
    this.#sim.crash(kind);
    this.#program.processEnded();
    await this.#sim.restart();
  }

  async #rest(what: string, ms: number): Promise<void> {
    await this.#sim.advance(ms);
    const quiet = await this.#sim.runUntilQuiet({ restMs: 0, stepsMax: SETTLE_STEPS_MAX, ms: SETTLE_MS });
    if (!quiet) this.#observer.fault(`A3 nothing comes to rest ${what}`);
  }

  async #settle(): Promise<void> {
    const [sim, program, { whole }] = [this.#sim, this.#program, this.#world];
    if (this.#observer.wrong.length > 0) return;
    sim.calm();
    sim.release();
    await this.#rest('before it is let go', SHORT_REST_MS);
    // Also those whose stop was lost with a process.
    const there = program.nodes.filter(({ lost }) => !lost);
    for (const { ref } of there) {
      sim.tell(ref, 'slow', 0);
      sim.tell(ref, 'open');
    }
    // A wish to stop may have been lost with a process, too.
    for (const one of there) if (one.stopped) program.stop(one);
    await this.#rest('after the faults', REST_MS);
    // Those that came late.
    for (const { ref } of there) sim.tell(ref, 'open');
    await this.#rest('after everything was let go', SHORT_REST_MS);
    await checks.checkRest(sim, program);
    await checks.checkStates(sim, program, whole);
    checks.checkRestarts(program, sim.nowMs);
    await this.#rest('after the looks', SHORT_REST_MS);
    checks.checkDebts(sim, program);
    // Those that are left hear of the others.
    for (const one of program.living) if (this.#random() < 0.5) program.stop(one);
    await this.#rest('after the first stops', SHORT_REST_MS);
    checks.checkWatches(program);
    for (const one of program.living) program.stop(one);
    for (const { ref } of [...program.solos, ...program.leads]) {
      sim.stopActor(ref);
      program.watch(ref);
    }
    await this.#rest('after the stops', REST_MS);
    checks.checkWatches(program);
    checks.checkDebts(sim, program);
    await sim.stop();
  }
}

export const runTrial = (seed: number): Promise<TrialOutcome> => new Trial(drawWorld(seed)).run();
