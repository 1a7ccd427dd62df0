/** The short form of the soak, and proof that it would find a leak. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapBytesOf } from './heap.ts';
import { judge, slopeOf } from './judge.ts';
import { runSoak } from './suite.ts';

const SHORT = { seed: 1, messages: 4_000, spawns: 600, rounds: 4, mapsEvery: 1, mapsFrom: 1 };
/** A busy machine takes many times as long as an idle one. */
const LIMIT_MS = 300_000;

describe('the judge', () => {
  const lineOf = (values: readonly number[]) => values.map((value, round) => [round, value] as const);
  const trend = (values: readonly number[], boundPerRound: number) =>
    judge({ name: 'test', points: lineOf(values), boundPerRound });

  test('what grows by more than its bound each round grows; what does not is flat, one late collection or not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.nat(39),
        fc.integer({ min: -100_000, max: 100_000 }),
        (rounds, perRound, late, outlier) => {
          const values = Array.from({ length: rounds }, (_, round) => 5_000 + perRound * round);
          values[late % rounds] = (values[late % rounds] ?? 0) + outlier;
          expect(slopeOf(lineOf(values))).toBe(perRound);
          expect(trend(values, perRound).grows).toBe(false);
          expect(trend(values, perRound - 1).grows).toBe(true);
        },
      ),
    );
  });

  test('what goes up and down is flat', () => {
    expect(trend([7, 9, 7, 9, 7, 9, 7], 0).grows).toBe(false);
    expect(trend([], 0).grows).toBe(false);
  });
});

test('the tables of maps and sets are found in a snapshot of a heap', () => {
  const meta = {
    node_fields: ['type', 'name', 'id', 'self_size', 'edge_count'],
    node_types: [['hidden', 'object'], 'string', 'number', 'number', 'number'],
    edge_fields: ['type', 'name_or_index', 'to_node'],
    edge_types: [['internal', 'property'], 'string_or_number', 'node'],
  };
  const strings = ['root', 'Map', 'table', 'Set', 'WeakMap', 'other'];
  // A map, a set and a weak map with a table each; the map has another edge too.
  const nodes = [
    [0, 0, 1, 0, 3],
    [1, 1, 2, 32, 2],
    [1, 3, 3, 32, 1],
    [1, 4, 4, 32, 1],
    [0, 5, 5, 1_000, 0],
    [0, 5, 6, 200, 0],
    [0, 5, 7, 7, 0],
  ].flat();
  const at = (node: number): number => node * 5;
  const edges = [
    [0, 1, at(1)],
    [0, 3, at(2)],
    [0, 4, at(3)],
    [0, 2, at(4)],
    [1, 5, at(6)],
    [0, 2, at(5)],
    [0, 2, at(6)],
  ].flat();
  expect(mapBytesOf(JSON.stringify({ snapshot: { meta }, nodes, edges, strings }))).toBe(1_200);
});

describe.concurrent('the short form', () => {
  test(
    'A4 E3 messages, spawns, asks, watches, timers and whole systems leave nothing behind',
    async ({ expect }) => {
      const { wrong, counts } = await runSoak({ ...SHORT, starts: 4 }, null);
      expect(wrong).toEqual([]);
      for (const [name, count] of Object.entries(counts)) expect([name, count > 0]).toEqual([name, true]);
    },
    LIMIT_MS,
  );

  test(
    'a leak of one entry per child is reported',
    async ({ expect }) => {
      const { wrong } = await runSoak({ ...SHORT, starts: 0 }, 'kept-child');
      expect(wrong.join('; ')).toMatch(/maps of host 0: \d+ a round/u);
    },
    LIMIT_MS,
  );
});
