/** Threads that run only our own code (services). Hosts of users' actors run on Piscina, in `runtime/`. */
import { availableParallelism } from 'node:os';
import { Worker, type Transferable } from 'node:worker_threads';

export interface ServiceThread {
  readonly worker: Worker;
  /** Ends the thread after it was asked to stop over its own port. */
  terminate(): Promise<void>;
}

/** Starts a thread. @param file URL of the entry module */
export const startThread = (
  file: URL,
  options: { name: string; data: unknown; transfer?: readonly Transferable[]; maxOldGenerationMb?: number },
): ServiceThread => {
  const worker = new Worker(file, {
    name: options.name,
    workerData: options.data,
    transferList: [...(options.transfer ?? [])],
    ...(options.maxOldGenerationMb === undefined
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: options.maxOldGenerationMb } }),
  });
  return {
    worker,
    terminate: async () => {
      await worker.terminate();
    },
  };
};

export const coreCount = (): number => availableParallelism();

/** The entry module `name` beside `base`, as TypeScript in a checkout and JavaScript in a package. */
export const entryUrl = (name: string, base: string): URL =>
  new URL(`${name}.${base.endsWith('.ts') ? 'ts' : 'js'}`, base);
