/**
 * Vectors as the store keeps them, and what is accepted as one. Kept is the direction alone, each part in 16 bits: an error
 * of 2⁻¹⁶ per part, and half the bytes of single precision.
 *
 * Invariant: X1 Nothing that is no number, no direction or of another length gets in: the index would take it in silence.
 */
import { MegactorError } from '../protocol/errors.ts';

export const DIMENSIONS_MAX = 8_192;
const SCALE = 32_767;

/** The length that all of them have; null when they differ, or when it is none that a vector may have. */
export const commonLength = (vectors: readonly Float32Array[]): number | null => {
  const length = vectors[0]?.length ?? 0;
  if (length === 0 || length > DIMENSIONS_MAX) return null;
  return vectors.every((vector) => vector.length === length) ? length : null;
};

/** The vector at length 1. @throws EMBEDDER_FAILED */
export const normalised = (vector: Float32Array, dimensions: number): Float32Array => {
  if (vector.length !== dimensions || dimensions === 0 || dimensions > DIMENSIONS_MAX) {
    throw new MegactorError('EMBEDDER_FAILED', `a vector has ${vector.length} dimensions instead of ${dimensions}`);
  }
  let sum = 0;
  for (const part of vector) sum += part * part;
  const length = Math.sqrt(sum);
  if (!Number.isFinite(length) || length === 0) {
    throw new MegactorError('EMBEDDER_FAILED', 'a vector has parts that are no numbers, or nothing but zeros');
  }
  return vector.map((part) => part / length);
};

export interface VectorRecord {
  readonly model: string;
  readonly dimensions: number;
  /** Little-endian, two bytes a dimension. */
  readonly data: Uint8Array;
}

export const encodeVector = (model: string, vector: Float32Array): VectorRecord => {
  const data = new Uint8Array(vector.length * 2);
  const view = new DataView(data.buffer);
  for (const [index, part] of vector.entries()) {
    view.setInt16(index * 2, Math.round(Math.max(-1, Math.min(1, part)) * SCALE), true);
  }
  return { model, dimensions: vector.length, data };
};

/** Null for a record of another model, or one that is damaged. */
export const decodeVector = (record: unknown, model: string, dimensions: number | null): Float32Array | null => {
  const { model: made, dimensions: length, data } = record as Partial<VectorRecord>;
  if (made !== model || !(data instanceof Uint8Array)) return null;
  // A text that was refused has a record without parts.
  if (data.length === 0 || data.length !== (length ?? -1) * 2) return null;
  if (dimensions !== null && length !== dimensions) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const vector = new Float32Array(data.length / 2);
  for (let index = 0; index < vector.length; index += 1) vector[index] = view.getInt16(index * 2, true) / SCALE;
  return vector;
};
