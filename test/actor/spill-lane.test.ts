import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mailbox, REFILL_MAX, SpillLane } from '../../src/actor/index.ts';

/** What may happen to a lane. Positions grow, with gaps. */
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('position' as const), by: fc.constantFrom(1, 1, 1, 2, 9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('item' as const), by: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('shift' as const), by: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('begin' as const), by: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), by: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), by: fc.constant(0) }) },
);

describe('SpillLane', () => {
  test('S1 S2 behaves like an array of positions and items under any sequence of operations', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const lane = new SpillLane<string>();
        let reading: number[] = [];
        let model: (number | string)[] = [];
        let next = 0;
        let items = 0;
        for (const { kind, by } of operations) {
          if (kind === 'position') {
            next += by;
            lane.pushPosition(next);
            model.push(next);
          } else if (kind === 'item') {
            items += 1;
            lane.pushItem(`i${items}`);
            model.push(`i${items}`);
          } else if (kind === 'shift') {
            const mayShift = reading.length === 0 && typeof model[0] === 'string';
            expect(lane.shiftItem()).toBe(mayShift ? model.shift() : undefined);
          } else if (kind === 'begin' && reading.length === 0) {
            const until = model.findIndex((entry) => typeof entry === 'string');
            reading = model.splice(0, Math.min(by, until < 0 ? model.length : until)) as number[];
            expect(lane.begin(by)).toEqual(reading);
          } else if (kind === 'end') {
            lane.end();
            reading = [];
          } else if (kind === 'drain') {
            expect(lane.drain()).toEqual([...reading, ...model]);
            reading = [];
            model = [];
          }
          expect(lane.length).toBe(reading.length + model.length);
          expect(lane.items).toBe(model.filter((entry) => typeof entry === 'string').length);
          expect(lane.isReading).toBe(reading.length > 0);
          expect(lane.peek()).toBe([...reading, ...model][0]);
        }
        expect(lane.drain()).toEqual([...reading, ...model]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a mailbox that spills', () => {
  const steps = fc.array(fc.constantFrom('mail', 'mail', 'ask', 'system', 'take', 'take', 'read', 'back'), {
    maxLength: 200,
  });

  test('M1 M2 M3 gives what one without bound gives, and holds its capacity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 6 }), steps, (capacity, batchMax, all) => {
        const mailbox = new Mailbox<string>({ capacity, overflow: 'spill' });
        const system: string[] = [];
        let user: string[] = [];
        let reading: readonly number[] = [];
        let last: string | undefined;
        let inMemory = 0;
        const begin = (): void => {
          const seqs = mailbox.beginRefill(batchMax);
          if (seqs.length > 0) reading = seqs;
        };
        all.forEach((step, index) => {
          if (step === 'mail' || step === 'ask') {
            const item = `${step}${index}`;
            mailbox.put(item, step === 'mail' ? index : -1);
            user.push(item);
          } else if (step === 'system') {
            mailbox.offerSystem(`system${index}`);
            system.push(`system${index}`);
          } else if (step === 'take') {
            const expected = system[0] ?? user[0];
            const taken = mailbox.take();
            // Mail that is being read back is late, nothing else.
            if (taken === undefined && expected !== undefined) {
              expect(mailbox.isRefilling).toBe(true);
            } else {
              expect(taken).toBe(expected);
              if (system.length > 0) system.shift();
              else user.shift();
              last = expected?.startsWith('system') === true ? undefined : expected;
            }
          } else if (step === 'back' && last !== undefined) {
            mailbox.putBack([last]);
            user = [last, ...user];
            last = undefined;
          } else if (step === 'read' && reading.length > 0) {
            mailbox.endRefill(reading.map((seq) => `mail${seq}`));
            reading = [];
          }
          begin();
          expect(mailbox.waitingLength).toBe(system.length + user.length);
          inMemory = mailbox.length - mailbox.systemLength;
          const enough = Math.max(Math.ceil(capacity / 2), Math.min(batchMax, capacity));
          if (mailbox.spilled > 0 && !mailbox.isRefilling) expect(inMemory).toBeGreaterThanOrEqual(enough);
          if (!all.includes('back')) expect(inMemory).toBeLessThanOrEqual(capacity);
        });
        for (let round = 0; mailbox.waitingLength > 0; round += 1) {
          expect(round).toBeLessThan(1_000);
          while (mailbox.length > 0) expect(mailbox.take()).toBe(system.shift() ?? user.shift());
          begin();
          mailbox.endRefill(reading.map((seq) => `mail${seq}`));
          reading = [];
          begin();
        }
        expect(user).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('M2 a refill is bounded, whatever the capacity', () => {
    const mailbox = new Mailbox<string>({ capacity: 10 * REFILL_MAX, overflow: 'spill' });
    for (let seq = 0; seq < 30 * REFILL_MAX; seq += 1) mailbox.put(`mail${seq}`, seq);
    expect(mailbox.beginRefill(64)).toEqual([]);
    for (let taken = 0; taken < 6 * REFILL_MAX; taken += 1) expect(mailbox.take()).toBe(`mail${taken}`);
    expect(mailbox.beginRefill(64)).toHaveLength(REFILL_MAX);
    expect(mailbox.beginRefill(64)).toEqual([]);
    expect(mailbox.drainSpilled()).toEqual(Array.from({ length: 20 * REFILL_MAX }, (_, n) => 10 * REFILL_MAX + n));
  });
});
