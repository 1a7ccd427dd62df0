/** A `ServiceStore` in memory, for a workspace or a memory that is used alone: everything lasts as long as the process. */
import type { ServiceStore } from './shard-log.ts';

export const createMemoryStore = (): ServiceStore => {
  const values = new Map<string, unknown>();
  const results = new Map<string, unknown>();
  return {
    get: async (key) => structuredClone(values.get(key)),
    range: async (from, to) =>
      [...values]
        .filter(([key]) => key >= from && key < to)
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, value]) => [key, structuredClone(value)] as const),
    result: async (effectId) =>
      results.has(effectId) ? { result: structuredClone(results.get(effectId)) } : undefined,
    commit: async ({ effectId, result, changes }) => {
      if (effectId !== null && results.has(effectId)) return structuredClone(results.get(effectId));
      for (const { key, value } of changes) {
        if (value === undefined) values.delete(key);
        else values.set(key, structuredClone(value));
      }
      if (effectId !== null) results.set(effectId, structuredClone(result));
      return result;
    },
  };
};
