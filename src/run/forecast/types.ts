/** What a forecast takes and what it gives back: the types of `rehearse`, the command line and its `--json`. */
import type { Price } from '../../model/index.ts';
import type { RunReason, RunStatus } from '../types.ts';

/** Options of `rehearse`; every one has a default. */
export interface ForecastOptions {
  /** `openai:NAME`: whose price and settings are taken. It is not called. Default: none, and no cost is known. */
  readonly model?: string;
  /** The Boss included. Default 100. */
  readonly maxAgents?: number;
  readonly review?: 'model' | 'auto' | 'none';
  /** A rehearsal file (JSON), already parsed: shape, tokens, failure rates, latency; checked with zod. */
  readonly rehearsal?: unknown;
  /** The content of `--config FILE`, already parsed: prices, limits of models and of the society; checked with zod. */
  readonly config?: unknown;
  /** From a request to its answer, in milliseconds. Default: the rehearsal's, if it says so, else 2,000. */
  readonly latencyMs?: number;
  /** What the provider allows, beside what the configuration says. Default: no limit. */
  readonly requestsPerMinute?: number;
  /** Input that is not cached, and output. */
  readonly tokensPerMinute?: number;
  /** The same seed gives the same forecast. Default 1. */
  readonly seed?: number;
  /** Told about once a second how far it is. */
  readonly onProgress?: (progress: ForecastProgress) => void;
  /** Aborted, the forecast ends at once and rejects with ABORTED. */
  readonly signal?: AbortSignal;
}

export interface ForecastProgress {
  /** Model calls answered. */
  readonly calls: number;
  /** Of the run that is played. */
  readonly wallSeconds: number;
}

/** Everything that a forecast takes for given. */
export interface Assumptions {
  /** Nobody asked a language model. */
  readonly model: string | null;
  /** US dollars per million tokens, by model; null: not known. */
  readonly prices: Readonly<Record<string, Price | null>>;
  readonly maxAgents: number;
  readonly scenario: string;
  /** Groups as the rehearsal file says; null: the plan fills the run. */
  readonly shape: Readonly<Record<string, unknown>> | null;
  readonly review: 'model' | 'auto' | 'none';
  readonly seed: number;
  /** Milliseconds, or the distribution they are drawn from. */
  readonly latencyMs: unknown;
  readonly charactersPerToken: number;
  /** What replaces the estimate from the length of the texts. */
  readonly tokens: Readonly<Record<string, unknown>>;
  /** The part of all input that came from the provider's cache, from 0 to 1. */
  readonly cacheHitRate: number;
  readonly limits: {
    readonly requestsPerMinute: number | null;
    readonly tokensPerMinute: number | null;
    readonly inFlight: number | null;
    /** From what the gate knows of them: one that is told beforehand spreads its calls. null: there are none. */
    readonly knownFrom: 'configuration' | 'headers' | null;
  };
  /** Parts of all answers. */
  readonly failures: Readonly<Record<string, number>>;
  readonly outage: unknown;
  /** What a reader has to know of all this. */
  readonly notes: readonly string[];
}

/** What a run would come to. A forecast from a rehearsal, not a measurement. */
export interface Forecast {
  /** Answers of models. */
  readonly calls: number;
  readonly tokens: { readonly input: number; readonly cachedInput: number; readonly output: number };
  /** null when the price of a model that answers is not known. */
  readonly costUsd: number | null;
  readonly wallSeconds: number;
  readonly assumptions: Assumptions;
  readonly synthetic: true;
  /** How the run would end. Unless it is `completed`, the figures are those until then. */
  readonly status: RunStatus;
  readonly reason: RunReason;
  readonly agents: number;
  readonly files: number;
  /** Requests that would be sent again. */
  readonly retries: number;
  /** Those of them that a limit would refuse. */
  readonly limited: number;
  /** Most calls at once. */
  readonly maxInFlight: number;
}
