/**
 * A model that embeds on the thread it is on, behind a queue: a few texts at a time, queries before what can wait, so that
 * a query waits for one batch at most. What it does not do: threads (`local-embedder.ts`, or a service of a run).
 *
 * Invariant: V5 At most `QUEUE_MAX` requests wait; further ones are refused. Every request settles.
 */
import type { Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';

/** A model in this thread. */
export interface EmbeddingModel {
  readonly model: string;
  embed(texts: readonly string[]): Promise<Float32Array[]>;
}

/** Measured: 8 texts together take half the time of one by one, and more take no less. */
const BATCH = 8;
const QUEUE_MAX = 256;

interface Request {
  readonly texts: readonly string[];
  readonly urgent: boolean;
  readonly done: Float32Array[];
  readonly settle: (outcome: Float32Array[] | MegactorError) => void;
  isOver: boolean;
}

export class EmbedderQueue {
  readonly #load: () => Promise<EmbeddingModel>;
  readonly #clock: Clock;
  readonly #waiting: Request[] = [];
  #model: Promise<EmbeddingModel> | null = null;
  #isRunning = false;

  /** @param load makes the model, with the first request; tried again with a later one when it fails */
  constructor(load: () => Promise<EmbeddingModel>, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** @throws EMBEDDER_BUSY, ABORTED, and what the model throws */
  embed(texts: readonly string[], urgent: boolean, signal?: AbortSignal): Promise<Float32Array[]> {
    if (this.#waiting.length >= QUEUE_MAX) {
      return Promise.reject(new MegactorError('EMBEDDER_BUSY', `${QUEUE_MAX} requests for vectors wait already`));
    }
    if (texts.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => request.settle(new MegactorError('ABORTED', 'the embedding was given up'));
      const request: Request = {
        texts,
        urgent,
        done: [],
        isOver: false,
        settle: (outcome) => {
          if (request.isOver) return;
          request.isOver = true;
          signal?.removeEventListener('abort', onAbort);
          if (outcome instanceof MegactorError) reject(outcome);
          else resolve(outcome);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      this.#waiting.push(request);
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (;;) {
      const request = this.#take();
      if (request === undefined) break;
      await this.#some(request);
      if (request.done.length === request.texts.length) request.settle(request.done);
      // Messages come in, and among them queries.
      await new Promise<void>((resolve) => {
        this.#clock.soon(resolve);
      });
    }
    this.#isRunning = false;
  }

  /** The next one: queries first, then in the order in which they came. */
  #take(): Request | undefined {
    for (let at = this.#waiting.length - 1; at >= 0; at -= 1) {
      const request = this.#waiting[at];
      if (request?.isOver === true) this.#waiting.splice(at, 1);
    }
    return this.#waiting.find(({ urgent }) => urgent) ?? this.#waiting[0];
  }

  async #some(request: Request): Promise<void> {
    const from = request.done.length;
    try {
      const model = await this.#loaded();
      request.done.push(...(await model.embed(request.texts.slice(from, from + BATCH))));
    } catch (error) {
      request.settle(
        error instanceof MegactorError ? error : new MegactorError('EMBEDDER_FAILED', (error as Error).message),
      );
    }
  }

  async #loaded(): Promise<EmbeddingModel> {
    this.#model ??= this.#load();
    try {
      return await this.#model;
    } catch (error) {
      this.#model = null;
      throw error;
    }
  }
}
