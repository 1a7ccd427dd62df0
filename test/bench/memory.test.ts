/** That `bench memory` makes fair sets, reads those of others, and measures what its rows say. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generateSet } from '../../bench/memory/generator.ts';
import { measureQuality, rankOf, scoresOf } from '../../bench/memory/quality.ts';
import { KINDS, readSet } from '../../bench/memory/quality-set.ts';
import { qualityRows } from '../../bench/memory/rows.ts';
import { rowSchema } from '../../bench/harness/result.ts';
import { temporaryDirectory } from '../memory/support.ts';

const SET = { seed: 7, scopes: 2, queries: 3 };

describe('sets', () => {
  test('the same seed makes the same set, another seed another one', () => {
    expect(generateSet(SET)).toEqual(generateSet(SET));
    expect(generateSet({ ...SET, seed: 8 })).not.toEqual(generateSet(SET));
  });

  test('every query has its answer in its scope, in as many queries of each kind', () => {
    for (const { memories, queries } of generateSet(SET)) {
      const byId = new Map(memories.map(({ id, text }) => [id, text]));
      expect(byId.size).toBe(memories.length);
      expect(memories.map(({ text }) => text).join()).not.toMatch(/[{}]/u);
      for (const kind of KINDS) expect(queries.filter((query) => query.kind === kind).length).toBeGreaterThan(0);
      for (const { relevant } of queries) for (const id of relevant) expect(byId.get(id)).toBeDefined();
    }
  });

  test('a file has a line per scope; what is wrong is named with its line', () => {
    const path = join(temporaryDirectory(), 'set.jsonl');
    const line = { scope: 'a', memories: [{ id: '1', text: 'x' }], queries: [{ text: 'x', relevant: ['1'] }] };
    writeFileSync(path, `${JSON.stringify(line)}\n\n${JSON.stringify({ ...line, scope: 'b' })}\n`);
    expect(readSet(path)).toEqual([line, { ...line, scope: 'b' }]);
    writeFileSync(
      path,
      `${JSON.stringify(line)}\n${JSON.stringify({ ...line, queries: [{ text: 'x', relevant: ['2'] }] })}`,
    );
    expect(() => readSet(path)).toThrow(/line 2: .*no memory 2/u);
  });
});

test('ranks and what is made of them', () => {
  expect(rankOf(['a', 'b'], ['b'])).toBe(2);
  expect(rankOf(['a'], ['b'])).toBe(0);
  expect(scoresOf([1, 2, 0, 4])).toEqual({ queries: 4, hit1: 0.25, hit3: 0.5, mrr: (1 + 0.5 + 0.25) / 4 });
});

test('without an embedder: words and the last ten messages; the other rows are skipped', async () => {
  const quality = await measureQuality(generateSet(SET), null);
  const rows = qualityRows({ runs: [quality] }, [...KINDS, 'all']).map((row) => rowSchema.parse(row));
  const row = (name: string): number | null | undefined => rows.find((one) => one.name === name)?.value;
  expect(row('identifier: words, hit@3')).toBeGreaterThanOrEqual(0.95);
  expect(row('distractor: words, hit@3')).toBeGreaterThan(0.8);
  expect(row('all: last-10, hit@3')).toBeLessThan(0.5);
  expect(rows.find(({ name }) => name === 'all: fused, hit@3')?.skipped).toMatch(/embedder/u);
});
