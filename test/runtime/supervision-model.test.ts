/**
 * Supervision against a small model of what OTP documents: drawn children, drawn ends, and after each of them the same
 * order of stops and starts, the same restarts, and the same actors left. (Erlang/OTP, stdlib, `supervisor`.)
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  defineActor,
  message,
  request,
  type ActorRef,
  type RestartType,
  type SpawnOptions,
  type SupervisionStrategy,
} from '../../src/actor/index.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

let log: string[] = [];

const worker = defineActor(FIXTURES, 'worker', {
  state: (name: string) => {
    log.push(`start ${name}`);
    return { name, touched: false };
  },
  messages: { touch: message(), fail: request(), quit: message() },
  receive: {
    // A durable actor has a state to come back to from its first commit on.
    touch: (state) => {
      state.touched = true;
    },
    fail: () => {
      throw new Error('oh');
    },
    quit: (_state, _body, ctx) => ctx.stop(),
  },
  onStop: (state) => {
    log.push(`stop ${state.name}`);
  },
});

interface Limit {
  readonly max: number;
  readonly withinMs: number;
}

interface Case {
  readonly strategy: SupervisionStrategy;
  readonly intensity: Limit;
  /** Where the intensity stands: with the supervisor, or with each child. */
  readonly counted: 'supervisor' | 'child';
  readonly children: readonly { readonly restart: RestartType; readonly shard: number; readonly durable: boolean }[];
  readonly events: readonly { readonly child: number; readonly how: 'fail' | 'quit'; readonly afterMs: number }[];
}

interface ModelChild {
  readonly name: string;
  readonly restart: RestartType;
  readonly durable: boolean;
  restarts: number;
  times: number[];
}

/** A supervisor as the documentation of OTP has it. */
class Model {
  children: ModelChild[];
  log: string[] = [];
  stopped = false;
  #times: number[] = [];
  readonly #case: Case;

  constructor(drawn: Case) {
    this.#case = drawn;
    this.children = drawn.children.map(({ restart, durable }, index) => ({
      name: `c${index}`,
      restart,
      durable,
      restarts: 0,
      times: [],
    }));
  }

  ends(name: string, how: 'fail' | 'quit', nowMs: number): void {
    const child = this.children.find((one) => one.name === name);
    if (this.stopped || child === undefined) return;
    // Who stops itself cleans up; who fails does not.
    if (how === 'quit' && child.restart !== 'permanent') this.log.push(`stop ${name}`);
    if (child.restart === 'temporary' || (child.restart === 'transient' && how === 'quit')) {
      this.#remove(child);
      return;
    }
    if (!this.#count(child, nowMs)) {
      // The supervisor terminates all child processes, and then itself.
      this.#remove(child);
      for (const other of this.children.toReversed()) this.log.push(`stop ${other.name}`);
      this.children = [];
      this.stopped = true;
      return;
    }
    const from = this.children.indexOf(child);
    const concerned = {
      one_for_one: [child],
      one_for_all: [...this.children],
      rest_for_one: this.children.slice(from),
    }[this.#case.strategy];
    for (const other of concerned.toReversed()) {
      if (other === child) continue;
      // A temporary child is not restarted, also when it is a sibling's end that terminates it.
      if (other.restart === 'temporary') this.#remove(other);
      if (!other.durable || other.restart === 'temporary') this.log.push(`stop ${other.name}`);
    }
    for (const other of concerned) {
      if (other.restart === 'temporary') continue;
      other.restarts += 1;
      if (!other.durable) this.log.push(`start ${other.name}`);
    }
  }

  #count(child: ModelChild, nowMs: number): boolean {
    const { strategy, counted, intensity } = this.#case;
    const times = strategy === 'one_for_one' && counted === 'child' ? child.times : this.#times;
    times.push(nowMs);
    return times.filter((time) => time > nowMs - intensity.withinMs).length <= intensity.max;
  }

  #remove(child: ModelChild): void {
    this.children = this.children.filter((one) => one !== child);
  }
}

const cases: fc.Arbitrary<Case> = fc.record({
  strategy: fc.constantFrom<SupervisionStrategy>('one_for_one', 'one_for_all', 'rest_for_one'),
  intensity: fc.record({ max: fc.nat(3), withinMs: fc.constantFrom(50, 100) }),
  counted: fc.constantFrom('supervisor' as const, 'child' as const),
  children: fc.array(
    fc.record({
      restart: fc.constantFrom<RestartType>('permanent', 'transient', 'transient', 'temporary'),
      shard: fc.nat(1),
      durable: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  events: fc.array(
    fc.record({
      child: fc.nat(4),
      how: fc.constantFrom('fail' as const, 'fail' as const, 'quit' as const),
      afterMs: fc.constantFrom(0, 1, 10, 49, 50, 51),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});

const play = async (drawn: Case): Promise<void> => {
  const { strategy, intensity, counted } = drawn;
  const boss = defineActor(FIXTURES, 'boss', {
    state: () => ({}),
    messages: { hire: request<{ name: string; options: SpawnOptions }, ActorRef>() },
    receive: {
      hire: (_state, { name, options }, ctx): ActorRef => ctx.spawn(worker, name, options),
    },
    strategy,
    ...(counted === 'supervisor' ? { intensity } : {}),
  });
  const world = await new World({ worker, boss }, { shards: 2, journal: new MemoryJournal(2) }).start();
  const supervisor = await world.spawn(boss, undefined, { shard: 0 });
  const refs: ActorRef[] = [];
  for (const [index, child] of drawn.children.entries()) {
    const options = { ...child, ...(counted === 'child' ? { intensity } : { intensity: { max: 0, withinMs: 1 } }) };
    refs.push((await world.ask(supervisor, 'hire', { name: `c${index}`, options })) as ActorRef);
  }
  for (const ref of refs) world.tell(ref, 'touch');
  await world.clock.settle();
  const model = new Model(drawn);
  let nowMs = 0;
  for (const { child, how, afterMs } of drawn.events) {
    const ref = refs[child % refs.length] as ActorRef;
    log = [];
    model.log = [];
    nowMs += afterMs;
    await world.clock.advance(afterMs);
    const status = world.shards[ref.shard]?.snapshots().some(({ id }) => id === ref.id) === true;
    expect(status).toBe(model.children.some(({ name }) => name === `c${child % refs.length}`));
    // An ask that fails is answered and gone; told mail of a durable actor would be tried again.
    if (status && how === 'fail') void world.askSoon(ref, 'fail').catch(() => undefined);
    else if (status) world.tell(ref, how);
    await world.clock.settle();
    model.ends(`c${child % refs.length}`, how, nowMs);
    expect(log).toEqual(model.log);
    const left = world.shards.flatMap((shard) => shard.snapshots());
    const restarts = new Map(left.map((actor) => [actor.id, actor.restarts]));
    expect(restarts.has(supervisor.id)).toBe(!model.stopped);
    const expected = model.children.map(({ name, restarts }) => [name, restarts]);
    const alive = refs.flatMap(({ id }, index) => (restarts.has(id) ? [[`c${index}`, restarts.get(id)]] : []));
    expect(alive).toEqual(expected);
    if (model.stopped) return;
  }
};

test('A9 A8 A10 strategies, restart types and intensity as OTP documents them', async () => {
  await fc.assert(fc.asyncProperty(cases, play), { numRuns: 150 });
});
