/** How much of this thread's heap is in use, after what nobody refers to any more was collected. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | null = null;

export const heapBytes = (): number => {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  // Twice, since what finalizers let go of is only free after the next one.
  collect();
  collect();
  return getHeapStatistics().used_heap_size;
};
