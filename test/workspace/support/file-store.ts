import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { ServiceStore } from '../../../src/journal/shard-log.ts';

/** Bytes in a line of JSON. */
const pack = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value;
const unpack = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && '$bytes' in value
    ? new Uint8Array(Buffer.from(String(value.$bytes), 'base64'))
    : value;

/** A `ServiceStore` whose commits are lines of a file: it survives a killed process. */
export const fileStore = (file: string): ServiceStore => {
  const values = new Map<string, unknown>();
  const results = new Map<string, unknown>();
  type Line = [effectId: string | null, result: unknown, changes: [string, unknown][]];
  const apply = ([effectId, result, changes]: Line): void => {
    for (const [key, value] of changes) {
      if (value === null) values.delete(key);
      else values.set(key, value);
    }
    if (effectId !== null) results.set(effectId, result);
  };
  if (existsSync(file)) {
    const lines = readFileSync(file, 'utf8').split('\n');
    // The last line is empty, or torn by the kill.
    for (const line of lines.slice(0, -1)) apply(JSON.parse(line, unpack) as Line);
  }
  return {
    get: async (key) => values.get(key),
    range: async (from, to) =>
      [...values].filter(([key]) => key >= from && key < to).sort(([left], [right]) => (left < right ? -1 : 1)),
    result: async (effectId) => (results.has(effectId) ? { result: results.get(effectId) } : undefined),
    commit: async ({ effectId, result, changes }) => {
      if (effectId !== null && results.has(effectId)) return results.get(effectId);
      const line: Line = [effectId, result, changes.map(({ key, value }) => [key, value ?? null])];
      appendFileSync(file, `${JSON.stringify(line, pack)}\n`);
      apply(JSON.parse(JSON.stringify(line, pack), unpack) as Line);
      return result;
    },
  };
};
