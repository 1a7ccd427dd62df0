import { expect, test } from 'vitest';
import { productFiles, readSource } from './tree.ts';

const LINES_MAX = 400;

/** Files that are longer, with the most lines they may have. Numbers go down and entries go away; nothing is added. */
const LONGER: Readonly<Record<string, number>> = {};

const linesOf = (path: string): number => readSource(path).split('\n').length - 1;

test(`files have at most ${LINES_MAX} lines`, () => {
  const tooLong = productFiles()
    .map((path) => ({ path, lines: linesOf(path) }))
    .filter(({ path, lines }) => lines > (LONGER[path] ?? LINES_MAX));
  expect(tooLong).toEqual([]);
});

test('the list of longer files holds only files that still are', () => {
  const files = new Set(productFiles());
  const outdated = Object.keys(LONGER).filter((path) => !files.has(path) || linesOf(path) <= LINES_MAX);
  expect(outdated).toEqual([]);
});
