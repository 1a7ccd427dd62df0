/** Random programs for a few durable actors in one thread, with crashes, and what the promises say of all of them. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { ActorRef, SpawnOptions } from '../../src/actor/index.ts';
import type { Outgoing } from '../../src/journal/shard-log.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import { MemoryJournal } from './memory-journal.ts';
import { World } from './one-thread.ts';
import { mood, passiveActors, tally, type TallyState } from './passive-actors.ts';

const SHARDS = 2;
const ACTORS = 5;
/** When idle actors leave the memory, in programs with passivation. */
export const AFTER_MS = 40;
const ASK_MS = 5_000;

const who = fc.nat(ACTORS - 1);

/** What a program may do at any moment. */
export const anyTime = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('tell' as const), to: who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ask' as const), to: who }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('mail' as const), to: who, count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), to: who, on: who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('some' as const), rounds: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.constantFrom(5, AFTER_MS, 3 * AFTER_MS) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('gate' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
);

/** What keeps an actor from its mail, so that it piles up. */
export const trouble = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('burst' as const), to: who, count: fc.integer({ min: 5, max: 30 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('trip' as const), to: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('block' as const), to: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unblock' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('park' as const), to: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), to: who, parks: fc.boolean() }) },
);

export const crash = fc.record({
  do: fc.constant('crash' as const),
  snapshots: fc.constantFrom('works', 'lost', 'unanswered'),
});

export type Command = typeof anyTime extends fc.Arbitrary<infer One> ? One : never;
export type Trouble = typeof trouble extends fc.Arbitrary<infer One> ? One : never;
export type Crash = typeof crash extends fc.Arbitrary<infer One> ? One : never;

/** One program under way: the world of the moment, the journal of all of them, and what was sent. */
export class Run {
  readonly journal = new MemoryJournal(SHARDS);
  readonly refs: ActorRef[] = [];
  /** Values by the actor they were first sent to; grows in the order of sending. */
  readonly told: number[][] = Array.from({ length: ACTORS }, () => []);
  readonly mailed: number[][] = Array.from({ length: ACTORS }, () => []);
  /** At most one value per actor, which may be handled late. */
  readonly parked: number[][] = Array.from({ length: ACTORS }, () => []);
  readonly passed: { readonly on: number; readonly value: number }[] = [];
  asked = 0;
  settled = 0;
  /** Answers of `seen`, with what had been told before. */
  readonly answers: { readonly to: number; readonly told: readonly number[]; readonly seen: readonly number[] }[] = [];
  world: World;
  readonly #limits: Partial<ShardLimits>;
  readonly #options: SpawnOptions;
  #incarnation = 0;
  #value = 0;
  #open: (() => void) | null = null;
  #unblock: (() => void) | null = null;

  constructor(shardLimits: Partial<ShardLimits>, options: SpawnOptions = {}) {
    this.#limits = shardLimits;
    this.#options = options;
    Object.assign(mood, { wait: null, fail: false, parks: false });
    mood.tripped.clear();
    this.world = this.#make();
  }

  async start(): Promise<this> {
    await this.world.start();
    for (let index = 0; index < ACTORS; index += 1) {
      const own = { durable: true, shard: index % SHARDS, ...(index === 0 ? { name: 'zero' } : {}) };
      this.refs.push(await this.world.spawn(tally, 0, { ...this.#options, ...own }));
    }
    return this;
  }

  async act(command: Command | Trouble | Crash): Promise<void> {
    switch (command.do) {
      case 'tell':
        this.world.tell(this.#ref(command.to), 'add', this.#next(this.told[command.to]));
        return;
      case 'ask':
        this.#ask(command.to);
        return;
      case 'mail': {
        const { shard, id: to } = this.#ref(command.to);
        const mail = Array.from({ length: command.count }, () => {
          const body = this.#next(this.mailed[command.to]);
          return { shard, entry: { kind: 'mail', mail: { to, from: null, type: 'add', body } } } as const;
        });
        void this.journal.deliver(mail);
        return;
      }
      case 'pass': {
        const value = this.#next(undefined);
        this.passed.push({ on: command.on, value });
        this.world.tell(this.#ref(command.to), 'pass', { to: this.#ref(command.on), by: value });
        return;
      }
      case 'burst':
        for (let count = 0; count < command.count; count += 1) {
          this.world.tell(this.#ref(command.to), 'add', this.#next(this.told[command.to]));
        }
        return;
      case 'trip':
        this.world.tell(this.#ref(command.to), 'trip', this.#next(this.told[command.to]));
        return;
      case 'block':
        if (this.#unblock === null) {
          const wait = Promise.withResolvers<void>();
          mood.wait = wait.promise;
          this.#unblock = wait.resolve;
        }
        this.world.tell(this.#ref(command.to), 'slow', 0);
        return;
      case 'unblock':
        this.unblock();
        return;
      case 'park': {
        const list = this.parked[command.to];
        if (list?.length === 0) this.world.tell(this.#ref(command.to), 'park', this.#next(list));
        return;
      }
      case 'release':
        mood.parks = command.parks;
        this.world.tell(this.#ref(command.to), 'release');
        return;
      case 'some':
        await this.world.clock.some(command.rounds);
        return;
      case 'time':
        await this.world.clock.advance(command.ms);
        return;
      case 'gate':
        if (this.#open === null) {
          const gate = Promise.withResolvers<void>();
          this.journal.gate = gate.promise;
          this.#open = gate.resolve;
        } else this.openGate();
        return;
      case 'settle':
        await this.world.clock.settle();
        return;
      case 'crash':
        await this.crash(command.snapshots);
        return;
      default:
        command satisfies never;
    }
  }

  unblock(): void {
    this.#unblock?.();
    this.#unblock = null;
    mood.wait = null;
  }

  openGate(): void {
    this.#open?.();
    this.#open = null;
    this.journal.gate = Promise.resolve();
  }

  /** The process dies as it is; the last snapshots may have been lost, or written without an answer. */
  async crash(fate: 'works' | 'lost' | 'unanswered'): Promise<void> {
    this.journal.snapshotFate = () => fate;
    await this.world.clock.some(2);
    this.journal.crash();
    this.openGate();
    // Asks of a process that is gone are nobody's.
    this.asked = this.settled;
    this.#incarnation += 1;
    this.world = await this.#make().start();
  }

  /** Everything that is under way arrives, and every ask has met its deadline. */
  async rest(): Promise<void> {
    this.openGate();
    this.unblock();
    mood.parks = false;
    for (const ref of this.refs) this.world.tell(ref, 'release');
    for (let round = 0; round < 20 && this.journal.pending > 0; round += 1) await this.world.clock.settle();
    await this.world.clock.advance(ASK_MS + 1);
  }

  /** What the inbox of an actor's shard holds for it to see, in its order. */
  journaled(index: number): number[] {
    const { shard, id } = this.#ref(index);
    return (this.journal.books[shard]?.inbox ?? []).flatMap((entry) =>
      entry.kind === 'mail' && entry.mail.to === id && ['add', 'trip'].includes(entry.mail.type)
        ? [entry.mail.body as number]
        : [],
    );
  }

  async states(): Promise<TallyState[]> {
    const found = new Map<number, TallyState>();
    for (const shard of this.world.shards) {
      const snapshots = await this.#under(shard.inspect(this.refs.map((ref) => ref.id)));
      for (const { id, state } of snapshots) found.set(id, state as TallyState);
    }
    return this.refs.map((ref) => found.get(ref.id) ?? { total: Number.NaN, seen: [] });
  }

  async #under<Value>(promise: Promise<Value>): Promise<Value> {
    await this.world.clock.settle();
    return promise;
  }

  #make(): World {
    const incarnation = this.#incarnation;
    const journal = {
      shard: (shard: number) => this.journal.shard(shard),
      // A process that is gone delivers nothing.
      deliver: (outgoing: readonly Outgoing[]): Promise<void> =>
        incarnation === this.#incarnation ? this.journal.deliver(outgoing) : new Promise(() => undefined),
    };
    return new World(passiveActors, { journal, shards: SHARDS, limits: this.#limits, incarnation });
  }

  #ref(index: number): ActorRef {
    return this.refs[index] as ActorRef;
  }

  #next(list: number[] | undefined): number {
    this.#value += 1;
    list?.push(this.#value);
    return this.#value;
  }

  #ask(to: number): void {
    const told = [...(this.told[to] ?? [])];
    const incarnation = this.#incarnation;
    this.asked += 1;
    const count = (): void => {
      if (incarnation === this.#incarnation) this.settled += 1;
    };
    this.world.askSoon(this.#ref(to), 'seen', undefined, ASK_MS).then((seen) => {
      if (incarnation === this.#incarnation) this.answers.push({ to, told, seen: seen as number[] });
      count();
    }, count);
  }
}

const only = (values: readonly number[], of: readonly number[]): number[] => {
  const wanted = new Set(of);
  return values.filter((value) => wanted.has(value));
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What holds for every program, crashes or not. */
export const checkPromises = async (run: Run, isCrashFree: boolean): Promise<void> => {
  expect(run.world.failures).toEqual([]);
  expect(run.journal.pending).toBe(0);
  const states = await run.states();
  states.forEach(({ seen }, index) => {
    const told = run.told[index] ?? [];
    const mailed = run.mailed[index] ?? [];
    // D2: once each. A2: in the order of each sender.
    expect(new Set(seen).size).toBe(seen.length);
    expect(only(told, seen)).toEqual(only(seen, told));
    // D1: what the journal has acknowledged is there; a tell is acknowledged by nothing and may die with the process.
    expect(only(seen, mailed)).toEqual(mailed);
    if (isCrashFree) expect(only(seen, told)).toEqual(told);
    // A2, J3: the inbox has one order, and whatever is not stashed is handled in it.
    const parked = new Set(run.parked[index]);
    expect(seen.filter((value) => !parked.has(value))).toEqual(run.journaled(index));
    if (isCrashFree) expect(seen.filter((value) => parked.has(value))).toEqual([...parked]);
  });
  // What one actor gave, another one got.
  const added = states.flatMap(({ seen }, index) =>
    only(seen, [...(run.told[index] ?? []), ...(run.mailed[index] ?? []), ...(run.parked[index] ?? [])]),
  );
  expect(sum(states.map(({ total }) => total))).toBe(sum(added));
  for (const { to, told, seen } of run.answers) {
    // A2: an ask sees what its sender told before, and nothing that it told later.
    const later = (run.told[to] ?? []).filter((value) => !told.includes(value));
    expect(only(seen, later)).toEqual([]);
    if (isCrashFree) expect(only(seen, told)).toEqual(told);
  }
  // A5
  expect(run.settled).toBe(run.asked);
};
