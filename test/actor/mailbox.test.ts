import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mailbox, Ring, type OverflowPolicy } from '../../src/actor/index.ts';

describe('Ring', () => {
  test('behaves like an array under any sequence of operations', () => {
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), value: fc.integer() }),
      fc.record({ kind: fc.constant('unshift' as const), value: fc.integer() }),
      fc.record({ kind: fc.constant('shift' as const), value: fc.constant(0) }),
      fc.record({ kind: fc.constant('drain' as const), value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        for (const { kind, value } of operations) {
          if (kind === 'push') {
            ring.push(value);
            model.push(value);
          } else if (kind === 'unshift') {
            ring.unshift(value);
            model.unshift(value);
          } else if (kind === 'shift') {
            expect(ring.shift()).toBe(model.shift());
          } else {
            expect(ring.drain()).toEqual(model.splice(0));
          }
          expect(ring.length).toBe(model.length);
        }
        expect(ring.drain()).toEqual(model);
      }),
    );
  });
});

describe('Mailbox', () => {
  const policies: OverflowPolicy[] = ['reject', 'drop-new', 'unbounded', 'spill'];

  test('M1 the system lane comes first, and each lane keeps its order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (lanes) => {
        const mailbox = new Mailbox<string>({ capacity: 1_000, overflow: 'reject' });
        lanes.forEach((system, index) => {
          if (system) mailbox.offerSystem(`s${index}`);
          else mailbox.offer(`u${index}`);
        });
        const expected = [
          ...lanes.flatMap((system, index) => (system ? [`s${index}`] : [])),
          ...lanes.flatMap((system, index) => (system ? [] : [`u${index}`])),
        ];
        const taken = lanes.map(() => mailbox.take());
        expect(taken).toEqual(expected);
        expect(mailbox.take()).toBeUndefined();
      }),
    );
  });

  test('M2 A4 never holds more than its capacity, unless its policy says so or it is forced', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...policies),
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.constantFrom('offer', 'force', 'take'), { maxLength: 100 }),
        (overflow, capacity, operations) => {
          const mailbox = new Mailbox<number>({ capacity, overflow });
          for (const operation of operations) {
            const before = mailbox.length;
            if (operation === 'take') mailbox.take();
            else if (operation === 'force') mailbox.force(1);
            else {
              const full = before >= capacity;
              const bounded = overflow === 'reject' || overflow === 'drop-new';
              const expected = !full || !bounded ? 'accepted' : overflow === 'reject' ? 'rejected' : 'dropped';
              expect(mailbox.offer(1)).toBe(expected);
              expect(mailbox.length).toBe(expected === 'accepted' ? before + 1 : before);
            }
          }
        },
      ),
    );
  });

  test('what is put back comes out first and in order', () => {
    const mailbox = new Mailbox<number>({ capacity: 2, overflow: 'reject' });
    mailbox.offer(3);
    mailbox.offer(4);
    mailbox.putBack([1, 2]);
    mailbox.offerSystem(0);
    expect(mailbox.drain()).toEqual([0, 1, 2, 3, 4]);
  });
});
