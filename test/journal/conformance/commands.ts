/** Commands of the model tests as fast-check draws them. */
import * as fc from 'fast-check';
import { ACTORS, type Command } from './model.ts';
import { SHARDS } from './subject.ts';

const actor = fc.nat({ max: ACTORS - 1 });
const wait = fc.boolean();

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deliver'), to: fc.array(actor, { maxLength: 4 }), wait }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('step'),
      actor,
      take: fc.nat({ max: 3 }),
      send: fc.array(actor, { maxLength: 4 }),
      open: fc.boolean(),
      timer: fc.constantFrom('set', 'cancel', null),
      wait,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('begin'), actor, take: fc.nat({ max: 3 }), answered: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('snapshot'), actor, mark: fc.boolean(), wait }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take-over'), shard: fc.nat({ max: SHARDS - 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash') }) },
);

export const commands: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 5, maxLength: 60, size: 'max' });

/** The commands that belong to a seed. */
export const drawCommands = (seed: number): Command[] => fc.sample(commands, { seed, numRuns: 1 })[0] ?? [];
