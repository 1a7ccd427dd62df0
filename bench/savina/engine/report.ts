/**
 * How a program on the engine tells its outcome: the actor that is there first of all keeps it, and whoever asks waits
 * for it.
 */
import { message, request, type ActorContext } from '../../../src/actor/index.ts';
import { Stopwatch, type Outcome, type Seen } from '../outcome.ts';
import type { Size } from '../settings.ts';

/** What the first actor of every program takes. */
export const REPORT = { begin: message<Size>(), outcome: request<void, Outcome | null>() };

/** What of a context a report needs, whatever the state of its actor is. */
type Putting = Pick<ActorContext, 'stash' | 'unstash'>;

export class Report {
  #watch = new Stopwatch();
  #outcome: Outcome | null = null;

  begin(): void {
    this.#watch = new Stopwatch();
  }

  finish(seen: Seen, ctx: Putting): void {
    this.#outcome = this.#watch.outcome(seen);
    ctx.unstash();
  }

  /** The handler of `outcome`: puts the question aside until there is an answer. */
  answer(ctx: Putting): Outcome | null {
    if (this.#outcome === null) ctx.stash();
    return this.#outcome;
  }
}
