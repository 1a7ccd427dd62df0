/**
 * Counts what is pending over all shards and tells those who watch when it has fallen to 0.
 *
 * Invariants: Q1 one call per fall for each watcher, never while something is pending. Q2 the call comes after the
 * commit that made it 0 has reached the run's level, so that a crash cannot take the quiet back. Q3 a fall that was
 * over before it was durable is not told: the next one is.
 */
import type { ServerPort } from './server-port.ts';

export class QuietWatch {
  readonly #afterDurable: (check: (error: unknown) => void) => void;
  /** Watchers; true while a fall is to be told. */
  readonly #watchers = new Map<ServerPort, boolean>();
  #pending = 0;
  #epoch = 0;

  /** @param afterDurable calls back when everything accepted so far has reached the run's level */
  constructor(afterDurable: (check: (error: unknown) => void) => void) {
    this.#afterDurable = afterDurable;
  }

  get pending(): number {
    return this.#pending;
  }

  add(difference: number): void {
    if (difference === 0) return;
    const before = this.#pending;
    this.#pending += difference;
    if (before === 0) for (const watcher of this.#watchers.keys()) this.#watchers.set(watcher, true);
    // The caller has not gathered its write yet: look again when it has.
    if (this.#pending === 0) queueMicrotask(() => this.#tellWhenDurable());
  }

  watch(watcher: ServerPort): void {
    this.#watchers.set(watcher, true);
    this.#tellWhenDurable();
  }

  remove(watcher: ServerPort): void {
    this.#watchers.delete(watcher);
  }

  #tellWhenDurable(): void {
    if (this.#pending > 0 || this.#watchers.size === 0) return;
    this.#afterDurable((error) => {
      if (error === null && this.#pending === 0) this.#tell();
    });
  }

  #tell(): void {
    const due = [...this.#watchers].filter(([, waiting]) => waiting);
    if (due.length === 0) return;
    this.#epoch += 1;
    for (const [watcher] of due) {
      this.#watchers.set(watcher, false);
      watcher.send(['quiet', this.#epoch]);
    }
  }
}
