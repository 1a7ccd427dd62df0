/** Maps, sets, typed arrays and the like in durable actors, over real threads and the real journal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ActorRef } from '../../src/actor/index.ts';
import { ActorSystem, type SystemOptions } from '../../src/runtime/index.ts';
import { anyData } from '../journal/any-data.ts';
import { shelf } from './fixtures/shelf.ts';

type ShelfRef = ActorRef<(typeof shelf)['messages']>;

const AT_LEAST = [
  new Map<unknown, unknown>([[new Map([[1, new Set(['a'])]]), { floats: new Float32Array([1.5, -2]) }]]),
  { big: 2n ** 80n, at: new Date(-1), none: undefined, bytes: new Uint8Array([1, 2]) },
];

const inJournal = async (use: (start: (options?: Partial<SystemOptions>) => Promise<ActorSystem>) => Promise<void>) => {
  const directory = mkdtempSync(join(tmpdir(), 'megactor-any-data-'));
  const journal = { directory, durability: 'committed' } as const;
  try {
    await use((options = {}) => ActorSystem.start({ threads: 1, shards: 1, seed: 1, journal, ...options }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const check = async (system: ActorSystem, shelves: readonly ShelfRef[], values: readonly unknown[]): Promise<void> => {
  for (const [index, ref] of shelves.entries()) {
    const value = values[index];
    const expected = { first: value, put: value, answer: value, later: value, ticks: 1, history: [value] };
    const found = await system.ref(ref).ask('all');
    if (!isDeepStrictEqual(found, expected)) expect(found).toStrictEqual(expected);
    expect(isDeepStrictEqual(found, expected)).toBe(true);
  }
};

test('D8 what a durable actor holds is the same after a dead host, in another process and after rest on the disk', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyData, { minLength: 8, maxLength: 8 }), async (drawn) => {
      const values = [...AT_LEAST, ...drawn];
      await inJournal(async (start) => {
        let deaths = 0;
        const first = await start({ onHostDeath: () => (deaths += 1) });
        const shelves: ShelfRef[] = [];
        for (const value of values) {
          const ref = await first.spawn(shelf, value, { durable: true });
          ref.tell('put', value);
          shelves.push(ref);
        }
        for (const ref of shelves) {
          await expect.poll(async () => (await first.ref(ref).ask('all')).ticks).toBe(1);
        }
        (await first.spawn(shelf, null)).tell('exit');
        await expect.poll(() => deaths).toBe(1);
        await check(first, shelves, values);
        await first.stop();

        // One place in memory: whoever is asked was read from the disk.
        const second = await start({ residentMax: 1 });
        await check(second, shelves, values);
        await check(second, shelves, values);
        await second.stop();
      });
    }),
    { numRuns: 1 },
  );
});
