/**
 * One change at a time per path, first come first served. A lock is held while a change reads what it needs and applies
 * itself to the table, never while it waits for the store, and never between two calls of an agent.
 */
export class PathLocks {
  /** Path → the end of its queue. */
  readonly #tails = new Map<string, Promise<unknown>>();

  async run<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(path);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#tails.set(path, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(path) === mine) this.#tails.delete(path);
    }
  }
}
