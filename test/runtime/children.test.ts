/** The children of an actor, compared with a map. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Children, type Sibling } from '../../src/runtime/children.ts';

/** As much of a cell as a list of children needs. */
const cellOf = (id: number): Sibling => ({
  ref: { shard: 0, id, name: String(id) },
  isDurable: false,
  family: null,
  before: null,
  after: null,
});

interface Operation {
  readonly kind: 'adopt' | 'add' | 'addDurable' | 'delete' | 'remove';
  readonly id: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('adopt', 'adopt', 'add', 'addDurable', 'delete', 'remove'),
  id: fc.nat(8),
});

class Both {
  readonly cells = new Map<number, Sibling>();
  readonly children = new Children(this.cells);
  /** Whether the journal knows of them, by their ids. */
  readonly model = new Map<number, boolean>();

  apply({ kind, id }: Operation): void {
    if (kind === 'adopt') this.#adopt(id);
    else if (kind === 'add' || kind === 'addDurable') {
      this.children.add({ shard: 1, id, name: '' }, kind === 'addDurable');
      this.model.set(id, kind === 'addDurable');
    } else if (kind === 'delete') expect(this.children.delete(id)).toBe(this.model.delete(id));
    else {
      const child = this.children.get(id);
      expect(child !== undefined).toBe(this.model.delete(id));
      if (child !== undefined) this.children.remove(child);
    }
  }

  /** A cell is adopted once, when nobody has its id. */
  #adopt(id: number): void {
    if (this.model.has(id)) return;
    const cell = cellOf(id);
    this.cells.set(id, cell);
    this.children.adopt(cell);
    this.model.set(id, false);
  }
}

test('F1 cells and links are one list in the order of their start', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const both = new Both();
      for (const one of operations) {
        both.apply(one);
        const { children, model } = both;
        expect([...children.values()].map(({ ref, isDurable }) => [ref.id, isDurable])).toEqual([...model]);
        expect(children.size).toBe(model.size);
        expect(children.has(one.id)).toBe(model.has(one.id));
      }
    }),
  );
});

test('F2 the list is walked through to its end while everybody leaves it', () => {
  const both = new Both();
  for (let id = 0; id < 10; id += 1) both.apply({ kind: id % 3 === 0 ? 'add' : 'adopt', id });
  const seen: number[] = [];
  for (const child of both.children.values()) {
    seen.push(child.ref.id);
    both.children.remove(child);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(both.children.size).toBe(0);
});
