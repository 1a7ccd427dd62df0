/**
 * What the calling thread holds, after a collection of garbage: its heap, and of it the tables of maps and sets, which is
 * where whatever is kept for ever is found. Needs `--expose-gc`.
 */
import { setImmediate } from 'node:timers/promises';
import { getHeapSnapshot } from 'node:v8';
import { z } from 'zod';

export interface ThreadHeap {
  readonly heapBytes: number;
  /** Bytes of the tables of all maps and sets; null when it was not asked for. */
  readonly mapBytes: number | null;
}

const snapshotSchema = z.object({
  snapshot: z.object({
    meta: z.object({
      node_fields: z.array(z.string()),
      node_types: z.array(z.unknown()),
      edge_fields: z.array(z.string()),
      edge_types: z.array(z.unknown()),
    }),
  }),
  nodes: z.custom<readonly number[]>(Array.isArray),
  edges: z.custom<readonly number[]>(Array.isArray),
  strings: z.custom<readonly string[]>(Array.isArray),
});

/** @param text a heap snapshot of V8 */
export const mapBytesOf = (text: string): number => {
  const { snapshot, nodes, edges, strings } = snapshotSchema.parse(JSON.parse(text));
  const { node_fields: nodeFields, edge_fields: edgeFields, node_types: nodeTypes } = snapshot.meta;
  const [name, type, size, count] = ['name', 'type', 'self_size', 'edge_count'].map((field) =>
    nodeFields.indexOf(field),
  ) as [number, number, number, number];
  const [edgeName, edgeTo] = ['name_or_index', 'to_node'].map((field) => edgeFields.indexOf(field)) as [number, number];
  const objectType = (nodeTypes[type] as readonly string[]).indexOf('object');
  let total = 0;
  let edge = 0;
  for (let node = 0; node < nodes.length; node += nodeFields.length) {
    const end = edge + (nodes[node + count] ?? 0) * edgeFields.length;
    const called = strings[nodes[node + name] ?? -1];
    const isMap = nodes[node + type] === objectType && (called === 'Map' || called === 'Set');
    for (; edge < end; edge += edgeFields.length) {
      if (!isMap || strings[edges[edge + edgeName] ?? -1] !== 'table') continue;
      total += nodes[(edges[edge + edgeTo] ?? 0) + size] ?? 0;
    }
  }
  return total;
};

export const readHeap = async (maps: boolean): Promise<ThreadHeap> => {
  if (globalThis.gc === undefined) throw new Error('start Node with --expose-gc');
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc();
    await setImmediate();
  }
  const heapBytes = process.memoryUsage().heapUsed;
  if (!maps) return { heapBytes, mapBytes: null };
  const parts: Buffer[] = [];
  for await (const part of getHeapSnapshot()) parts.push(Buffer.from(part as Uint8Array));
  const mapBytes = mapBytesOf(Buffer.concat(parts).toString('utf8'));
  return { heapBytes, mapBytes };
};
