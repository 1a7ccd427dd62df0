/** What recruits are told of each other: O1 of `colleagues.ts`. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeColleagues, type Colleague } from '../../src/society/index.ts';
import { agentName } from './arbitraries.ts';

const group = (size: number): Colleague[] =>
  Array.from({ length: size }, (_, index) => ({ name: `Member-${index}`, description: `does ${index}`, files: [] }));

test('a small group is described one by one, with files, and without the reader', () => {
  const members = [{ name: 'A', description: 'writes\nA', files: ['a.md', 'b.md'] }, ...group(2)];
  expect(describeColleagues('Hired with you', members, ['Member-1'])).toEqual([
    'Hired with you:',
    '- A: writes A (a.md, b.md)',
    '- Member-0: does 0',
  ]);
  expect(describeColleagues('Hired with you', group(1), ['Member-0'])).toEqual([]);
  expect(describeColleagues('Hired with you', [])).toEqual([]);
});

test('of a large group there are some names and the number of the others', () => {
  const [line, ...more] = describeColleagues('Hired with you', group(100), ['Member-3', 'Somebody']);
  expect(more).toEqual([]);
  expect(line).toBe('Hired with you: Member-0, Member-1, Member-2, Member-4 and 95 more');
});

test('what is said is bounded, and everybody is counted (O1)', () => {
  const colleague: fc.Arbitrary<Colleague> = fc.record({
    name: agentName,
    description: fc.string({ maxLength: 3_000 }),
    files: fc.array(fc.string({ maxLength: 500 }), { maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(colleague, { maxLength: 60, selector: ({ name }) => name }), fc.nat(), (members, at) => {
      const self = members[at % Math.max(1, members.length)];
      const lines = describeColleagues('With you', members, self === undefined ? [] : [self.name]);
      expect(lines.join('\n').length).toBeLessThan(2_500);
      const others = Math.max(0, members.length - 1);
      if (lines.length !== 1) {
        expect(lines.length).toBe(others === 0 ? 0 : others + 1);
        return;
      }
      const [, names = '', more = '0'] = /^With you: (.*?)(?: and (\d+) more)?$/u.exec(lines[0] ?? '') ?? [];
      expect(names.split(', ').length + Number(more)).toBe(others);
    }),
  );
});
