/**
 * The words of models on their way to whoever watches: which agents are watched, and their texts, sent to main in batches.
 * What it does not do: keep anything, or slow a call down.
 *
 * 1. Nobody watched is nobody streamed: a call has a listener only when its agent was watched as it began.
 */
import { z } from 'zod';
import type { ChatRequest } from '../../model/index.ts';
import type { Clock } from '../../platform/index.ts';

/** Texts that come within this time go to main together. */
const FLUSH_MS = 20;
/** So many characters do not wait. */
const FLUSH_CHARS = 65_536;

export const watchSchema = z.object({
  /** Names; null: everybody. */
  agents: z.array(z.string()).nullable(),
});

export const deltasSchema = z.object({
  kind: z.literal('deltas'),
  deltas: z.array(z.object({ agent: z.string(), text: z.string() })),
});

export type DeltaNotice = z.output<typeof deltasSchema>;

export class Watch {
  readonly #clock: Clock;
  readonly #notify: (notice: DeltaNotice) => void;
  #agents: ReadonlySet<string> | null = new Set();
  #waiting = new Map<string, string>();
  #characters = 0;
  #timed = false;

  constructor(clock: Clock, notify: (notice: DeltaNotice) => void) {
    this.#clock = clock;
    this.#notify = notify;
  }

  /** Watches these from now on, and nobody else. */
  set(agents: readonly string[] | null): void {
    this.#agents = agents === null ? null : new Set(agents);
  }

  /** For the pieces of an answer; undefined when nobody watches. What the runtime asks on an agent's account is not its own. */
  listener({ agent, sentAs }: ChatRequest): ((text: string) => void) | undefined {
    if (sentAs !== undefined || (this.#agents !== null && !this.#agents.has(agent))) return undefined;
    return (text) => this.#take(agent, text);
  }

  #take(agent: string, text: string): void {
    if (text === '') return;
    this.#waiting.set(agent, (this.#waiting.get(agent) ?? '') + text);
    this.#characters += text.length;
    if (this.#characters >= FLUSH_CHARS) this.flush();
    if (this.#timed) return;
    this.#timed = true;
    this.#clock.after(FLUSH_MS, () => {
      this.#timed = false;
      this.flush();
    });
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    const deltas = [...this.#waiting].map(([agent, text]) => ({ agent, text }));
    this.#waiting = new Map();
    this.#characters = 0;
    this.#notify({ kind: 'deltas', deltas });
  }
}
