/** Answers kept for a repetition of their call: bounded, the oldest go first. */
import type { ChatAnswer } from '../types.ts';

export class KeptAnswers {
  readonly #answers = new Map<string, ChatAnswer>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#answers.size;
  }

  get(key: string): ChatAnswer | undefined {
    return this.#answers.get(key);
  }

  keep(key: string, answer: ChatAnswer): void {
    this.#answers.set(key, answer);
    if (this.#answers.size <= this.#most) return;
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest);
      break;
    }
  }

  release(keys: readonly string[]): void {
    for (const key of keys) this.#answers.delete(key);
  }
}
