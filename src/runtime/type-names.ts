/**
 * Message types as numbers of one thread, so that they fit into shared memory. The names travel ahead, while the thread
 * still can say them. A4: past a limit every further type is the number 0, which has no name.
 */
const TYPES_MAX = 16_384;

export class TypeNames {
  readonly #numbers = new Map<string, number>();
  readonly #onNew: (type: string, number: number) => void;

  /** @param onNew is told of each type once, before its number is used */
  constructor(onNew: (type: string, number: number) => void) {
    this.#onNew = onNew;
  }

  numberOf(type: string): number {
    const known = this.#numbers.get(type);
    if (known !== undefined) return known;
    if (this.#numbers.size >= TYPES_MAX) return 0;
    const number = this.#numbers.size + 1;
    this.#numbers.set(type, number);
    this.#onNew(type, number);
    return number;
  }

  /** All so far, the first one is number 1. */
  all(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}
