/**
 * The limits of a provider: requests and tokens per window, and a quota. Pure: whoever asks brings the time.
 *
 * 1. A window begins with the first call after the one before has ended; nothing carries over.
 * 2. What is refused uses up nothing.
 * 3. Tokens are those a provider has to work out: the input that is not cached, and the output.
 */
export interface RateLimits {
  /** Calls per window; null for no limit. */
  readonly requests: number | null;
  /** Tokens per window; null for no limit. */
  readonly tokens: number | null;
  /** Calls until the next reset; null for no limit. */
  readonly quota: number | null;
  readonly windowMs: number;
}

export const NO_LIMITS: RateLimits = { requests: null, tokens: null, quota: null, windowMs: 60_000 };

/** Why a call is refused. `retryAfterMs` is null when waiting does not help. */
export interface Refusal {
  readonly type: 'requests' | 'tokens' | 'insufficient_quota';
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** `90500` → `1m30.5s`, `20` → `20ms`: how reset headers give a time. */
export const resetText = (milliseconds: number): string => {
  const whole = Math.ceil(milliseconds);
  if (whole < 1_000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${(whole % 60_000) / 1_000}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
};

export class LimitWindow {
  readonly #limits: RateLimits;
  #endsAt = Number.NEGATIVE_INFINITY;
  #requests = 0;
  #tokens = 0;
  #calls = 0;

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  get limited(): boolean {
    const { requests, tokens, quota } = this.#limits;
    return requests !== null || tokens !== null || quota !== null;
  }

  /** Whether a call has to be refused whatever its size. */
  check(now: number): Refusal | null {
    const { requests, quota } = this.#limits;
    if (quota !== null && this.#calls >= quota) {
      const message = `You exceeded your current quota of ${quota} calls (rehearsal-server --quota).`;
      return { type: 'insufficient_quota', message, retryAfterMs: null };
    }
    this.#roll(now);
    if (requests === null || this.#requests < requests) return null;
    return this.#refusal('requests', requests, this.#requests, 1, now);
  }

  /** Takes one call that has passed `check` at the same `now`, unless its tokens are too many. */
  take(tokens: number, now: number): Refusal | null {
    const limit = this.#limits.tokens;
    if (limit !== null && this.#tokens + tokens > limit) {
      return this.#refusal('tokens', limit, this.#tokens, tokens, now);
    }
    if (this.#requests === 0) this.#endsAt = now + this.#limits.windowMs;
    this.#calls += 1;
    this.#requests += 1;
    this.#tokens += tokens;
    return null;
  }

  /** The `x-ratelimit-*` headers, as name, value, name, value …; none without limits. */
  headers(now: number): string[] {
    const { requests, tokens } = this.#limits;
    const reset = resetText(Math.max(0, this.#endsAt - now));
    const about = (what: string, limit: number | null, used: number): string[] =>
      limit === null
        ? []
        : [
            `x-ratelimit-limit-${what}`,
            String(limit),
            `x-ratelimit-remaining-${what}`,
            String(Math.max(0, limit - used)),
            `x-ratelimit-reset-${what}`,
            reset,
          ];
    return [...about('requests', requests, this.#requests), ...about('tokens', tokens, this.#tokens)];
  }

  reset(): void {
    this.#endsAt = Number.NEGATIVE_INFINITY;
    this.#requests = 0;
    this.#tokens = 0;
    this.#calls = 0;
  }

  #roll(now: number): void {
    if (now < this.#endsAt) return;
    this.#requests = 0;
    this.#tokens = 0;
  }

  #refusal(type: 'requests' | 'tokens', limit: number, used: number, requested: number, now: number): Refusal {
    // An empty window refuses only what is too large for any; nobody is told to come back at once for that.
    const waitMs = this.#requests === 0 ? this.#limits.windowMs : this.#endsAt - now;
    const retryAfterMs = Math.max(1, Math.ceil(waitMs));
    const too = requested > limit ? ' The request is too large for any window.' : '';
    const message =
      `Rate limit reached on ${type} per ${this.#limits.windowMs} ms: limit ${limit}, used ${used}, ` +
      `requested ${requested}. Please try again in ${resetText(retryAfterMs)}.${too}`;
    return { type, message, retryAfterMs };
  }
}
