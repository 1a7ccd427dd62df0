/**
 * The names of actors, against the plainest model of them: a map from names to those who live. Random programs of spawns,
 * stops, failures, ends of threads, and time in which durable actors leave the memory.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineActor, message, type ActorRef } from '../../src/actor/index.ts';
import { shardOfName } from '../../src/protocol/ids.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

const SHARDS = 3;
const AFTER_MS = 1_000;

const mortal = defineActor(FIXTURES, 'mortal', {
  state: () => ({ touched: 0 }),
  messages: { touch: message(), quit: message(), fail: message() },
  receive: {
    touch: (state) => {
      state.touched += 1;
    },
    quit: (_state, _body, ctx) => ctx.stop(),
    fail: () => {
      throw new Error('a failure');
    },
  },
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('spawn'), name, durable: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('touch', 'quit', 'fail', 'stop'), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart'), shard: fc.nat(SHARDS - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rest') }) },
) as fc.Arbitrary<
  | { readonly do: 'spawn'; readonly name: string; readonly durable: boolean }
  | { readonly do: 'touch' | 'quit' | 'fail' | 'stop'; readonly name: string }
  | { readonly do: 'restart'; readonly shard: number }
  | { readonly do: 'rest' }
>;

test('A12 a name belongs to one living actor: it is found, nobody who has stopped is, and a free name can be given again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40, size: 'max' }), async (commands) => {
      const journal = new MemoryJournal(SHARDS);
      const world = await new World(
        { mortal },
        { shards: SHARDS, journal, limits: { passivateAfterMs: AFTER_MS } },
      ).start();
      const living = new Map<string, { readonly ref: ActorRef; readonly durable: boolean }>();
      const ids = new Set<number>();
      for (const given of commands) {
        switch (given.do) {
          case 'spawn': {
            const { durable } = given;
            const spawned = world.spawn(mortal, undefined, { name: given.name, durable });
            if (living.has(given.name)) {
              await expect(spawned).rejects.toMatchObject({ code: 'ACTOR_NAME_TAKEN' });
            } else {
              const ref = await spawned;
              expect(ids.has(ref.id)).toBe(false);
              ids.add(ref.id);
              living.set(given.name, { ref, durable });
            }
            break;
          }
          case 'restart':
            await world.restart(given.shard);
            for (const [known, { ref, durable }] of living) {
              if (ref.shard === given.shard && !durable) living.delete(known);
            }
            break;
          case 'rest':
            await world.clock.advance(2 * AFTER_MS);
            break;
          default: {
            const found = living.get(given.name);
            if (found === undefined) break;
            if (given.do === 'stop') world.stop(found.ref);
            else world.tell(found.ref, given.do);
            if (given.do !== 'touch') living.delete(given.name);
          }
        }
        await world.clock.settle();
        for (const known of ['a', 'b', 'c', 'd']) {
          const looked = world.shards[shardOfName(known, SHARDS)]?.lookup(known);
          await world.clock.settle();
          const found = (await looked)?.ref.id ?? null;
          expect([known, found]).toEqual([known, living.get(known)?.ref.id ?? null]);
        }
      }
      expect(world.failures).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
