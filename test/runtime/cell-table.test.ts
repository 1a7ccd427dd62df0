/** The actors of a shard by id, compared with a map. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ActorCell } from '../../src/runtime/cell.ts';
import { CellTable } from '../../src/runtime/cell-table.ts';

/** The table never looks into what it keeps. */
const cellOf = (id: number): ActorCell => ({ ref: { id } }) as unknown as ActorCell;

const counter = fc.oneof(fc.nat(4), fc.nat(2_000), fc.constantFrom(2 ** 23 - 1, 2 ** 23, 2 ** 32, 2 ** 33 + 5));
const id = fc.record({ counter, allocator: fc.constantFrom(0, 1, 255) });

test('T1 T2 it answers as a map would', () => {
  const operation = fc.record({ kind: fc.constantFrom('set', 'set', 'delete', 'get'), id });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
      const table = new CellTable();
      const map = new Map<number, ActorCell>();
      for (const { kind, id: parts } of operations) {
        const key = parts.counter * 256 + parts.allocator;
        if (kind === 'set') {
          const cell = cellOf(key);
          table.set(key, cell);
          map.set(key, cell);
        } else if (kind === 'delete') {
          expect(table.delete(key)).toBe(map.delete(key));
        }
        expect(table.get(key)).toBe(map.get(key));
        expect(table.has(key)).toBe(map.has(key));
        expect(table.size).toBe(map.size);
      }
      expect(new Set(table.values())).toEqual(new Set(map.values()));
    }),
  );
});

test('T1 it may change while it is walked through', () => {
  const table = new CellTable();
  for (let count = 1; count <= 2_000; count += 1) table.set(count * 256, cellOf(count * 256));
  let walked = 0;
  for (const cell of table.values()) {
    walked += 1;
    table.delete(cell.ref.id);
    table.delete(cell.ref.id + 256);
  }
  expect({ walked, size: table.size }).toEqual({ walked: 1_000, size: 0 });
});
