/** Every journal against a plain model, under drawn commands; and defects of the outbox that the model must notice. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OUTBOX_DEFECTS } from '../../src/journal/index.ts';
import { commands, drawCommands } from './conformance/commands.ts';
import { playModel } from './conformance/model.ts';
import { lmdbSubject, outboxSubject } from './conformance/subject.ts';

const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe('a journal agrees with the model (D1, D2, A2, J1–J6)', () => {
  test('outbox', () =>
    fc.assert(
      fc.asyncProperty(commands, (drawn) => playModel(outboxSubject(null), drawn)),
      { numRuns: 60 },
    ));

  test('outbox, with faults on the way and slow commits', () =>
    fc.assert(
      fc.asyncProperty(commands, seeds, (drawn, seed) => playModel(outboxSubject(seed), drawn)),
      { numRuns: 200 },
    ));

  test.each(['committed', 'flushed'] as const)('LMDB, %s', (durability) =>
    fc.assert(
      fc.asyncProperty(commands, (drawn) => playModel(lmdbSubject(durability), drawn)),
      { numRuns: 15 },
    ),
  );
});

describe('the model notices within 50 seeds', () => {
  const SEEDS_MAX = 50;

  /** The first seed at which the journal and the model differ; null: none. */
  const firstCaught = async (defect: (typeof OUTBOX_DEFECTS)[number] | null): Promise<string | null> => {
    for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
      try {
        await playModel(outboxSubject(seed, defect), drawCommands(seed));
      } catch (error) {
        return `seed ${seed}: ${(error as Error).message}`;
      }
    }
    return null;
  };

  test('nothing, without a defect', async () => {
    expect(await firstCaught(null)).toBeNull();
  });

  test.each(OUTBOX_DEFECTS)('%s', async (defect) => {
    expect(await firstCaught(defect)).toMatch(/^seed/u);
  });
});
