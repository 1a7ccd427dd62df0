/** The base of the simulation itself: it repeats, and what dies in it is as dead as in a process. */
import { expect, test } from 'vitest';
import { defineActor, message, request } from '../../src/actor/index.ts';
import { SimulatedSystem, type SimulationOptions } from '../../src/testing/index.ts';

const MODULE = 'test:simulated';

export const counter = defineActor(MODULE, 'counter', {
  state: (start: number) => ({ total: start }),
  messages: { add: message<number>(), total: request<void, number>(), later: message<number>() },
  receive: {
    add: (state, by) => {
      state.total += by;
    },
    total: (state) => state.total,
    later: (_state, delayMs, ctx) => ctx.timers.once('later', delayMs, 'add', 1),
  },
});

export const relay = defineActor(MODULE, 'relay', {
  state: () => ({}),
  messages: { pass: message<{ to: { shard: number; id: number; name: string }; count: number }>() },
  receive: {
    pass: (_state, { to, count }, ctx) => {
      for (let sent = 0; sent < count; sent += 1) ctx.tell(to, 'add', 1);
    },
  },
});

export const teller = defineActor(MODULE, 'teller', {
  state: () => ({ said: 0 }),
  messages: { say: message<number>(), said: request<void, number>() },
  receive: {
    say: (state, number, ctx) => {
      state.said += 1;
      ctx.event({ type: 'message', agent: 'teller', number });
    },
    said: (state) => state.said,
  },
});

const FAULTS = {
  lateChance: 0.3,
  lateMaxMs: 40,
  commitMaxMs: 5,
  flushMaxMs: 20,
  startMaxMs: 30,
  stepTakesChance: 0.1,
  stepTakesMaxMs: 3,
  slowLanes: 0.2,
};

const start = (seed: number, more: Partial<SimulationOptions> = {}): Promise<SimulatedSystem> =>
  SimulatedSystem.start({ seed, faults: FAULTS, modules: { [MODULE]: { counter, relay, teller } }, ...more });

/** A short life with everything in it. @returns what it saw, and its trace */
const life = async (seed: number): Promise<{ totals: unknown[]; hash: string }> => {
  const simulation = await start(seed);
  const kept = await simulation.spawn(counter, 0, { name: 'kept', durable: true });
  const passer = await simulation.spawn(relay, {});
  for (let told = 0; told < 20; told += 1) simulation.tell(kept, 'add', 1);
  const totals = [await simulation.ask(kept, 'total')];
  simulation.tell(passer, 'pass', { to: kept, count: 10 });
  simulation.tell(kept, 'later', 500);
  await simulation.runUntilQuiet();
  simulation.killHost(kept.shard % 2);
  totals.push(await simulation.ask(kept, 'total').catch((error: { code: string }) => error.code));
  await simulation.runUntilQuiet();
  simulation.crash('power');
  await simulation.restart();
  await simulation.advance(1_000);
  totals.push(await simulation.ask(kept, 'total'));
  await simulation.stop();
  return { totals, hash: simulation.traceHash };
};

test('a seed repeats to the last step, another one does not', async () => {
  const [first, again, other] = [await life(7), await life(7), await life(8)];
  expect(again).toEqual(first);
  expect(other.hash).not.toBe(first.hash);
  expect(first.totals).toEqual([20, 'HOST_DIED', 31]);
});

test('A6 D1 a host that dies between two steps is replaced, and a durable actor of it goes on', async () => {
  const simulation = await start(3);
  const kept = await simulation.spawn(counter, 5, { durable: true });
  const lost = await simulation.spawn(counter, 5, { shard: kept.shard });
  const gone = simulation.watch(lost);
  expect(simulation.killHost(kept.shard % 2)).toBe(true);
  expect(await simulation.settle(gone)).toBe('not-found');
  expect(await simulation.ask(kept, 'total')).toBe(5);
  expect(simulation.system.stats().hostDeaths).toBe(1);
  await simulation.stop();
});

test('D1 a commit that fails stops the journal, and the next process finds what was promised', async () => {
  const simulation = await start(4);
  const kept = await simulation.spawn(counter, 0, { name: 'kept', durable: true });
  simulation.tell(kept, 'add', 1);
  expect(await simulation.ask(kept, 'total')).toBe(1);
  simulation.failCommits();
  simulation.tell(kept, 'add', 1);
  await simulation.runUntilQuiet();
  const letters = await simulation.settle(simulation.system.deadLetters());
  expect(letters.map(({ reason }) => reason)).toEqual(['journal-failed']);
  simulation.crash('process');
  await simulation.restart();
  expect(await simulation.ask(kept, 'total')).toBe(1);
  await simulation.stop();
});

test('time passes only by steps, and advance lets all of it pass', async () => {
  const simulation = await start(5, { faults: {} });
  const actor = await simulation.spawn(counter, 0);
  simulation.tell(actor, 'later', 60_000);
  await simulation.advance(59_000);
  expect(await simulation.ask(actor, 'total')).toBe(0);
  await simulation.advance(2_000);
  expect(await simulation.ask(actor, 'total')).toBe(1);
  await simulation.stop();
});

test('time that does not pass within its steps is no time that has passed', async () => {
  const simulation = await start(5, { faults: {} });
  const before = simulation.nowMs;
  await expect(simulation.advance(60_000, { stepsMax: 20 })).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(simulation.nowMs).toBeLessThan(before + 60_000);
  await simulation.stop();
});

test('A7 a host that stands still is ended and replaced', async () => {
  const simulation = await start(6);
  const kept = await simulation.spawn(counter, 2, { durable: true });
  simulation.stallHost(kept.shard % 2, 60_000);
  await simulation.advance(20_000);
  expect(simulation.system.stats().hostDeaths).toBe(1);
  expect(await simulation.ask(kept, 'total')).toBe(2);
  await simulation.stop();
});

test('the events of the last turns before a stop arrive, however late they are', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const seen: unknown[] = [];
    const simulation = await start(seed, { system: { onEvent: (event) => void seen.push(event['number']) } });
    const ref = await simulation.spawn(teller, undefined);
    for (let number = 0; number < 5; number += 1) simulation.tell(ref, 'say', number);
    await simulation.ask(ref, 'said');
    await simulation.stop();
    expect(
      seen.filter((number) => number !== undefined),
      `seed ${seed}`,
    ).toEqual([0, 1, 2, 3, 4]);
  }
});
