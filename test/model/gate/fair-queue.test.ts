import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue, type Queued } from '../../../src/model/gate/fair-queue.ts';

const AGE_MS = 1_000;
let sequence = 0;
const item = (agent: string, level = 1, more: Partial<Queued> = {}): Queued => {
  sequence += 1;
  return { agent, level, prefix: 'p', sequence, queuedAtMs: 0, ...more };
};

/** Takes everything, one after the other. */
const drain = (queue: FairQueue<Queued>, cost = 1, nowMs = 0): string[] => {
  const order: string[] = [];
  for (let one = queue.next(nowMs); one !== undefined; one = queue.next(nowMs)) {
    queue.take(one, cost);
    order.push(one.agent);
  }
  return order;
};

describe('order', () => {
  test('level first; within a level who was served least; among equals who came first', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    for (const [agent, level] of [
      ['o1', 2],
      ['boss', 0],
      ['o1', 2],
      ['o2', 2],
      ['admin', 1],
    ] as const) {
      queue.push(item(agent, level));
    }
    expect(drain(queue, 10)).toEqual(['boss', 'admin', 'o1', 'o2', 'o1']);
    expect(queue.size).toBe(0);
  });

  test('an agent with fifty calls waiting takes turns with those that have one', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    for (let index = 0; index < 50; index += 1) queue.push(item('greedy'));
    for (let index = 0; index < 5; index += 1) queue.push(item(`a${index}`));
    expect(drain(queue, 10).slice(0, 6)).toEqual(['greedy', 'a0', 'a1', 'a2', 'a3', 'a4']);
  });

  test('calls of one agent keep their order, also when an earlier one comes back', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    const [first, second] = [item('a'), item('a')];
    queue.push(second);
    queue.push(first);
    expect(queue.next(0)).toBe(first);
    queue.take(first, 1);
    queue.push(first);
    expect(queue.next(0)).toBe(first);
  });

  test('who rested gets no burst: it is counted as served as much as who was served last', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    for (let index = 0; index < 100; index += 1) queue.push(item('busy'));
    for (let index = 0; index < 50; index += 1) queue.take(queue.next(0) as Queued, 10);
    for (let index = 0; index < 20; index += 1) queue.push(item('rested'));
    const order = drain(queue, 10).slice(0, 20);
    expect(order.filter((agent) => agent === 'rested').length).toBeLessThanOrEqual(11);
  });

  test('what a call really cost is counted', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    const [a, b] = [item('a'), item('b')];
    queue.push(a);
    queue.push(b);
    queue.take(a, 5);
    queue.take(b, 5);
    queue.correct(a, 20);
    queue.push(item('a'));
    queue.push(item('b'));
    expect(drain(queue)).toEqual(['b', 'a']);
  });

  test('agents of one prefix go together, but not further ahead than the slack', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    for (let index = 0; index < 6; index += 1) {
      queue.push(item(`x${index}`, 1, { prefix: 'x' }));
      queue.push(item(`y${index}`, 1, { prefix: 'y' }));
    }
    const order = drain(queue).map((agent) => agent[0]);
    expect(order.join('')).toBe('xxxxxxyyyyyy');
    for (let index = 0; index < 10; index += 1) {
      queue.push(item('x0', 1, { prefix: 'x' }));
      queue.push(item('y0', 1, { prefix: 'y' }));
    }
    expect(drain(queue, 10).join('')).not.toMatch(/(?:x0){3}|(?:y0){3}/u);
  });
});

describe('ageing', () => {
  test('a call that waited long enough goes before a higher level, and the oldest first', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    queue.push(item('old', 3, { queuedAtMs: 0 }));
    queue.push(item('new', 3, { queuedAtMs: 2_900 }));
    queue.push(item('admin', 1, { queuedAtMs: 2_900 }));
    expect(queue.next(1_999)?.agent).toBe('admin');
    expect(queue.next(3_000)?.agent).toBe('old');
  });

  test('many calls of one agent that have waited long give it no more than its share of its level', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    for (let call = 0; call < 50; call += 1) queue.push(item('heavy'));
    for (let call = 0; call < 10; call += 1) queue.push(item('light', 1, { queuedAtMs: 5 * AGE_MS }));
    const order = drain(queue, 1, 6 * AGE_MS).slice(0, 20);
    expect(order.filter((agent) => agent === 'light').length).toBeGreaterThanOrEqual(8);
  });

  test('no level starves: under an endless stream above, a call goes within its levels times the age', () => {
    const queue = new FairQueue<Queued>(AGE_MS);
    queue.push(item('low', 3));
    let nowMs = 0;
    for (; nowMs < 10_000; nowMs += 10) {
      queue.push(item(`boss${nowMs}`, 0, { queuedAtMs: nowMs }));
      const one = queue.next(nowMs) as Queued;
      if (one.agent === 'low') break;
      queue.take(one, 1);
    }
    expect(nowMs).toBeLessThanOrEqual(4 * AGE_MS);
  });
});

test('any agents that ask all the time are served alike, whatever they ask for and however often', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ waiting: fc.integer({ min: 1, max: 20 }), cost: fc.integer({ min: 1, max: 9 }) }), {
        minLength: 2,
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 3 }),
      (agents, prefixes) => {
        const queue = new FairQueue<Queued>(1e9);
        const served = agents.map(() => 0);
        const ask = (index: number): void => queue.push(item(String(index), 1, { prefix: String(index % prefixes) }));
        agents.forEach(({ waiting }, index) => {
          for (let call = 0; call < waiting; call += 1) ask(index);
        });
        for (let turn = 0; turn < 400; turn += 1) {
          const one = queue.next(0) as Queued;
          const index = Number(one.agent);
          queue.take(one, agents[index]?.cost ?? 1);
          served[index] = (served[index] ?? 0) + (agents[index]?.cost ?? 1);
          ask(index);
        }
        // One call of the dearest agent, and the slack for a common prefix.
        expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(9 + 2);
      },
    ),
    { seed: 3, numRuns: 200 },
  );
});

test('any mix of pushing, taking, removing and correcting keeps the count and loses nobody', () => {
  const action = fc.oneof(
    fc.record({
      kind: fc.constant('push' as const),
      agent: fc.integer({ min: 0, max: 5 }),
      level: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({ kind: fc.constantFrom('take' as const, 'remove' as const, 'correct' as const), at: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const queue = new FairQueue<Queued>(AGE_MS);
      const inside = new Set<Queued>();
      let nowMs = 0;
      for (const one of actions) {
        nowMs += 100;
        const some = one.kind === 'push' ? undefined : [...inside][one.at % Math.max(1, inside.size)];
        if (one.kind === 'push') {
          const pushed = item(`a${one.agent}`, one.level, { queuedAtMs: nowMs, prefix: `p${one.agent % 2}` });
          inside.add(pushed);
          queue.push(pushed);
        } else if (one.kind === 'take') {
          const next = queue.next(nowMs);
          expect(next === undefined).toBe(inside.size === 0);
          if (next !== undefined) {
            expect(inside.delete(next)).toBe(true);
            queue.take(next, one.at);
          }
        } else if (some !== undefined && one.kind === 'remove') {
          inside.delete(some);
          queue.remove(some);
        } else if (some !== undefined) {
          queue.correct(some, one.at - 25);
        }
        expect(queue.size).toBe(inside.size);
      }
      expect(queue.takeAll()).toHaveLength(inside.size);
      expect(queue.next(nowMs)).toBe(undefined);
    }),
    { seed: 5, numRuns: 200 },
  );
});
