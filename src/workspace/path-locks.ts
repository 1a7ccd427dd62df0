/**
 * One change at a time per path, first come first served. A lock is held while a change reads what it needs and applies
 * itself to the table, never while it waits for the store, and never between two calls of an agent.
 * A change of several paths takes its place in all their queues at one moment, so that no two wait for each other.
 */
export class PathLocks {
  /** Path → the end of its queue. */
  readonly #tails = new Map<string, Promise<unknown>>();

  async run<Result>(paths: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const before = paths.flatMap((path) => this.#tails.get(path) ?? []);
    const mine = before.length === 0 ? work() : Promise.allSettled(before).then(work);
    for (const path of paths) this.#tails.set(path, mine);
    try {
      return await mine;
    } finally {
      for (const path of paths) {
        if (this.#tails.get(path) === mine) this.#tails.delete(path);
      }
    }
  }
}
