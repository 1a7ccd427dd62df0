/** Threads that run only our own code (services). Hosts of users' actors run on Piscina, in `runtime/`. */
import { readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread, Worker, workerData, type Transferable } from 'node:worker_threads';

export interface ServiceThread {
  readonly worker: Worker;
  /** Ends the thread after it was asked to stop over its own port. */
  terminate(): Promise<void>;
}

const OWN = 'megactor';

/**
 * Left alone, the young generation of a thread with thousands of calls in flight grows to 134 MB, and every thread that was
 * once busy keeps its own.
 */
const YOUNG_GENERATION_MB = 48;

/**
 * Threads that this process starts from now on have a young generation of 16 MB at once, or what they may have at most. V8
 * begins with 1 MB and collects a dozen times until it has found out; a run's threads all do that in its first second, on
 * the same processors. It changes the whole process, so that only a program does it, and not a library; on Node 22 nothing.
 */
export const growThreadsAtOnce = (): void => {
  if (/semi-space/u.test([...process.execArgv, process.env['NODE_OPTIONS']].join(' '))) return;
  const { cachedDataVersionTag, setFlagsFromString } = process.getBuiltinModule('node:v8');
  const tag = cachedDataVersionTag();
  setFlagsFromString('--min-semi-space-size=16');
  // V8 of Node 22 takes no module that was compiled under another setting, as all of Node's own are: that costs more.
  if (cachedDataVersionTag() !== tag) setFlagsFromString('--min-semi-space-size=0');
};

/** What every thread of ours gets, so that `isOwnThread` knows it. */
export const ownThreadData = { startedBy: OWN } as const;

/** Whether the calling thread was started by Megactor: code of users that runs here was loaded for an actor or a service. */
export const isOwnThread = (): boolean =>
  !isMainThread && (workerData as { startedBy?: unknown } | null | undefined)?.startedBy === OWN;

/** Starts a thread. @param file URL of the entry module */
export const startThread = (
  file: URL,
  options: { name: string; data: object; transfer?: readonly Transferable[]; maxOldGenerationMb?: number },
): ServiceThread => {
  const worker = new Worker(file, {
    name: options.name,
    workerData: { ...options.data, ...ownThreadData },
    transferList: [...(options.transfer ?? [])],
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      ...(options.maxOldGenerationMb === undefined ? {} : { maxOldGenerationSizeMb: options.maxOldGenerationMb }),
    },
  });
  return {
    worker,
    terminate: async () => {
      await worker.terminate();
    },
  };
};

export const coreCount = (): number => availableParallelism();

/** The entry module `name` beside `base`, as TypeScript in a checkout, JavaScript in a package, either kind in a bundle. */
export const entryUrl = (name: string, base: string): URL =>
  new URL(`${name}.${/\.(?<extension>ts|mjs)$/u.exec(base)?.groups?.['extension'] ?? 'js'}`, base);

/** The operating system's number of the calling thread; 0 where it does not say. */
export const threadNumber = (): number => {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return 0;
  }
};

/**
 * How long a thread of this process has waited for a processor in all, in milliseconds; 0 where the operating system
 * does not say. @param thread its number
 */
export const threadDelayMs = (thread: number): number => {
  if (thread === 0) return 0;
  try {
    // Nanoseconds on a processor, nanoseconds waiting for one, time slices.
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
};
