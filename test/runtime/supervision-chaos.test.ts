/**
 * Supervisors and children on three threads with slow links, while children fail and threads die at drawn moments. When
 * that is over everybody comes to rest: nobody waits for an order or a report that will not come.
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
} from '../../src/actor/index.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

const SHARDS = 3;

const worker = defineActor(FIXTURES, 'worker', {
  state: () => ({ total: 0 }),
  messages: { add: message<number>(), fail: request(), hang: message(), quit: message() },
  receive: {
    add: (state, by) => {
      state.total += by;
    },
    fail: () => {
      throw new Error('oh');
    },
    // Ends with its turn's signal, as a call to the outside does.
    hang: (_state, _body, ctx) =>
      new Promise((_resolve, reject) => {
        ctx.signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
    quit: (_state, _body, ctx) => ctx.stop(),
  },
});

const messages = { hire: request<SpawnOptions, ActorRef>() };
const receive = {
  hire: (_state: unknown, options: SpawnOptions, ctx: { spawn: CallableFunction }) =>
    ctx.spawn(worker, undefined, options) as ActorRef,
};
const state = (): object => ({});
const all = defineActor(FIXTURES, 'all', { state, messages, receive, strategy: 'one_for_all' });
const rest = defineActor(FIXTURES, 'rest', { state, messages, receive, strategy: 'rest_for_one' });
const counting = defineActor(FIXTURES, 'counting', {
  state,
  messages,
  receive,
  intensity: { max: 3, withinMs: 10_000 },
});
const definitions: Record<string, unknown> = { worker, all, rest, counting };

type Step =
  | { readonly kind: 'fail' | 'add' | 'hang' | 'quit'; readonly child: number }
  | { readonly kind: 'die'; readonly shard: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'flush' };

interface Case {
  readonly supervisor: 'all' | 'rest' | 'counting';
  readonly durable: boolean;
  readonly max: number;
  readonly children: readonly SpawnOptions[];
  readonly steps: readonly Step[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  supervisor: fc.constantFrom('all' as const, 'rest' as const, 'counting' as const),
  durable: fc.boolean(),
  max: fc.constantFrom(1, 50),
  children: fc.array(
    fc.record({
      shard: fc.nat(SHARDS - 1),
      durable: fc.boolean(),
      restart: fc.constantFrom<RestartType>('permanent', 'transient', 'temporary'),
      backoff: fc.constantFrom({ minMs: 0, maxMs: 0 }, { minMs: 20, maxMs: 20 }),
      passivateAfterMs: fc.constantFrom(0, 15),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  steps: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('fail', 'add', 'hang', 'quit'), child: fc.nat(3) }),
      fc.record({ kind: fc.constant('fail' as const), child: fc.nat(3) }),
      fc.record({ kind: fc.constant('die' as const), shard: fc.nat(SHARDS - 1) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 10, 30) }),
      fc.constant({ kind: 'flush' as const }),
    ),
    { minLength: 1, maxLength: 20 },
  ),
});

/** The states in which an actor rests. */
const AT_REST = new Set(['idle']);

const arrive = async (world: World): Promise<void> => {
  for (let round = 0; world.inFlight > 0; round += 1) {
    expect(round).toBeLessThan(500);
    await world.flush();
  }
};

const play = async (drawn: Case): Promise<void> => {
  const journal = new MemoryJournal(SHARDS);
  const limits = { stopGraceMs: 50 };
  const world = await new World(definitions, { shards: SHARDS, journal, slowLinks: true, limits }).start();
  const boss = await world.spawn(definitions[drawn.supervisor], undefined, { shard: 0, durable: drawn.durable });
  const refs: ActorRef[] = [];
  for (const options of drawn.children) {
    const intensity = { max: drawn.max, withinMs: 10_000 };
    const { passivateAfterMs, ...rest } = options;
    const own = options.durable === true && passivateAfterMs !== undefined ? { ...rest, passivateAfterMs } : rest;
    refs.push((await world.ask(boss, 'hire', { ...own, intensity })) as ActorRef);
    await arrive(world);
  }
  await world.clock.settle();
  for (const step of drawn.steps) {
    if (step.kind === 'wait') await world.clock.advance(step.ms);
    else if (step.kind === 'flush') await world.flush();
    else if (step.kind === 'die') await world.restart(step.shard);
    else {
      const ref = refs[step.child % refs.length] as ActorRef;
      if (step.kind === 'fail') void world.askSoon(ref, 'fail', undefined, 1_000).catch(() => undefined);
      else world.tell(ref, step.kind, step.kind === 'add' ? 1 : undefined);
      await world.clock.settle();
    }
  }
  // A turn that waits for the world outside is no concern of its supervisor; a stop ends it.
  const snapshots = (): ReturnType<(typeof world.shards)[number]['snapshots']> =>
    world.shards.flatMap((shard) => shard.snapshots());
  for (let round = 0; round < 10; round += 1) {
    await arrive(world);
    await world.clock.advance(500);
  }
  expect(world.failures).toEqual([]);
  const unsettled = snapshots().filter(({ status }) => !AT_REST.has(status) && status !== 'running');
  expect(unsettled.map(({ name, status, hold }) => [name, status, hold])).toEqual([]);
  // Who was told to stop stops, with all below; but those whom a dead thread or the failure of their parent left alone.
  const supervised = snapshots().some(({ id }) => id === boss.id);
  world.stop(boss);
  for (let round = 0; round < 10; round += 1) {
    await arrive(world);
    await world.clock.advance(500);
  }
  const there = [boss, ...refs].map(async ({ shard, id }) => (await world.shards[shard]?.activate(id)) === true);
  await world.clock.settle();
  const left = (await Promise.all(there)).filter(Boolean).length;
  const lostBoss = !drawn.durable && drawn.steps.some((step) => step.kind === 'die' && step.shard === 0);
  if (supervised || (!lostBoss && drawn.supervisor !== 'counting')) expect(left).toBe(0);
};

test('A3 A6 A8 whatever fails and dies, everybody comes to rest, and a stop reaches all', async () => {
  await fc.assert(fc.asyncProperty(cases, play), { numRuns: 60 });
});
