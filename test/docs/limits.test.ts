/** docs/limits-and-budgets.md says what the schema of the limits and of `--config` says. */
import { expect, test } from 'vitest';
import { programLimitsSchema } from '../../src/sandbox/index.ts';
import { configSchema } from '../../src/run/settings.ts';
import { defaultLimits, limitsSchema } from '../../src/society/index.ts';
import { readSource } from '../style/tree.ts';
import { blocksOf } from './markdown.ts';

const PAGE = 'docs/limits-and-budgets.md';

test('the table has every limit with its default, and no other', () => {
  const section = readSource(PAGE).split('## The limits')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| `(?<name>\w+)` +\| +(?<value>[\d,]+) \| (?<text>.+?) +\|$/gmu)];
  const table = Object.fromEntries(
    rows.map(({ groups }) => [groups?.['name'], Number(groups?.['value']?.replaceAll(',', ''))]),
  );
  expect(table).toEqual(defaultLimits);
  for (const { groups } of rows) expect(groups?.['text']?.length, groups?.['name']).toBeGreaterThan(20);
});

test('the configuration shown has every field, and the limits at their defaults', () => {
  const block = blocksOf(PAGE, readSource(PAGE)).find(({ file }) => file === 'config.json');
  const config = configSchema.parse(JSON.parse(block?.code ?? ''));
  expect(config.limits).toEqual(defaultLimits);
  const shown = JSON.parse(block?.code ?? '') as Record<string, object>;
  const { limits, model, pollIntervalMs, actors, budgets, modelOf, programs } = configSchema.shape;
  expect(limits.unwrap()).toBe(limitsSchema);
  const { runningMax: _, ...programLimits } = config.programs ?? {};
  expect(programLimits).toEqual(programLimitsSchema.parse({}));
  expect(Object.keys(shown).sort()).toEqual(Object.keys(configSchema.shape).sort());
  expect(Object.keys(shown['limits'] ?? {}).sort()).toEqual(Object.keys(limitsSchema.shape).sort());
  expect(Object.keys(shown['model'] ?? {}).sort()).toEqual(Object.keys(model.unwrap().shape).sort());
  expect(Object.keys(shown['budgets'] ?? {}).sort()).toEqual(Object.keys(budgets.unwrap().shape).sort());
  expect(Object.keys(shown['modelOf'] ?? {}).sort()).toEqual(Object.keys(modelOf.unwrap().shape).sort());
  expect(Object.keys(shown['programs'] ?? {}).sort()).toEqual(Object.keys(programs.unwrap().shape).sort());
  expect(Object.keys(shown['actors'] ?? {}).sort()).toEqual(Object.keys(actors.unwrap().shape).sort());
  expect(Object.keys(shown['pollIntervalMs'] ?? {}).sort()).toEqual(Object.keys(pollIntervalMs.unwrap().shape).sort());
});
