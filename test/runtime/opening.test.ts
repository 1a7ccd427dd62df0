import { expect, test } from 'vitest';
import { defineActor, message, request, roundRobin, type ActorRef } from '../../src/actor/index.ts';
import { EARLY_MAIL_MS } from '../../src/runtime/early-mail.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

const leader = defineActor(FIXTURES, 'leader', {
  state: (refs: readonly ActorRef[]) => ({ router: roundRobin(refs) }),
  messages: { routees: request<void, number>(), note: message() },
  routers: (s) => [s.router],
  receive: { routees: (s) => s.router.routees.length, note: () => undefined },
});

test('A11 L2 who watches an actor of a shard of the same thread that opens later is not told that there is none', async () => {
  const definitions = { leader };
  const journal = new MemoryJournal(2);
  const world = await new World(definitions, { journal, shards: 2 }).start();
  const routee = await world.spawn(leader, [], { durable: true, shard: 1 });
  const ref = await world.spawn(leader, [routee], { durable: true, shard: 0 });
  await world.clock.settle();
  journal.crash();

  const next = new World(definitions, { journal, shards: 2, incarnation: 1 });
  const [first, second] = next.shards;
  await first?.open();
  await next.clock.advance(2 * EARLY_MAIL_MS);
  await second?.open();
  for (const shard of next.shards) shard.start();
  await next.clock.settle();
  expect(await next.ask(ref, 'routees')).toBe(1);
  // It is watched all the same.
  next.stop(routee);
  await next.clock.settle();
  expect(await next.ask(ref, 'routees')).toBe(0);
});
