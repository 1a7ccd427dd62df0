/**
 * What the entries of a log say of one actor, gathered without its snapshot, which comes later or not at all: what only
 * the last step decides is kept of the last step, what adds up is kept with the number of its step.
 *
 * Invariant: F5 `onto` a snapshot gives the same actor wherever in these entries the snapshot was made (J6); what the
 * snapshot holds already changes nothing.
 */
import type { ActorRow } from './snapshot-codec.ts';
import type { ChildRecord, RecoveredActor, StepEntry, StepLogEntry, TimerChange, TimerRecord } from './shard-log.ts';
import { isOpen } from './shard-state.ts';

interface Begun {
  readonly step: number;
  taken: readonly number[];
  readonly effects: Map<string, unknown>;
  readonly intents: Set<string>;
}

/** What a step added. */
interface Added {
  readonly step: number;
  readonly history: readonly unknown[];
  readonly timers: readonly TimerChange[];
  readonly children: readonly ChildRecord[];
}

const NOTHING: readonly [] = [];

export class ActorFold {
  #last: StepEntry | null = null;
  #begun: Begun | null = null;
  readonly #added: Added[] = [];

  /** @param children spawned by the append that the entry is in */
  apply(entry: StepLogEntry, children: readonly ChildRecord[]): void {
    switch (entry.kind) {
      case 'begin': {
        const begun = this.#begin(entry.step);
        begun.taken = entry.taken;
        if (!begun.effects.has(entry.key)) begun.intents.add(entry.key);
        return;
      }
      case 'effect': {
        const begun = this.#begin(entry.step);
        begun.effects.set(entry.key, entry.result);
        begun.intents.delete(entry.key);
        return;
      }
      case 'step':
        this.#step(entry, children);
        return;
      case 'drop':
        // The step in progress goes on without the mail that was dropped from it.
        if (this.#begun !== null) this.#begun.taken = this.#begun.taken.filter((seq) => !entry.taken.includes(seq));
        return;
      default:
        entry satisfies never;
    }
  }

  /** @param history all of it, as far as it is in snapshots */
  onto(row: ActorRow, history: readonly unknown[]): RecoveredActor {
    const { record, step } = row;
    const all = [...history];
    const timers = new Map<string, TimerRecord>(row.timers.map((timer) => [timer.key, timer]));
    const children = new Map<number, ChildRecord>(row.children.map((child) => [child.id, child]));
    for (const added of this.#added) {
      if (added.step < step) continue;
      for (const entry of added.history) all.push(entry);
      for (const { key, timer } of added.timers) {
        if (timer === null) timers.delete(key);
        else timers.set(key, { ...timer, key });
      }
      for (const child of added.children) if (!children.has(child.id)) children.set(child.id, child);
    }
    const last = this.#last !== null && this.#last.step >= step ? this.#last : null;
    const begun =
      this.#begun !== null && this.#begun.step >= (last === null ? step : last.step + 1) ? this.#begun : null;
    return {
      record,
      step: last === null ? step : last.step + 1,
      state: last === null ? row.state : last.state,
      history: all,
      historySaved: history.length,
      open: last === null ? row.open : isOpen(last),
      timers: [...timers.values()],
      children: [...children.values()],
      begun: begun === null ? null : { taken: begun.taken, effects: begun.effects, intents: [...begun.intents] },
    };
  }

  #begin(step: number): Begun {
    if (this.#begun?.step !== step) this.#begun = { step, taken: [], effects: new Map(), intents: new Set() };
    return this.#begun;
  }

  #step(entry: StepEntry, children: readonly ChildRecord[]): void {
    this.#last = entry;
    this.#begun = null;
    const { step, history, timers = NOTHING } = entry;
    if (history.length + timers.length + children.length > 0) this.#added.push({ step, history, timers, children });
  }
}
