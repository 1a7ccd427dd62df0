import { expect, test } from 'vitest';
import { defineActor, message, request } from '../../src/actor/index.ts';
import { MemoryJournal } from './memory-journal.ts';
import { FIXTURES, World } from './one-thread.ts';

const CAPACITY = 4;

const counter = defineActor(FIXTURES, 'counter', {
  state: () => ({ got: [] as number[] }),
  messages: { add: message<number>(), got: request<void, number[]>() },
  receive: {
    add: (s, n) => {
      s.got.push(n);
    },
    got: (s) => [...s.got],
  },
});

/** Numbers are told in order, one of them before the ask, the others behind it while it waits. */
const play = async (behind: number): Promise<{ asked: unknown; got: unknown }> => {
  const journal = new MemoryJournal();
  const world = await new World({ counter }, { journal }).start();
  const ref = await world.spawn(counter, undefined, { durable: true, mailbox: { capacity: CAPACITY } });
  expect(world.tell(ref, 'add', 0)).toBe(true);
  const asked = world.askSoon(ref, 'got').catch((thrown: unknown) => (thrown as { code: string }).code);
  for (let n = 1; n <= behind; n += 1) expect(world.tell(ref, 'add', n)).toBe(true);
  await world.clock.settle();
  const got = await world.ask(ref, 'got');
  expect(journal.pending).toBe(0);
  return { asked: await asked, got };
};

test('A2 an ask waits for the tells before it, and not for those behind', async () => {
  expect(await play(CAPACITY - 1)).toEqual({ asked: [0], got: [0, 1, 2, 3] });
});

test('A4 when more waits behind an ask than the mailbox may hold, the ask is refused and no tell is', async () => {
  const all = Array.from({ length: 3 * CAPACITY }, (_, n) => n);
  expect(await play(all.length - 1)).toEqual({ asked: 'MAILBOX_FULL', got: all });
});
