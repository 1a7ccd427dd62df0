/** That `bench savina` gives a figure only for a program that came to its right result. */
import { describe, expect, test } from 'vitest';
import { resultSchema, rowSchema } from '../../bench/harness/result.ts';
import { runOnEngine, withEngine } from '../../bench/savina/engine/run.ts';
import { arrayFloor, ringFloor } from '../../bench/savina/floors.ts';
import type { Kernel, Typed } from '../../bench/savina/kernel.ts';
import { measurePlan, makeSeries } from '../../bench/savina/measure.ts';
import { checkSeen, expectedOf, itemsOf, Lcg } from '../../bench/savina/outcome.ts';
import { erlangRate } from '../../bench/savina/peers/erlang.ts';
import { xstateKernel } from '../../bench/savina/peers/xstate.ts';
import { nactKernel } from '../../bench/savina/peers/nact.ts';
import { runOnKernel } from '../../bench/savina/programs/index.ts';
import { rowsOf } from '../../bench/savina/rows.ts';
import { planOf, PROGRAMS, SIZES, type Plan, type Program, type Size } from '../../bench/savina/settings.ts';
import { rateOf, warmUpOf, type Rate } from '../../bench/savina/subject.ts';

const SMALL: Readonly<Record<Program, Size>> = {
  pingpong: { actors: 2, items: 300 },
  counting: { actors: 2, items: 2_500 },
  create: { actors: 1_300, items: 1_300 },
  'fork-join': { actors: 6, items: 1_100 },
  ring: { actors: 7, items: 100 },
  chameneos: { actors: 9, items: 200 },
  big: { actors: 8, items: 50 },
  bank: { actors: 12, items: 1_500 },
  dictionary: { actors: 4, items: 60 },
  philosophers: { actors: 5, items: 40 },
};

describe.each(PROGRAMS)('%s', (program) => {
  const size = SMALL[program];

  test.each<[string, () => Kernel]>([
    ['array floor', arrayFloor],
    ['ring floor', ringFloor],
    ['XState', xstateKernel],
    ['nact', nactKernel],
  ])('comes to its result on the %s, twice in a row', async (_, make) => {
    const kernel = make();
    for (let pass = 0; pass < 2; pass += 1) {
      expect((await runOnKernel(program, size, kernel)).seen).toEqual(expectedOf(program, size));
    }
  });

  /** Every message once, but for one: `times` of it. */
  const faulty = (at: number, times: number): Kernel => {
    const kernel = arrayFloor();
    let sent = 0;
    return {
      drain: kernel.drain,
      spawn: <Message extends Typed>(handle: (message: Message) => void) => {
        const inner = kernel.spawn(handle);
        return {
          send: (message: Message) => {
            sent += 1;
            for (let count = sent === at ? times : 1; count > 0; count -= 1) inner.send(message);
          },
        };
      },
    };
  };

  test('a subject that loses a message gives no figure', async () => {
    for (const at of [20, 57]) {
      const lost = rateOf((one, of) => runOnKernel(one, of, faulty(at, 0)), program, size, 1);
      await expect(lost).rejects.toThrow(/a message was lost|has a wrong result/u);
    }
  });

  test('a result that differs in anything is wrong', () => {
    const expected = expectedOf(program, size);
    expect(() => checkSeen(program, size, expected)).not.toThrow();
    for (const name of Object.keys(expected)) {
      const other = { ...expected, [name]: (expected[name] ?? 0) + 1 };
      expect(() => checkSeen(program, size, other)).toThrow(`${program} has a wrong result: ${name} `);
      const { [name]: _, ...missing } = expected;
      expect(() => checkSeen(program, size, missing)).toThrow(`${name} missing`);
    }
    expect(() => checkSeen(program, size, { ...expected, more: 1 })).toThrow('more 1 instead of none');
  });

  test('the warm-up is the same program, no larger', () => {
    for (const of of [size, SIZES[program]]) {
      const warmUp = warmUpOf(program, of);
      expect(itemsOf(program, warmUp)).toBeLessThanOrEqual(itemsOf(program, of));
      expect(itemsOf(program, warmUp)).toBeGreaterThan(0);
    }
  });
});

test('every program comes to the same result on the engine', async () => {
  await withEngine(async (system) => {
    for (const program of PROGRAMS) {
      const { outcome } = await runOnEngine(system, program, SMALL[program], false);
      expect([program, outcome.seen]).toEqual([program, expectedOf(program, SMALL[program])]);
      expect(outcome.wallSeconds).toBeGreaterThan(0);
    }
    const { outcome } = await runOnEngine(system, 'counting', SMALL.counting, true);
    expect(outcome.seen).toEqual({ counted: 2_500 });
  });
});

