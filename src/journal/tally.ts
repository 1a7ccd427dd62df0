/** Counts what is in a journal, entry by entry, and can go on from what was counted before. */
import type { StepLogEntry } from './shard-log.ts';

/** How much of what is in a journal. */
export interface JournalCounts {
  /** Entries of the step logs. */
  entries: number;
  begins: number;
  effects: number;
  steps: number;
  drops: number;
  /** Begins of a key of a step that had been begun before: calls that a crash made again. */
  repeatedBegins: number;
  mail: number;
  signals: number;
  spawns: number;
  /** Unconsumed mail and signals plus open turns. */
  pending: number;
}

export const NO_COUNTS: Readonly<JournalCounts> = {
  entries: 0,
  begins: 0,
  effects: 0,
  steps: 0,
  drops: 0,
  repeatedBegins: 0,
  mail: 0,
  signals: 0,
  spawns: 0,
  pending: 0,
};

/** The keys that a step has begun. */
export type BegunKeys = readonly [actor: number, step: number, keys: readonly string[]];

export class Tally {
  readonly counts: JournalCounts;
  readonly #begun = new Map<number, { readonly step: number; readonly keys: Set<string> }>();

  constructor(counts: Readonly<JournalCounts> = NO_COUNTS, begun: readonly BegunKeys[] = []) {
    this.counts = { ...counts };
    for (const [actor, step, keys] of begun) this.#begun.set(actor, { step, keys: new Set(keys) });
  }

  add(entry: StepLogEntry): void {
    this.counts.entries += 1;
    switch (entry.kind) {
      case 'begin':
        this.#begin(entry.actor, entry.step, entry.key);
        return;
      case 'effect':
        this.counts.effects += 1;
        return;
      case 'step':
        this.counts.steps += 1;
        this.#begun.delete(entry.actor);
        return;
      case 'drop':
        this.counts.drops += 1;
        if (entry.stopped) this.#begun.delete(entry.actor);
        return;
      default:
        entry satisfies never;
    }
  }

  /** Of the steps in progress. */
  get begun(): BegunKeys[] {
    return [...this.#begun].map(([actor, { step, keys }]) => [actor, step, [...keys]] as const);
  }

  #begin(actor: number, step: number, key: string): void {
    this.counts.begins += 1;
    let known = this.#begun.get(actor);
    if (known?.step !== step) {
      known = { step, keys: new Set() };
      this.#begun.set(actor, known);
    }
    if (known.keys.has(key)) this.counts.repeatedBegins += 1;
    known.keys.add(key);
  }
}

/** The sum, field by field. */
export const addCounts = (left: Readonly<JournalCounts>, right: Readonly<JournalCounts>): JournalCounts => {
  const sum = { ...left };
  for (const key of Object.keys(NO_COUNTS) as (keyof JournalCounts)[]) sum[key] += right[key];
  return sum;
};
