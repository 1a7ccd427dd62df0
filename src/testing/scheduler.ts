/**
 * The one scheduler of a simulation: whatever any simulated thread wants to be called back for is an item in a lane, and
 * a seed decides which lane goes on next. It is the only source of time. What it does not do: know what items mean.
 *
 * Invariants: W1 Items of one lane run in their order. W2 Time passes only by the scheduler's decision, in whole
 * milliseconds, and never while an item runs. W3 The same seed and the same items give the same trace: between two items
 * all microtasks run, and nothing else goes on while something outside of the simulation (the loading of a module) is
 * waited for. W4 Nothing of a thread that is dead runs.
 */
import { createHash } from 'node:crypto';
import { seededRandom, systemClock, type Random } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';

/** Lines of the trace that are kept for people. */
const TAIL_LINES = 400;

export interface Item {
  readonly dueMs: number;
  /** For the trace; the same in every run of the seed. */
  readonly label: string;
  /** `work` is under way, a `timer` waits for its time; `upkeep` happens again and again, and is no sign of anything. */
  readonly kind: 'work' | 'timer' | 'upkeep';
  readonly run: () => void;
}

/** A simulated thread. */
export class Thread {
  readonly name: string;
  alive = true;
  /** Nothing of it runs before this moment. */
  stalledUntilMs = 0;
  /** Called when the thread dies, before anything else happens. */
  readonly onDeath: (() => void)[] = [];
  /** An item of it threw what nobody caught. */
  onUncaught: ((thrown: unknown) => void) | null = null;

  constructor(name: string) {
    this.name = name;
  }
}

/** Items of one thread that keep their order: by their time, then as they came. */
export class Lane {
  readonly name: string;
  /** How often it is chosen, compared with others. */
  readonly weight: number;
  thread: Thread;
  /** Items wait although they are due. */
  held = false;
  readonly items: Item[] = [];

  constructor(name: string, thread: Thread, weight: number) {
    this.name = name;
    this.thread = thread;
    this.weight = weight;
  }
}

export interface SchedulerOptions {
  readonly seed: number;
  /** Share of steps after which some time has passed, 0…1. */
  readonly stepTakesChance: number;
  /** Most milliseconds that pass after such a step. */
  readonly stepTakesMaxMs: number;
  /** Share of lanes that are chosen seldom, 0…1. */
  readonly slowLanes: number;
}

/** How often a slow lane is chosen, compared with others. */
const SLOW_WEIGHT = 0.05;

export type StepListener = (step: number) => void;

