/** What the gate has counted since it began. */
import type { ChatAnswer, TokenUsage } from '../types.ts';
import type { GateStats } from './types.ts';

export class Tally {
  failed = 0;
  retries = 0;
  limited = 0;
  joined = 0;
  coalesced = 0;
  #calls = 0;
  #fellBack = 0;
  #maxInFlight = 0;
  #tokens: TokenUsage = { input: 0, cachedInput: 0, output: 0 };
  readonly #latency = { sumMs: 0, maxMs: 0 };
  readonly #queueing = { sumMs: 0, maxMs: 0 };

  sawInFlight(calls: number): void {
    this.#maxInFlight = Math.max(this.#maxInFlight, calls);
  }

  answered({ usage }: ChatAnswer, about: { latencyMs: number; queueMs: number; fellBack: boolean }): void {
    this.#calls += 1;
    if (about.fellBack) this.#fellBack += 1;
    this.#latency.sumMs += about.latencyMs;
    this.#latency.maxMs = Math.max(this.#latency.maxMs, about.latencyMs);
    this.#queueing.sumMs += about.queueMs;
    this.#queueing.maxMs = Math.max(this.#queueing.maxMs, about.queueMs);
    this.#tokens = {
      input: this.#tokens.input + usage.input,
      cachedInput: this.#tokens.cachedInput + usage.cachedInput,
      output: this.#tokens.output + usage.output,
    };
  }

  read(): Pick<
    GateStats,
    | 'calls'
    | 'failed'
    | 'maxInFlight'
    | 'retries'
    | 'limited'
    | 'fellBack'
    | 'joined'
    | 'coalesced'
    | 'tokens'
    | 'latency'
    | 'queueing'
  > {
    const mean = ({ sumMs, maxMs }: { sumMs: number; maxMs: number }): { meanMs: number; maxMs: number } => ({
      meanMs: this.#calls === 0 ? 0 : sumMs / this.#calls,
      maxMs,
    });
    return {
      calls: this.#calls,
      failed: this.failed,
      maxInFlight: this.#maxInFlight,
      retries: this.retries,
      limited: this.limited,
      fellBack: this.#fellBack,
      joined: this.joined,
      coalesced: this.coalesced,
      tokens: this.#tokens,
      latency: mean(this.#latency),
      queueing: mean(this.#queueing),
    };
  }
}
