/** A `ServiceStore` in memory that packs what it keeps, so that no test can rely on shared objects. */
import type { ServiceStore } from '../../src/journal/shard-log.ts';

export interface MemoryStore extends ServiceStore {
  commits: number;
  readonly rows: Map<string, unknown>;
}

export const memoryStore = (): MemoryStore => {
  const rows = new Map<string, unknown>();
  const results = new Map<string, unknown>();
  const store: MemoryStore = {
    commits: 0,
    rows,
    get: async (key) => structuredClone(rows.get(key)),
    range: async (from, to) =>
      [...rows]
        .filter(([key]) => key >= from && key < to)
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, value]) => [key, structuredClone(value)] as const),
    result: async (id) => (results.has(id) ? { result: structuredClone(results.get(id)) } : undefined),
    commit: async ({ effectId, result, changes }) => {
      if (effectId !== null && results.has(effectId)) return structuredClone(results.get(effectId));
      store.commits += 1;
      for (const { key, value } of changes) {
        if (value === undefined) rows.delete(key);
        else rows.set(key, structuredClone(value));
      }
      if (effectId !== null) results.set(effectId, structuredClone(result));
      return result;
    },
  };
  return store;
};
