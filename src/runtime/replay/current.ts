/**
 * The step of a replay that is under way: takes what the actor would append, and says when it has come out. It compares
 * nothing.
 */
import { asStored } from '../../journal/index.ts';
import type { LogAppend, Outgoing, StepEntry } from '../../journal/shard-log.ts';
import type { MegactorError } from '../../protocol/errors.ts';
import type { RecordedStep, ReplayedStep } from './parts.ts';

/** How a step came out. */
export interface Outcome {
  readonly entry: StepEntry | null;
  readonly outgoing: readonly Outgoing[];
  readonly error: MegactorError | null;
}

/** The step that is under way. */
export class Current implements ReplayedStep {
  recorded: RecordedStep | null = null;
  /** Keys that the log has no result of. */
  missed: string[] = [];
  keys = new Set<string>();
  #entry: StepEntry | null = null;
  #outgoing: readonly Outgoing[] = [];
  #done = Promise.withResolvers<Outcome>();
  /** Turns that wait for their next step, by actor. */
  readonly suspended = new Map<number, () => void>();

  begin(recorded: RecordedStep): Promise<Outcome> {
    this.recorded = recorded;
    this.missed = [];
    this.keys = new Set();
    this.#entry = null;
    this.#outgoing = [];
    this.#done = Promise.withResolvers<Outcome>();
    return this.#done.promise;
  }

  missing(key: string): void {
    this.missed.push(key);
  }

  appended(group: LogAppend): Promise<void> {
    const actor = this.recorded?.entry.actor;
    for (const entry of group.entries) {
      if (entry.actor !== actor) continue;
      if (entry.kind === 'begin' || entry.kind === 'effect') this.keys.add(entry.key);
      if (entry.kind !== 'step' || this.#entry !== null) continue;
      let stored: LogAppend;
      try {
        stored = asStored({ entries: [entry], outgoing: group.outgoing });
      } catch (thrown) {
        return Promise.reject(thrown);
      }
      this.#entry = stored.entries[0] as StepEntry;
      this.#outgoing = stored.outgoing;
      if (!entry.open) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.suspended.set(actor, resolve);
      this.#settle(null);
      return promise;
    }
    return Promise.resolve();
  }

  ended(): void {
    this.#settle(null);
  }

  failed(error: MegactorError): void {
    this.#settle(error);
  }

  #settle(error: MegactorError | null): void {
    this.#done.resolve({ entry: this.#entry, outgoing: this.#outgoing, error });
  }
}
