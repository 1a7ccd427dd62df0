/** Vectors between the services of a run: one row after the other, in single precision; and the name they are paid under. */
import { z } from 'zod';
import type { VectorsWire } from '../../../actors/run-services.ts';
import { MegactorError } from '../../protocol/errors.ts';

/** Calls of the run's own, for the embedder. */
export const EMBEDDER = '_embedder';

const wireSchema = z.object({ dimensions: z.int().nonnegative(), data: z.instanceof(Uint8Array) });

export const vectorsToWire = (vectors: readonly Float32Array[]): VectorsWire => {
  const dimensions = vectors[0]?.length ?? 0;
  const all = new Float32Array(vectors.length * dimensions);
  for (const [at, vector] of vectors.entries()) {
    if (vector.length !== dimensions)
      throw new MegactorError('EMBEDDER_FAILED', 'the vectors of one answer differ in length');
    all.set(vector, at * dimensions);
  }
  return { dimensions, data: new Uint8Array(all.buffer) };
};

/** @throws EMBEDDER_FAILED */
export const vectorsFromWire = (raw: unknown): Float32Array[] => {
  const parsed = wireSchema.safeParse(raw);
  if (!parsed.success) throw new MegactorError('EMBEDDER_FAILED', 'the answer of the embedder holds no vectors');
  const { dimensions, data } = parsed.data;
  if (dimensions === 0 || data.byteLength % (dimensions * 4) !== 0) {
    throw new MegactorError('EMBEDDER_FAILED', 'the answer of the embedder holds no whole vectors');
  }
  // A copy of its own: parts of a message need not begin at a multiple of four.
  const all = new Float32Array(data.slice().buffer);
  return Array.from({ length: all.length / dimensions }, (_, at) =>
    all.subarray(at * dimensions, (at + 1) * dimensions),
  );
};
