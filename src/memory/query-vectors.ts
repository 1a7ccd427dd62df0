/**
 * Vectors of queries: the last ones are kept, and those that come are asked for once. What it does not do: wait for them; who
 * recalls decides how long that is.
 *
 * Invariants: at most `UNDER_WAY_MAX` queries are embedded at a time, and at most `KEPT_MAX` vectors are kept.
 */
const UNDER_WAY_MAX = 64;
const KEPT_MAX = 512;

export interface QueryVector {
  /** null: not known yet. */
  readonly vector: Float32Array | null;
  /** When it comes; null from it: it did not. null: it is not coming. It does not reject. */
  readonly coming: Promise<Float32Array | null> | null;
}

const NOTHING: QueryVector = { vector: null, coming: null };

export interface QueryVectorsOptions {
  readonly make: (text: string) => Promise<Float32Array | null>;
  readonly onFailure: (error: unknown) => void;
}

export class QueryVectors {
  readonly #options: QueryVectorsOptions;
  readonly #underWay = new Map<string, Promise<Float32Array | null>>();
  readonly #kept = new Map<string, Float32Array>();

  constructor(options: QueryVectorsOptions) {
    this.#options = options;
  }

  /** Those of another length are no use any more. */
  forget(): void {
    this.#kept.clear();
  }

  /** @param isOpen whether the embedder may be asked */
  of(text: string, isOpen: boolean): QueryVector {
    const vector = this.#kept.get(text);
    if (vector !== undefined) return { vector, coming: null };
    const coming = this.#underWay.get(text);
    if (coming !== undefined) return { vector: null, coming };
    if (!isOpen || this.#underWay.size >= UNDER_WAY_MAX) return NOTHING;
    const { make, onFailure } = this.#options;
    const asked = make(text).then(
      (made) => {
        if (made !== null) this.#keep(text, made);
        return made;
      },
      (error: unknown) => {
        onFailure(error);
        return null;
      },
    );
    const settled = asked.finally(() => this.#underWay.delete(text));
    this.#underWay.set(text, settled);
    return { vector: null, coming: settled };
  }

  #keep(text: string, vector: Float32Array): void {
    this.#kept.set(text, vector);
    if (this.#kept.size <= KEPT_MAX) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }
}
