/** Repetition in the trail of an agent: E1 of `repetition.ts`. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRepetition, markOfCall, withCalls } from '../../src/society/index.ts';

test('one call or a short loop, often enough', () => {
  expect(isRepetition(['a', 'a', 'a', 'a'], 4)).toBe(true);
  expect(isRepetition(['x', 'a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'], 4)).toBe(true);
  expect(isRepetition(['a', 'b', 'c', 'a', 'b', 'c'], 2)).toBe(true);
  expect(isRepetition(['a', 'a', 'a', 'b'], 4)).toBe(false);
  expect(isRepetition(['a', 'a', 'a'], 4)).toBe(false);
});

test('nearly the same text counts as the same; another number, path or tool does not', () => {
  const talk = (content: string): string => markOfCall('talk', JSON.stringify({ messages: [{ to: 'A', content }] }));
  expect(talk('When is the report ready?')).toBe(talk('When is  report ready?'));
  expect(talk('Chapter 3 is ready')).not.toBe(talk('Chapter 4 is ready'));
  expect(markOfCall('read_file', '{"path":"a.md"}')).not.toBe(markOfCall('read_file', '{"path":"b.md"}'));
  expect(markOfCall('read_file', '{"path":"a.md"}')).not.toBe(markOfCall('append_file', '{"path":"a.md"}'));
  // A whole file is compared as it is.
  const file = 'word '.repeat(1_000);
  expect(markOfCall('write_file', `${file}the end`)).not.toBe(markOfCall('write_file', `${file}end`));
});

test('what is kept is bounded, and enough to see every loop whatever the limit (E1)', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 2, max: 30 }),
      fc.nat({ max: 20 }),
      (period, times, before) => {
        let trail = withCalls(
          [],
          Array.from({ length: before }, (_, index) => `x${index}`),
          times,
        );
        let round = 0;
        while (round < times * period && !isRepetition(trail, times)) {
          trail = withCalls(trail, [`loop${round % period}`], times);
          round += 1;
        }
        expect(isRepetition(trail, times)).toBe(true);
        expect(round).toBe(times * period);
        expect(trail.length).toBeLessThanOrEqual(3 * times);
      },
    ),
  );
});
