/** What actors share. */
import { expect, test } from 'vitest';
import { resolveSpawnOptions, type SpawnOptions } from '../../src/actor/index.ts';
import { Origins } from '../../src/runtime/origins.ts';

/** Each differs from all others in what outlives the spawn. */
const DIFFERENT: readonly SpawnOptions[] = [
  {},
  { restart: 'permanent' },
  { intensity: { max: 4, withinMs: 5_000 } },
  { intensity: { max: 3, withinMs: 5_001 } },
  { backoff: { minMs: 0, maxMs: 1 } },
  { backoff: { minMs: 1, maxMs: 0 } },
  { mailbox: { capacity: 7 } },
  { mailbox: { overflow: 'drop-new' } },
  { pollIntervalMs: 1 },
  { passivateAfterMs: 1 },
  { stopTimeoutMs: 1 },
];

const MODULE = 'file:///somewhere.ts';

test('actors share an origin only when every option is the same', () => {
  const definition = { module: MODULE, export: 'one' };
  for (const first of DIFFERENT) {
    for (const second of DIFFERENT) {
      const origins = new Origins();
      const before = origins.ofDefinition(definition, resolveSpawnOptions(first));
      // As after a way through another thread: equal, and not the same object.
      const after = origins.of(MODULE, 'one', structuredClone(resolveSpawnOptions(second)));
      expect(after === before).toBe(first === second);
      expect(after.options).toEqual(resolveSpawnOptions(second));
    }
  }
});

test('other exports and other modules have other origins', () => {
  const origins = new Origins();
  const options = resolveSpawnOptions(undefined);
  const all = [MODULE, 'file:///elsewhere.ts'].flatMap((module) =>
    ['one', 'two'].map((name) => origins.of(module, name, options)),
  );
  expect(new Set(all).size).toBe(4);
  expect(origins.of(MODULE, 'two', { ...options, supervised: true })).not.toBe(all[1]);
});
