/** Random programs with passivation on, against what the promises say, and against the same program with it off. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import type { TallyState } from './passive-actors.ts';
import { AFTER_MS, anyTime, checkPromises, crash, Run } from './programs.ts';

const OFF: Partial<ShardLimits> = { passivateAfterMs: Infinity, residentMax: Infinity, checkpointEntries: Infinity };

const limits: fc.Arbitrary<Partial<ShardLimits>> = fc.record({
  passivateAfterMs: fc.constantFrom(AFTER_MS, Infinity),
  residentMax: fc.integer({ min: 1, max: 3 }),
  checkpointEntries: fc.constantFrom(3, 10, Infinity),
});

describe('passivation under random programs', () => {
  const runs = { numRuns: 60 };

  test('D1, D2, A2, A3, A5 hold without crashes, and the result is that of a run without passivation', async () => {
    await fc.assert(
      fc.asyncProperty(
        limits,
        fc.array(anyTime, { minLength: 10, maxLength: 80, size: 'max' }),
        async (shardLimits, commands) => {
          const results: TallyState[][] = [];
          for (const chosen of [shardLimits, OFF]) {
            const run = await new Run(chosen).start();
            for (const command of commands) await run.act(command);
            await run.rest();
            await checkPromises(run, true);
            results.push(await run.states());
          }
          const [on, off] = results.map((states) =>
            states.map(({ total, seen }) => ({ total, seen: [...seen].sort((a, b) => a - b) })),
          );
          expect(on).toEqual(off);
        },
      ),
      runs,
    );
  });

  test('D1, D2, A2, A5 hold over crashes at any moment, in the middle of snapshots too (J6)', async () => {
    await fc.assert(
      fc.asyncProperty(
        limits,
        fc.array(fc.oneof({ weight: 12, arbitrary: anyTime }, { weight: 1, arbitrary: crash }), {
          minLength: 10,
          maxLength: 100,
          size: 'max',
        }),
        async (shardLimits, commands) => {
          const run = await new Run(shardLimits).start();
          for (const command of commands) await run.act(command);
          await run.rest();
          await checkPromises(run, !commands.some((command) => command.do === 'crash'));
          // Nothing of it was in memory alone.
          const before = await run.states();
          await run.crash('works');
          await run.rest();
          expect(await run.states()).toEqual(before);
        },
      ),
      runs,
    );
  });
});
