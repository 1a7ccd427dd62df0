/** A service that answers, and looks at the heap of its thread. */
import type { ServiceInstance } from '../../src/protocol/service.ts';
import { readHeap } from './heap.ts';

export const createService = (): ServiceInstance => ({
  methods: { echo: (value: unknown) => value, heap: (maps: boolean) => readHeap(maps) },
});
