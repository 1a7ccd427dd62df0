/** The program of the local embedder's thread. */
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../platform/index.ts';
import { errorToWire, toMegactorError } from '../protocol/errors.ts';
import { EmbedderQueue } from './embedder-queue.ts';
import type { EmbedAnswer, EmbedRequest } from './local-embedder.ts';
import { loadLocalModel } from './local-model.ts';

const queue = new EmbedderQueue(loadLocalModel, systemClock);

parentPort?.on('message', ({ id, texts, urgent }: EmbedRequest) => {
  const answer = (message: EmbedAnswer): void => parentPort?.postMessage(message);
  queue.embed(texts, urgent).then(
    (vectors) => answer({ id, vectors }),
    (error: unknown) => answer({ id, error: errorToWire(toMegactorError(error)) }),
  );
});
