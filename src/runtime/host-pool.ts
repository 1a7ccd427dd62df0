/**
 * The threads of the hosts: one Piscina pool, one long task per thread. What it does not do: know what a host is.
 *
 * Invariants: H1 `run` settles: when the host ends, when its thread dies, or when the thread cannot even load its file
 * (Piscina alone would leave that hanging). H3 A run that has settled keeps no thread, and the end of one thread fails
 * no run of another.
 */
import { Piscina } from 'piscina';
import type { Transferable, Worker } from 'node:worker_threads';
import { ownThreadData } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';

/**
 * What survives one collection of the young generation must fit into what Node gives a thread beyond its limit, or the
 * whole process is aborted instead of the thread ended. With Node's default of 48 to 64 MB that happened in some of 25
 * threads that ran out of memory, with 24 in none of 120.
 */
const YOUNG_GENERATION_MB = 24;

export interface HostPoolOptions {
  readonly threads: number;
  readonly entry: URL;
  /** Most megabytes of old generation per thread. */
  readonly maxOldGenerationMb: number;
}

export interface HostRun {
  /**
   * Resolves when the task has ended.
   * @throws HOST_DIED when the thread ends before the task, HOST_START_FAILED when it cannot be started
   */
  readonly ended: Promise<void>;
  /** Ends the thread at once, whatever it does; `ended` rejects with `error`. */
  kill(error: MegactorError): void;
  /** The host answers: from now on a thread that cannot be started is another one. */
  ready(): void;
}

export class HostPool {
  readonly #pool: Piscina;
  /** Ends the runs that are not ready yet. */
  readonly #starting = new Set<(error: MegactorError) => void>();
  /** What threads said after their end: the pool tells it as if a thread could not be started. */
  readonly #lastWords = new WeakSet<Error>();
  readonly #heard = new WeakSet<Worker>();
  #destroying = false;

  constructor({ threads, entry, maxOldGenerationMb }: HostPoolOptions) {
    this.#pool = new Piscina({
      filename: entry.href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Infinity,
      concurrentTasksPerWorker: 1,
      // The default freezes the event loop of a worker between tasks.
      atomics: 'disabled',
      recordTiming: false,
      workerData: ownThreadData,
      resourceLimits: { maxOldGenerationSizeMb: maxOldGenerationMb, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#pool.on('error', (error: Error) => {
      if (this.#lastWords.has(error)) return;
      const words = `a host thread cannot be started: ${error.message}`;
      for (const fail of this.#starting) fail(new MegactorError('HOST_START_FAILED', words, { cause: error }));
    });
  }

  run(task: unknown, transfer: Transferable[]): HostRun {
    const controller = new AbortController();
    const { signal } = controller;
    const running = this.#pool.run(task, { transferList: transfer as never[], signal });
    this.#hear();
    const ended = this.#settle(running, signal);
    const kill = (error: MegactorError): void => this.#kill(controller, error);
    this.#starting.add(kill);
    const ready = (): void => {
      this.#starting.delete(kill);
    };
    // Both run to their ends whether anybody still looks or not.
    ended.then(ready, ready);
    return { ended, ready, kill };
  }

  /** Ends all threads, whatever they do. */
  async destroy(): Promise<void> {
    this.#destroying = true;
    await this.#pool.destroy();
  }

  /** Ends the thread or, when none has it yet, takes the task back, so that no thread is kept by what has failed. */
  #kill(controller: AbortController, error: MegactorError): void {
    this.#hear();
    controller.abort(error);
  }

  /** Hears all threads before the pool does. */
  #hear(): void {
    for (const thread of this.#pool.threads) {
      if (this.#heard.has(thread)) continue;
      this.#heard.add(thread);
      thread.prependListener('error', (error: Error) => {
        if (!this.#pool.threads.includes(thread)) this.#lastWords.add(error);
      });
    }
  }

  async #settle(running: Promise<unknown>, signal: AbortSignal): Promise<void> {
    try {
      await running;
    } catch (thrown) {
      if (signal.reason instanceof MegactorError) throw signal.reason;
      if (thrown instanceof MegactorError || this.#destroying) throw thrown;
      const words = `the thread of a host died: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      throw new MegactorError('HOST_DIED', words, { cause: thrown });
    }
  }
}
