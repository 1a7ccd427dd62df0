/** Time: wall clock, monotonic clock, timers, yielding. */

export interface TimerHandle {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  /** Calls back once after `delayMs`. A timer that is not `keepAlive` does not keep the process running. */
  after(delayMs: number, callback: () => void, options?: { keepAlive?: boolean }): TimerHandle;
  every(periodMs: number, callback: () => void): TimerHandle;
  /** Calls back after pending input and output was looked at. */
  soon(callback: () => void): void;
  /**
   * Calls back when what runs now, and what follows from it without waiting, has come to its end: before anything else
   * of the event loop. A clock without it has `soon`.
   */
  next?(callback: () => void): void;
  /** Resolves after `delayMs`. @throws the signal's reason when aborted */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay that Node's timers take; longer ones would fire at once. */
const DELAY_MAX_MS = 2_147_483_647;

const after = (delayMs: number, callback: () => void, options: { keepAlive?: boolean } = {}): TimerHandle => {
  const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), DELAY_MAX_MS));
  if (options.keepAlive !== true) timer.unref();
  return { cancel: () => clearTimeout(timer) };
};

/** The `sleep` of a clock, made of its `after`. */
export const sleepOf =
  (wait: Clock['after']): Clock['sleep'] =>
  (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      const timer = wait(
        delayMs,
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        { keepAlive: true },
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });

/** Calls back when no microtask is left, before the event loop goes on. */
export const afterMicrotasks = (callback: () => void): void => process.nextTick(callback);

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
  every: (periodMs, callback) => {
    const timer = setInterval(callback, periodMs);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
  soon: (callback) => {
    setImmediate(callback);
  },
  next: afterMicrotasks,
  sleep: sleepOf(after),
};
