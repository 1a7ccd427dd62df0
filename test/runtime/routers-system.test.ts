import { afterEach, expect, test } from 'vitest';
import { broadcast, consistentHash, roundRobin } from '../../src/actor/index.ts';
import { ActorSystem, type SystemRef } from '../../src/runtime/index.ts';
import { counter } from './fixtures/actors.ts';

let system: ActorSystem | null = null;

afterEach(async () => {
  await system?.stop();
  system = null;
});

type Counter = SystemRef<(typeof counter)['messages']>;

const begin = async (): Promise<{ readonly own: ActorSystem; readonly refs: readonly Counter[] }> => {
  const own = await ActorSystem.start({ threads: 2, shards: 4 });
  system = own;
  const refs = await Promise.all([0, 1, 2].map((shard) => own.spawn(counter, 0, { placement: { shard } })));
  return { own, refs };
};

const totals = (refs: readonly Counter[]): Promise<number[]> => Promise.all(refs.map((ref) => ref.ask('total')));

test('A11 round-robin from outside: each gets its part, and who stops gets nothing more', async () => {
  const { own, refs } = await begin();
  const pool = own.router(roundRobin(refs));
  for (let n = 0; n < 30; n += 1) expect(pool.tell('add', 1)).toBe(true);
  expect(await totals(refs)).toEqual([10, 10, 10]);
  expect(await pool.ask('total')).toBe(10);
  own.stopActor(refs[1] as Counter);
  await expect.poll(() => pool.routees.map(({ id }) => id)).toEqual([refs[0]?.id, refs[2]?.id]);
  for (let n = 0; n < 30; n += 1) pool.tell('add', 1);
  expect(await totals([refs[0] as Counter, refs[2] as Counter])).toEqual([25, 25]);
});

test('A11 broadcast from outside: all are told, an ask gets the first reply, and nobody is told by an empty router', async () => {
  const { own, refs } = await begin();
  const everybody = own.router(broadcast(refs));
  everybody.tell('add', 2);
  expect(await totals(refs)).toEqual([2, 2, 2]);
  expect(await everybody.ask('total')).toBe(2);
  for (const ref of refs) everybody.remove(ref);
  expect(everybody.tell('add', 1)).toBe(false);
  await expect(everybody.ask('total')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  expect(await own.deadLetters()).toMatchObject([{ reason: 'no-routee', type: 'add' }]);
  expect(everybody.add(refs[0] as Counter)).toBe(true);
  expect(everybody.tell('add', 1)).toBe(true);
});

test('A11 consistent hash from outside: the same key, the same routee, by the body or by a function', async () => {
  const { own, refs } = await begin();
  const byBody = own.router(consistentHash(refs));
  for (let n = 0; n < 5; n += 1) byBody.tell('add', 7);
  expect((await totals(refs)).toSorted((a, b) => a - b)).toEqual([0, 0, 35]);
  const byFunction = own.router(consistentHash(refs), { key: (type) => type });
  for (let n = 0; n < 5; n += 1) byFunction.tell('add', n);
  expect((await totals(refs)).reduce((sum, total) => sum + total, 0)).toBe(45);
  expect((await totals(refs)).filter((total) => total > 0).length).toBeLessThanOrEqual(2);
});
