import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { slicesOf } from '../../src/workspace/slices.ts';

const pathArbitrary = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'));
const changesArbitrary = fc.uniqueArray(
  fc.record({ path: pathArbitrary, content: fc.option(fc.string({ maxLength: 12 })) }),
  { selector: ({ path }) => path, maxLength: 20 },
);
const isAbove = (one: string, other: string): boolean => other.startsWith(`${one}/`);

test('E2, E3: every change once, in slices within the limits, removals last but for those that make room', () => {
  fc.assert(
    fc.property(
      changesArbitrary,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      (changes, countMax, bytesMax) => {
        const slices = slicesOf(changes, { countMax, bytesMax });
        const all = slices.flat();
        expect(new Set(all)).toEqual(new Set(changes));
        expect(all.length).toBe(changes.length);
        for (const slice of slices) {
          const bytes = slice.reduce((sum, { content }) => sum + Buffer.byteLength(content ?? ''), 0);
          expect(slice.length).toBeLessThanOrEqual(countMax);
          expect(bytes <= bytesMax || slice.length === 1).toBe(true);
        }
        for (const [index, removal] of all.entries()) {
          if (removal.content !== null) continue;
          const isInTheWay = all.some(
            ({ path, content }) => content !== null && (isAbove(path, removal.path) || isAbove(removal.path, path)),
          );
          const others = isInTheWay ? all.slice(0, index) : all.slice(index + 1);
          expect(others.filter(({ content }) => content !== null)).toEqual([]);
        }
      },
    ),
  );
});