export class Scheduler {
  /** For whoever draws in the simulation; every draw is part of what repeats. */
  readonly random: Random;
  readonly #options: SchedulerOptions;
  readonly #lanes: Lane[] = [];
  readonly #hash = createHash('sha256');
  readonly #tail: string[] = [];
  readonly #listeners: StepListener[] = [];
  #outside = 0;
  #insideAgain: (() => void) | null = null;
  #driven = false;
  nowMs = 0;
  steps = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed, 77);
  }

  /** @param name for the trace */
  lane(name: string, thread: Thread): Lane {
    return new Lane(name, thread, this.random() < this.#options.slowLanes ? SLOW_WEIGHT : 1);
  }

  /** Puts an item into a lane, behind those that are due no later. */
  push(lane: Lane, item: Item): void {
    if (!lane.thread.alive) return;
    const { items } = lane;
    let at = items.length;
    while (at > 0 && (items[at - 1] as Item).dueMs > item.dueMs) at -= 1;
    items.splice(at, 0, item);
    if (items.length === 1) this.#lanes.push(lane);
  }

  remove(lane: Lane, item: Item): void {
    const at = lane.items.indexOf(item);
    if (at < 0) return;
    lane.items.splice(at, 1);
    if (lane.items.length === 0) this.#forget(lane);
  }

  /** @returns what was in it */
  clear(lane: Lane): readonly Item[] {
    const items = lane.items.splice(0);
    if (items.length > 0) this.#forget(lane);
    return items;
  }

  /** The end of a thread: nothing of it happens any more. */
  kill(thread: Thread): void {
    if (!thread.alive) return;
    thread.alive = false;
    this.note(`${thread.name} dies`);
    for (const lane of this.#lanes.filter((one) => one.thread === thread)) this.clear(lane);
    for (const hear of thread.onDeath.splice(0)) hear();
  }

  /** Nothing else happens until `promise`, which comes from outside of the simulation, has settled. */
  async outside<Value>(promise: Promise<Value>): Promise<Value> {
    this.#outside += 1;
    try {
      return await promise;
    } finally {
      this.#outside -= 1;
      if (this.#outside === 0) this.#insideAgain?.();
    }
  }

  /** A line of the trace. */
  note(line: string): void {
    const whole = `${this.nowMs} ${line}`;
    this.#hash.update(whole).update('\n');
    this.#tail.push(whole);
    if (this.#tail.length > 2 * TAIL_LINES) this.#tail.splice(0, TAIL_LINES);
  }

  get traceHash(): string {
    return this.#hash.copy().digest('hex');
  }

  /** The last lines of the trace. */
  tail(lines = TAIL_LINES): readonly string[] {
    return this.#tail.slice(-lines);
  }

  /** Called before every step: the place to let something go wrong between any two of them. */
  onStep(listener: StepListener): void {
    this.#listeners.push(listener);
  }

  /** True when nothing is under way and no timer is due within `restMs`. */
  isQuiet(restMs: number): boolean {
    const untilMs = this.nowMs + restMs;
    const stirs = ({ kind, dueMs }: Item): boolean => kind === 'work' || (kind === 'timer' && dueMs <= untilMs);
    return !this.#lanes.some((lane) => !lane.held && lane.items.some(stirs));
  }

  /**
   * Goes on until `done` says so, nothing is left before `untilMs`, or so many steps were made. Then, unless `done` said
   * so, it is `untilMs`, if that is a moment.
   */
  async run(done: () => boolean, untilMs: number, stepsMax: number): Promise<'done' | 'idle' | 'steps'> {
    if (this.#driven) throw new MegactorError('USAGE', 'a simulation that runs cannot be run by somebody else as well');
    this.#driven = true;
    try {
      await this.#drain();
      for (let count = 0; !done(); count += 1) {
        if (count >= stepsMax) return 'steps';
        if (!(await this.#step(untilMs))) {
          if (untilMs < Infinity) this.nowMs = Math.max(this.nowMs, untilMs);
          return 'idle';
        }
      }
      return 'done';
    } finally {
      this.#driven = false;
    }
  }

  async #step(untilMs: number): Promise<boolean> {
    for (const hear of this.#listeners) hear(this.steps);
    const lane = this.#choose() ?? this.#wait(untilMs);
    if (lane === null) return false;
    const item = lane.items.shift() as Item;
    if (lane.items.length === 0) this.#forget(lane);
    this.steps += 1;
    this.note(`${lane.name} ${item.label}`);
    try {
      item.run();
    } catch (thrown) {
      if (lane.thread.onUncaught === null) throw thrown;
      lane.thread.onUncaught(thrown);
    }
    await this.#drain();
    const { stepTakesChance, stepTakesMaxMs } = this.#options;
    if (this.random() < stepTakesChance) this.nowMs += 1 + Math.floor(this.random() * stepTakesMaxMs);
    return true;
  }

  /** Lets microtasks run, and what is outside come back. */
  async #drain(): Promise<void> {
    do {
      if (this.#outside > 0) await new Promise<void>((resolve) => (this.#insideAgain = resolve));
      await new Promise<void>((resolve) => systemClock.soon(resolve));
    } while (this.#outside > 0);
  }

  #choose(): Lane | null {
    let total = 0;
    for (const lane of this.#lanes) if (this.#isReady(lane)) total += lane.weight;
    if (total === 0) return null;
    let draw = this.random() * total;
    let last: Lane | null = null;
    for (const lane of this.#lanes) {
      if (!this.#isReady(lane)) continue;
      last = lane;
      draw -= lane.weight;
      if (draw < 0) break;
    }
    return last;
  }

  /** Lets time pass until something is due. */
  #wait(untilMs: number): Lane | null {
    let next = Infinity;
    for (const { held, thread, items } of this.#lanes) {
      if (!held) next = Math.min(next, Math.max((items[0] as Item).dueMs, thread.stalledUntilMs));
    }
    if (next > untilMs || next === Infinity) return null;
    this.nowMs = next;
    return this.#choose();
  }

  #isReady({ held, thread, items }: Lane): boolean {
    return !held && thread.stalledUntilMs <= this.nowMs && (items[0] as Item).dueMs <= this.nowMs;
  }

  #forget(lane: Lane): void {
    const at = this.#lanes.indexOf(lane);
    if (at >= 0) this.#lanes.splice(at, 1);
  }
}
