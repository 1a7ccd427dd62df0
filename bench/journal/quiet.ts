/** Waits for the moments when nothing is left to be consumed. Make it while the journal is quiet. */
import type { JournalClient } from '../../src/journal/index.ts';

export class Quiet {
  #waiting: (() => void)[] = [];

  private constructor(journal: JournalClient) {
    journal.onQuiet(() => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  /** Resolves once it is quiet for the first time, so that the next quiet is another one. */
  static async of(journal: JournalClient | null): Promise<Quiet> {
    if (journal === null) throw new Error('the system has no journal');
    const quiet = new Quiet(journal);
    await quiet.#next();
    return quiet;
  }

  /** Runs `begin`, which puts mail into the journal, and resolves when all of it and what came of it is consumed. */
  async after(begin: () => Promise<void>): Promise<void> {
    const quiet = this.#next();
    await begin();
    await quiet;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