test('every subject draws the same numbers', () => {
  const random = new Lcg(7);
  expect(Array.from({ length: 6 }, () => random.below(100))).toEqual([77, 73, 4, 68, 7, 65]);
});

test('what Erlang prints is checked like any other result', () => {
  const size = { actors: 2, items: 5 };
  const line = (seen: unknown): string => JSON.stringify({ seconds: 0.5, seen });
  const { count, seconds } = erlangRate('counting', size, `noise\n${line({ counted: 5 })}\n`);
  expect([count, seconds]).toEqual([5, 0.5]);
  expect(() => erlangRate('counting', size, line({ counted: 4 }))).toThrow('counted 4 instead of 5');
});

const TINY: Plan = {
  ...planOf({ quick: true, json: true, runs: 1, peerRuns: 0, programs: ['counting'] }),
  sizes: SMALL,
};

describe('rows', () => {
  const rate = (count: number): Rate => ({ count, seconds: 1, wallSeconds: 2 });

  test('ratios are to the floor with one array per mailbox, and targets are ratios', async () => {
    const plan = { ...TINY, peerRuns: 1, programs: ['counting', 'bank'] as const };
    const series = makeSeries(plan);
    const counting = series.rates.get('counting');
    for (const count of [90, 100, 300]) await counting?.get('array-floor')?.add(() => Promise.resolve(rate(count)));
    await counting?.get('ring-floor')?.add(() => Promise.resolve(rate(400)));
    await counting?.get('megactor')?.add(() => Promise.resolve(rate(49)));
    await counting?.get('batch')?.add(() => Promise.resolve(rate(110)));
    for (const one of ['nact', 'xstate', 'erlang'] as const) {
      await counting?.get(one)?.add(() => Promise.reject(new Error(`${one} is not installed`)));
    }
    for (const one of series.rates.get('bank')?.values() ?? []) {
      await one.add(() => Promise.reject(new Error('a message was lost')));
    }
    const rows = rowsOf(series, plan).map((row) => rowSchema.parse(row));
    const row = (name: string) => rows.find((one) => one.name === name);
    const floor = 'counting: floor, one array per mailbox';
    expect(row(floor)).toMatchObject({ value: 100, min: 90, max: 300, baseline: null, target: null });
    expect(row('counting: floor, one FIFO ring')).toMatchObject({ ratio: 4, baseline: floor, target: null });
    expect(row('counting: megactor')).toMatchObject({ ratio: 0.49, target: 0.5, targetIs: 'ratio', met: false });
    expect(row('counting: megactor, batch handler')).toMatchObject({ ratio: 1.1, target: 1.1, met: true });
    expect(row('counting: nact')).toMatchObject({ value: null, skipped: 'nact is not installed' });
    expect(row('bank: megactor')).toMatchObject({ value: null, skipped: 'a message was lost' });
  });

  test('memory of idle actors has a target of its own', async () => {
    const plan = { ...TINY, programs: ['create'] as const };
    const series = makeSeries(plan);
    await series.memory.get('megactor')?.add(() => Promise.resolve({ bytes: 401 }));
    await series.memory.get('array-floor')?.add(() => Promise.resolve({ bytes: 200 }));
    await series.memory.get('ring-floor')?.add(() => Promise.resolve({ bytes: 100 }));
    for (const one of series.rates.get('create')?.values() ?? []) await one.add(() => Promise.resolve(rate(1)));
    const found = rowsOf(series, plan).filter(({ unit }) => unit === 'bytes');
    expect(found.map(({ value, met }) => [value, met])).toEqual([
      [200, null],
      [100, null],
      [401, false],
    ]);
  });
});

test('a real measurement, each subject in its own process', { timeout: 300_000 }, async () => {
  const said: string[] = [];
  // Enough for the clock of CPU time to tell it from nothing.
  const plan = { ...TINY, sizes: { ...SMALL, counting: { actors: 2, items: 400_000 } } };
  const result = resultSchema.parse(await measurePlan(plan, (line) => said.push(line)));
  expect(result.rows.map(({ name }) => name)).toEqual([
    'counting: floor, one array per mailbox',
    'counting: floor, one FIFO ring',
    'counting: megactor',
    'counting: megactor, batch handler',
  ]);
  expect(result.rows.filter(({ value }) => value === null || value <= 0)).toEqual([]);
  expect(said).toHaveLength(4);
});
