/**
 * Texts to vectors of one length: asks the embedder, checks what comes, and notices when the model behind a name gives vectors
 * of another length. What it does not do: try again, or decide what is embedded.
 *
 * Invariants: every vector that is given out has the length `dimensions`, and the length 1. That length changes only when a
 * probe has the new one too: a single odd answer is a fault. It changes at most `LENGTHS_MAX` times in one opening.
 */
import { MegactorError } from '../protocol/errors.ts';
import type { Embedder } from './types.ts';
import { commonLength, normalised } from './vector-codec.ts';

/** Changes of the length of vectors in one opening; a server with more is two models under one name. */
export const LENGTHS_MAX = 3;
/** Embedded to learn the length of the vectors. */
export const PROBE = 'How long is a vector of this model?';

export interface VectorMakerOptions {
  readonly embedder: Embedder;
  readonly signal: AbortSignal;
  /** What is known of the length from before; null: nothing. */
  readonly dimensions: number | null;
  /** Told when vectors have another length from here on. */
  readonly onLength: () => void;
}

export class VectorMaker {
  readonly #options: VectorMakerOptions;
  #dimensions: number | null;
  #changes = 0;

  constructor(options: VectorMakerOptions) {
    this.#options = options;
    this.#dimensions = options.dimensions;
  }

  /** null until the first vector. */
  get dimensions(): number | null {
    return this.#dimensions;
  }

  /**
   * One vector a text, in order. @throws what the embedder throws, EMBEDDER_FAILED for an answer that does not fit,
   * CONFIG_INVALID when the length has changed too often
   */
  async make(texts: readonly string[], urgent: boolean): Promise<Float32Array[]> {
    const vectors = await this.#ask(texts, urgent);
    const length = commonLength(vectors);
    // One odd answer is a fault; when the probe has the same length, the model behind the name is another.
    if (length !== null && this.#isOther(length) && commonLength(await this.#ask([PROBE], urgent)) === length) {
      this.#change(length);
    }
    const dimensions = this.#dimensions ?? vectors[0]?.length ?? 0;
    const checked = vectors.map((vector) => normalised(vector, dimensions));
    this.#dimensions = dimensions;
    return checked;
  }

  async #ask(texts: readonly string[], urgent: boolean): Promise<Float32Array[]> {
    const { embedder, signal } = this.#options;
    const vectors = await embedder.embed(texts, { signal, urgent });
    if (vectors.length === texts.length) return vectors;
    throw new MegactorError('EMBEDDER_FAILED', `${vectors.length} vectors came for ${texts.length} texts`);
  }

  #isOther(length: number): boolean {
    return this.#dimensions !== null && this.#dimensions !== length;
  }

  #change(length: number): void {
    // Asked twice at the same time, it has changed already.
    if (!this.#isOther(length)) return;
    if (this.#changes >= LENGTHS_MAX) {
      const said = `the vectors of ${this.#options.embedder.model} change their length: ${this.#dimensions}, now ${length}`;
      throw new MegactorError('CONFIG_INVALID', said, { hint: 'Give each model a name of its own on the server.' });
    }
    this.#changes += 1;
    this.#dimensions = length;
    this.#options.onLength();
  }
}
