/** Probes, seeds, and definitions as a user's test has them. */
import { describe, expect, test } from 'vitest';
import { defineActor, message, request, type ActorRef } from '../../src/actor/index.ts';
import { forEachSeed, SEED_VARIABLE, SimulatedSystem } from '../../src/testing/index.ts';

const MODULE = 'test:probes';

/** What a till tells its printer. */
const printer = defineActor(MODULE, 'printer', {
  state: () => ({}),
  messages: { print: message<string>(), ready: request<void, boolean>() },
  receive: { print: () => {}, ready: () => true },
});

const till = defineActor(MODULE, 'till', {
  state: (out: ActorRef<(typeof printer)['messages']>) => ({ out, sum: 0 }),
  messages: {
    sell: message<number>(),
    close: message(),
    total: request<void, number>(),
    printable: request<void, boolean>(),
  },
  receive: {
    sell: (state, price, ctx) => {
      state.sum += price;
      ctx.tell(state.out, 'print', `sold for ${price}`);
    },
    close: (state, _body, ctx) => {
      ctx.tell(state.out, 'print', `sum ${state.sum}`);
      ctx.stop();
    },
    total: (state) => state.sum,
    printable: (state, _body, ctx) => ctx.ask(state.out, 'ready', undefined, { deadlineMs: 200 }),
  },
});

const start = async (seed = 1) => {
  const simulation = await SimulatedSystem.start({ seed });
  const probe = await simulation.probe(printer, { name: 'printer' });
  const ref = await simulation.spawn(till, probe.ref, { name: 'till' });
  return { simulation, probe, ref };
};

describe('a probe', () => {
  test('says what came, in its order, and what did not', async () => {
    const { simulation, probe, ref } = await start();
    simulation.tell(ref, 'sell', 3);
    simulation.tell(ref, 'sell', 4);
    expect(await probe.expect('print', 'sold for 3')).toBe('sold for 3');
    expect(await probe.expect('print')).toBe('sold for 4');
    await probe.expectNone(1_000);
    expect(probe.received.map(({ body }) => body)).toEqual(['sold for 3', 'sold for 4']);
    await expect(probe.next({ ms: 50 })).rejects.toThrow('expected a message, but: nothing came');
    await simulation.stop();
  });

  test('fails with what came instead', async () => {
    const { simulation, probe, ref } = await start();
    simulation.tell(ref, 'sell', 3);
    await expect(probe.expect('print', 'sold for 5')).rejects.toMatchObject({
      name: 'AssertionError',
      expected: 'print "sold for 5"',
      actual: 'print "sold for 3"',
    });
    simulation.tell(ref, 'sell', 4);
    await expect(probe.expectNone(100)).rejects.toThrow('expected nothing for 100 ms, but: print "sold for 4"');
    await simulation.stop();
  });

  test('passes over what is of no interest', async () => {
    const { simulation, probe, ref } = await start();
    for (const price of [1, 2, 3]) simulation.tell(ref, 'sell', price);
    expect(await probe.fish('print', (text) => text.endsWith('3'))).toBe('sold for 3');
    await probe.expectNone();
    await simulation.stop();
  });

  test('answers requests as it is told, later, or not at all', async () => {
    const { simulation, probe, ref } = await start();
    const unanswered = simulation.askSoon(ref, 'printable');
    await expect(simulation.settle(unanswered)).rejects.toMatchObject({ code: expect.any(String) as string });
    const second = await simulation.spawn(till, probe.ref);
    probe.answer('ready', () => false);
    expect(await simulation.ask(second, 'printable')).toBe(false);
    await simulation.stop();
  });

  test('speaks for itself, and watches', async () => {
    const { simulation, probe, ref } = await start();
    await probe.watch(ref);
    await probe.tell(ref, 'sell', 8);
    expect(await probe.ask(ref, 'total')).toBe(8);
    await probe.expect('print', 'sold for 8');
    await probe.tell(ref, 'close');
    // Signals go before mail.
    expect(await probe.expectTerminated(ref)).toBe('stopped itself');
    await probe.expect('print', 'sum 8');
    await simulation.stop();
  });

  test('whose host has died says so', async () => {
    const { simulation, probe, ref } = await start();
    simulation.killHost(probe.ref.shard % 2);
    await expect(probe.tell(ref, 'sell', 1)).rejects.toThrow('its host has died');
  });
});

describe('definitions', () => {
  test('a module that exists and one that is only registered are one, and the copy of the test goes first', async () => {
    const url = new URL('./kit-actors.ts', import.meta.url).href;
    const { parent } = await import('./kit-actors.ts');
    expect(parent.module).toBe(url);
    const simulation = await SimulatedSystem.start({ seed: 1 });
    const ref = await simulation.spawn(parent, undefined);
    // The child is exported by the module, and nobody has registered it.
    expect(await simulation.ask(ref, 'grandchildren')).toBe(2);
    await simulation.stop();
  });
});

describe('seeds', () => {
  test('every one runs, and one that fails is named', async () => {
    const seen: number[] = [];
    await forEachSeed(async (seed) => void seen.push(seed), { count: 3, first: 5 });
    expect(seen).toEqual([5, 6, 7]);
    const failing = forEachSeed((seed) => (seed === 2 ? Promise.reject(new Error('too late')) : Promise.resolve()));
    await expect(failing).rejects.toThrow(`seed 2 (alone: ${SEED_VARIABLE}=2): too late`);
  });

  test('one of the environment runs alone', async () => {
    const seen: number[] = [];
    process.env[SEED_VARIABLE] = '42';
    try {
      await forEachSeed(async (seed) => void seen.push(seed));
    } finally {
      delete process.env[SEED_VARIABLE];
    }
    expect(seen).toEqual([42]);
  });

  test('what does not repeat is found; a simulation does repeat', async () => {
    let runs = 0;
    await expect(forEachSeed(async () => (runs += 1), { count: 1, twice: true })).rejects.toThrow('does not repeat');
    await forEachSeed(
      async (seed) => {
        const { simulation, probe, ref } = await start(seed);
        simulation.tell(ref, 'sell', seed);
        await probe.expect('print', `sold for ${seed}`);
        await simulation.stop();
        return simulation.traceHash;
      },
      { count: 3, twice: true },
    );
  });
});
