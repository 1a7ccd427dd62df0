/**
 * Synthetic embeddings: hashed words, so that texts with words in common are near each other and nothing else is meant.
 * Pure: a function of the seed, the text and the number of dimensions.
 */
import { z } from 'zod';
import { hashString } from '../../protocol/ids.ts';
import { seededRandom } from '../../platform/index.ts';

export const DIMENSIONS_DEFAULT = 1_536;
const DIMENSIONS_MAX = 4_096;
const INPUTS_MAX = 2_048;
/** Numbers of a vector that one word touches. */
const PLACES_PER_WORD = 16;
const CHARACTERS_PER_TOKEN = 4;

const token = z.number().int().nonnegative();
const text = z.string().min(1, 'must not be empty');

export const embeddingsSchema = z.looseObject({
  model: z.string().nullish(),
  input: z.union([
    text,
    z.array(text).min(1).max(INPUTS_MAX),
    z.array(token).min(1).max(1_000_000),
    z.array(z.array(token).min(1)).min(1).max(INPUTS_MAX),
  ]),
  dimensions: z.number().int().min(1).max(DIMENSIONS_MAX).nullish(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
});

export type EmbeddingsRequest = z.infer<typeof embeddingsSchema>;

/** The texts of a request; tokens count as words. */
export const inputsOf = (request: EmbeddingsRequest): string[] => {
  const { input } = request;
  if (typeof input === 'string') return [input];
  if (typeof input[0] === 'number') return [input.join(' ')];
  return (input as readonly (string | readonly number[])[]).map((one) =>
    typeof one === 'string' ? one : one.join(' '),
  );
};

/** The vector of `source`, of length 1. */
export const vectorOf = (source: string, dimensions: number, seed: number): Float32Array => {
  const vector = new Float32Array(dimensions);
  const words = source.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [source];
  for (const word of words) {
    const random = seededRandom(hashString(word, seed | 0), hashString(word, 0x5bd1e995));
    for (let place = 0; place < PLACES_PER_WORD; place += 1) {
      const index = Math.floor(random() * dimensions);
      vector[index] = (vector[index] ?? 0) + (random() < 0.5 ? -1 : 1);
    }
  }
  let squares = 0;
  for (const value of vector) squares += value * value;
  // Words may cancel each other out, and a vector without a direction is none.
  if (squares === 0) vector[0] = squares = 1;
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
};

export interface EmbeddingsAnswer {
  readonly tokens: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The answer to a request, as a server sends it. */
export const embed = (request: EmbeddingsRequest, seed: number): EmbeddingsAnswer => {
  const dimensions = request.dimensions ?? DIMENSIONS_DEFAULT;
  const inputs = inputsOf(request);
  const tokens = inputs.reduce((sum, one) => sum + Math.ceil(one.length / CHARACTERS_PER_TOKEN), 0);
  const data = inputs.map((one, index) => {
    const vector = vectorOf(one, dimensions, seed);
    const embedding =
      request.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
    return { object: 'embedding', index, embedding };
  });
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { tokens, body: { object: 'list', data, model: 'rehearsal', synthetic: true, usage } };
};
