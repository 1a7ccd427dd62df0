import { afterEach, expect, test } from 'vitest';
import type { DeadLetter } from '../../src/actor/index.ts';
import type { EventRecord } from '../../src/protocol/event.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { counter } from './fixtures/actors.ts';

let system: ActorSystem | null = null;

afterEach(async () => {
  await system?.stop();
  system = null;
});

const start = async (onEvent: (event: EventRecord) => void = () => undefined): Promise<ActorSystem> => {
  const own = await ActorSystem.start({ threads: 2, shards: 2, onEvent });
  system = own;
  return own;
};

const letters = async (own: ActorSystem, count: number): Promise<readonly DeadLetter[]> => {
  await expect.poll(async () => (await own.deadLetters()).length).toBe(count);
  return own.deadLetters();
};

test('A13 a letter is read with its body, and sent again to who took the place of its receiver', async () => {
  const own = await start();
  const first = await own.spawn(counter, 0, { name: 'counter' });
  const gone = own.watch(first);
  own.stopActor(first);
  await gone;
  first.tell('add', 7);
  await expect(first.ask('total')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  const [told, asked] = await letters(own, 2);
  expect(told).toMatchObject({ reason: 'not-found', type: 'add', ask: false, kept: true, body: 7, from: null });
  expect(asked).toMatchObject({ reason: 'not-found', type: 'total', ask: true, kept: true });
  const second = await own.spawn(counter, 0, { name: 'counter' });
  expect(own.resend(told as DeadLetter, { to: second })).toBe(true);
  expect(await second.ask('total')).toBe(7);
  // To where it was going: that one is still not there.
  expect(own.resend(told as DeadLetter)).toBe(true);
  await letters(own, 3);
});

test('A13 what cannot be sent again is refused', async () => {
  const own = await start();
  const ref = await own.spawn(counter, 0);
  const gone = own.watch(ref);
  own.stopActor(ref);
  await gone;
  ref.tell('fail', 'x'.repeat(20_000));
  const [letter] = await letters(own, 1);
  expect(letter).toMatchObject({ kept: false });
  expect(letter).not.toHaveProperty('body');
  expect(() => own.resend(letter as DeadLetter)).toThrowError(expect.objectContaining({ code: 'LETTER_NOT_KEPT' }));
  const nowhere = { ...(letter as DeadLetter), kept: true, to: { shard: -1, id: 0 } };
  expect(() => own.resend(nowhere)).toThrowError(expect.objectContaining({ code: 'USAGE' }));
});

test('A13 a flood is counted in full, kept in part, and told of at a bounded rate', async () => {
  const events: EventRecord[] = [];
  const own = await start((event) => {
    if (event.type === 'deadLetter') events.push(event);
  });
  const ref = await own.spawn(counter, 0);
  const gone = own.watch(ref);
  own.stopActor(ref);
  await gone;
  for (let n = 0; n < 5_000; n += 1) ref.tell('add', n);
  await expect.poll(() => own.stats().total.deadLetters).toBe(5_000);
  // A host of a busy machine may be late with its answer; then there are none of its letters.
  await expect
    .poll(async () => (await own.deadLetters()).map(({ body }) => body))
    .toEqual(Array.from({ length: 1_000 }, (_, n) => 4_000 + n));
  await expect.poll(() => events.length).toBeGreaterThanOrEqual(20);
  expect(events.length).toBeLessThan(2_500);
});
