/** That `bench threads` counts what has arrived, all of it, and compares with the right rows. */
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { rowSchema } from '../../bench/harness/result.ts';
import { Series } from '../../bench/harness/series.ts';
import { measureEngine, type Parked } from '../../bench/threads/engine.ts';
import { measureFloor, type Counted } from '../../bench/threads/floor.ts';
import { ByteRing } from '../../bench/threads/byte-ring.ts';
import { NAMES, rowsOf } from '../../bench/threads/measure.ts';
import { checkTally, objectOf, Tally } from '../../bench/threads/objects.ts';
import { BATCHES } from '../../bench/threads/settings.ts';

describe('what has arrived is all that was sent', () => {
  test.each([
    ['port', 1],
    ['port', 64],
    ['link', 64],
    ['ring', 64],
  ] as const)('%s, batches of %i', async (method, batch) => {
    expect((await measureFloor({ method, batch, count: 40_000 })).count).toBe(40_000);
  });

  test.each(['port-trips', 'worker-trips', 'ring-trips'] as const)('%s', async (method) => {
    expect((await measureFloor({ method, batch: 1, count: 300 })).seconds).toBeGreaterThan(0);
  });

  test('tells and round trips of actors on two hosts', async () => {
    expect(await measureEngine({ method: 'tells', count: 8_000 })).toMatchObject({ count: 8_000 });
    expect(await measureEngine({ method: 'trips', count: 100 })).toMatchObject({ count: 100 });
  });

  test('a receiver that lacks one, or has one twice, gives no figure', () => {
    const tally = new Tally();
    tally.add([1, 2, 3, 4].map(objectOf));
    expect(() => checkTally(tally, 4)).not.toThrow();
    expect(() => checkTally({ count: 4, sum: 11 }, 4)).toThrow('has 4 objects with the sum 11, of 4');
    expect(() => checkTally({ count: 3, sum: 10 }, 4)).toThrow('has 3 objects');
  });
});

test('a ring hands over records across its end, in order', () => {
  const ring = new ByteRing(ByteRing.allocate(64));
  for (let round = 0; round < 50; round += 1) {
    const record = Uint8Array.from({ length: 1 + (round % 40) }, (_, index) => round + index);
    ring.write(record);
    expect(ring.read()).toEqual(record);
  }
});

test('who is woken for nothing sleeps on', async () => {
  const memory = ByteRing.allocate(64);
  const waker = new Worker(
    `const { workerData } = require('node:worker_threads');
    const words = new Int32Array(workerData, 0, 16);
    // The third word says that the reader sleeps on the first; nothing was written when it is woken.
    while (Atomics.load(words, 3) !== 1);
    for (let times = 0; times < 3; times += 1) while (Atomics.notify(words, 1) === 0);
    new Uint8Array(workerData, 64).set([1, 0, 0, 0, 7]);
    Atomics.store(words, 1, 5);
    Atomics.notify(words, 1);`,
    { eval: true, workerData: memory },
  );
  expect(new ByteRing(memory).read()).toEqual(Uint8Array.of(7));
  await waker.terminate();
});

test('one-way rows are compared with the largest batches of a port, round trips with those of a port', async () => {
  const rates = new Map<string, Series<Counted>>();
  const add = async (name: string, count: number): Promise<void> => {
    const series = new Series<Counted>();
    await series.add(() => Promise.resolve({ count, seconds: 1 }));
    rates.set(name, series);
  };
  for (const batch of BATCHES) {
    await add(NAMES.port(batch), 1_000 * batch);
    await add(NAMES.ring(batch), 4_000 * batch);
  }
  await add(NAMES.link, 1_024_000 * 1.9);
  await add(NAMES.tells, 1_024_000);
  await add(NAMES.portTrips, 15_000);
  await add(NAMES.workerTrips, 20_000);
  await add(NAMES.ringTrips, 30_000);
  await add(NAMES.trips, 50_000);
  const parked = new Series<Parked>();
  await parked.add(() => Promise.resolve({ percent: 0.2 }));
  const rows = new Map(rowsOf(rates, parked).map((row) => [row.name, rowSchema.parse(row)]));
  expect(rows.get(NAMES.link)).toMatchObject({ baseline: NAMES.port(1_024), ratio: 1.9, target: 2, met: false });
  expect(rows.get(NAMES.tells)).toMatchObject({ ratio: 1, target: 1, met: true });
  expect(rows.get(NAMES.trips)).toMatchObject({ baseline: NAMES.workerTrips, ratio: 2.5, target: 50_000, met: true });
  expect(rows.get(NAMES.parked)).toMatchObject({ value: 0.2, target: 0.1, met: false });
});
