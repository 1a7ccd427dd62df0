/** The rehearsed outage: for a while every request fails. Pure; whoever asks brings the time. */
import type { RehearsalOptions } from './options.ts';

export class Outage {
  readonly #setting: RehearsalOptions['outage'];
  #firstAt: number | null = null;

  constructor(setting: RehearsalOptions['outage']) {
    this.#setting = setting;
  }

  /** The status that requests fail with at `now` (monotonic milliseconds), or null. Time runs from the first question. */
  statusAt(now: number): number | null {
    this.#firstAt ??= now;
    if (this.#setting === undefined) return null;
    const { afterMs, lengthMs, status } = this.#setting;
    const since = now - this.#firstAt;
    return since >= afterMs && since < afterMs + lengthMs ? status : null;
  }
}

export const OUTAGE_TEXT = 'a rehearsed outage';
