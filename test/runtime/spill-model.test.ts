/** Random programs with mailboxes of one to four mails, against the same programs with mailboxes that hold everything. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SpawnOptions } from '../../src/actor/index.ts';
import type { ShardLimits } from '../../src/runtime/shard-core.ts';
import type { TallyState } from './passive-actors.ts';
import { AFTER_MS, anyTime, checkPromises, crash, Run, trouble } from './programs.ts';

const RESTARTS = { restart: 'transient', intensity: { max: 1_000, withinMs: 1 } } as const;
const UNBOUNDED: SpawnOptions = { ...RESTARTS, mailbox: { capacity: 10_000 } };

const small: fc.Arbitrary<SpawnOptions> = fc
  .integer({ min: 1, max: 4 })
  .map((capacity) => ({ ...RESTARTS, mailbox: { capacity } }));

const limits: fc.Arbitrary<Partial<ShardLimits>> = fc.record({
  passivateAfterMs: fc.constantFrom(AFTER_MS, Infinity),
  residentMax: fc.constantFrom(2, Infinity),
  checkpointEntries: fc.constantFrom(3, 10, Infinity),
});

const steps = fc.oneof({ weight: 3, arbitrary: anyTime }, { weight: 2, arbitrary: trouble });

/** The most items that a mailbox had in memory, beyond what the turn under way has taken. */
const mostHeld = (run: Run): number =>
  Math.max(
    ...run.world.shards.flatMap((shard) => shard.snapshots().map(({ mailbox, spilled }) => mailbox - spilled)),
    0,
  );

describe('mailboxes that spill, under random programs', () => {
  const runs = { numRuns: 60 };

  test('A2, A3, A5, D1, D2 hold without crashes, and the result is that of mailboxes that hold everything', async () => {
    await fc.assert(
      fc.asyncProperty(
        limits,
        small,
        fc.array(steps, { minLength: 10, maxLength: 60, size: 'max' }),
        async (shardLimits, options, commands) => {
          const results: TallyState[][] = [];
          for (const chosen of [options, UNBOUNDED]) {
            const run = await new Run(shardLimits, chosen).start();
            for (const command of commands) await run.act(command);
            await run.rest();
            await checkPromises(run, true);
            results.push(await run.states());
          }
          const [spilled, held] = results.map((states) =>
            states.map(({ total, seen }) => ({ total, seen: [...seen].sort((a, b) => a - b) })),
          );
          expect(spilled).toEqual(held);
        },
      ),
      runs,
    );
  });

  test('A2, A4, A5, D1, D2 hold over crashes at any moment, also while mail is read back', async () => {
    let spilled = 0;
    await fc.assert(
      fc.asyncProperty(
        limits,
        small,
        fc.array(fc.oneof({ weight: 12, arbitrary: steps }, { weight: 1, arbitrary: crash }), {
          minLength: 10,
          maxLength: 80,
          size: 'max',
        }),
        async (shardLimits, options, commands) => {
          const run = await new Run(shardLimits, options).start();
          const capacity = options.mailbox?.capacity ?? 0;
          for (const command of commands) {
            await run.act(command);
            spilled += run.world.counters.reduce((sum, counters) => sum + counters.read().spilled, 0);
            // A full mailbox, a stash that came back or the rest of a batch, and as many asks as it may hold behind it.
            expect(mostHeld(run)).toBeLessThanOrEqual(3 * capacity);
          }
          await run.rest();
          await checkPromises(run, !commands.some((command) => command.do === 'crash'));
          for (const counters of run.world.counters)
            expect(counters.read()).toMatchObject({ spilled: 0, mailboxDepth: 0 });
          const before = await run.states();
          await run.crash('works');
          await run.rest();
          expect(await run.states()).toEqual(before);
        },
      ),
      runs,
    );
    // Otherwise this has tested nothing.
    expect(spilled).toBeGreaterThan(100);
  });
});
