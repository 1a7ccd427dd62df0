/**
 * What a provider allows per window, kept from this side: requests, and tokens that it has to work out. Two sources, and
 * the stricter one counts: what was configured, as a sliding window over everything sent; and what the server's headers
 * say is left. What it does not do: hold calls (the lane asks it), keep time (its caller brings it).
 *
 * 1. In any `windowMs` no more than the configured limit is sent, whatever the phase of the server's own windows; an entry
 *    is counted from one to two hundredths of the window longer than that, for the way to the server.
 * 2. Until the reset that the server's headers speak of no more is sent than is known to be left: the limit less what was
 *    sent since the last reset, if nobody else uses it; or what the headers say, less all that was on the way together
 *    with the request they came with, since nobody knows in which order that arrived. Each of the two is safe on its own,
 *    so the larger one counts.
 * 3. Tokens are reserved as estimated and corrected to what the answer says. What the server refused has cost no tokens.
 *    Beside them room is left for how far the answers under way may together be from their estimates: twice the root of
 *    the sum of the squares of what each is usually off by, but no less than a part of all, since they may be off the
 *    same way. The last call of a window needs more room, for its size, than a hundred together. That part is larger
 *    after requests that the server refused for their tokens, and becomes a twentieth again with answers. Never is more
 *    than `MARGIN_MAX` of the limit left free.
 * 4. Nothing waits for ever: every wait is finite, and a call larger than any window goes alone.
 */

/** null: no limit known. */
export interface RateLimits {
  readonly requests: number | null;
  readonly tokens: number | null;
  readonly windowMs: number;
}

export const NO_RATE_LIMITS: RateLimits = { requests: null, tokens: null, windowMs: 60_000 };

/** One pair of headers: what is left of the limit, and how long until it is whole again. */
export interface LimitReading {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

export interface LimitReadings {
  readonly requests: LimitReading | null;
  readonly tokens: LimitReading | null;
}

/** What a request has taken, to be corrected. */
export interface RateTicket {
  slot: number;
  /** When it was put on a socket, as far as the model tells. */
  sentAtMs: number;
  /** Whether the server had said before what is left. */
  readonly informed: boolean;
  /** How much of each had come to its end before this request was sent. */
  readonly requestsEnded: number;
  readonly tokensEnded: number;
  tokens: number;
  /** Of its tokens, while they are an estimate. */
  readonly variance: number;
  ended: boolean;
}

/** So many standard deviations are left free: 98 of 100 times that is enough. */
const DEVIATIONS = 2;
/** Of the tokens under way: at least, more after requests that were refused, and at most; and how it becomes less. */
const SHARE_MIN = 0.05;
const SHARE_STEP = 0.05;
const SHARE_MAX = 0.3;
const SHARE_KEPT = 0.999;
/** Of the limit, however far answers are off: with more, a window that is small beside one answer would hold one call. */
const MARGIN_MAX = 0.3;
/** A window that has no room for so many more of the same is used up. */
const USED_UP = 2;
const SLOTS_PER_WINDOW = 100;
/** Readings that differ by less than this part of a window are about the same reset. */
const SAME_RESET = 0.25;

/** What the server has said. */
interface Told {
  limit: number;
  available: number;
  resetAtMs: number;
  /** The longest time to a reset that it has spoken of: the window, as far as is known. */
  longestMs: number;
}

/** One of the two, requests or tokens. */
class Meter {
  readonly #limit: number | null;
  readonly #slotMs: number;
  /** What was taken in each slot of the window; by slot number. */
  readonly #slots = new Map<number, number>();
  #inWindow = 0;
  #told: Told | null = null;
  /** What was taken in all, and since the last reset that the server spoke of. */
  #taken = 0;
  #sinceReset = 0;
  /** What was taken by requests that have ended. */
  ended = 0;

  constructor(limit: number | null, windowMs: number) {
    this.#limit = limit;
    this.#slotMs = windowMs / SLOTS_PER_WINDOW;
  }

  /** The configured limit, or what the server said it is. */
  get limit(): number | null {
    return this.#limit ?? this.#told?.limit ?? null;
  }

  slotOf(nowMs: number): number {
    return Math.floor(nowMs / this.#slotMs);
  }

  take(amount: number, nowMs: number): void {
    this.#roll(nowMs);
    this.#taken += amount;
    this.#sinceReset += amount;
    if (this.#limit !== null) {
      const slot = this.slotOf(nowMs);
      this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + amount);
      this.#inWindow += amount;
    }
    if (this.#told !== null) this.#told.available -= amount;
  }

  /** A request that had taken `amount` took `difference` more. */
  correct(slot: number, difference: number): void {
    this.#taken += difference;
    this.#sinceReset = Math.max(0, this.#sinceReset + difference);
    const taken = this.#slots.get(slot);
    if (taken !== undefined) {
      this.#slots.set(slot, taken + difference);
      this.#inWindow += difference;
    }
    if (this.#told !== null) this.#told.available -= difference;
  }

  /** What was taken in one slot counts in a later one. */
  move(from: number, to: number, amount: number): void {
    const taken = this.#slots.get(from);
    if (taken === undefined || to <= from) return;
    this.#slots.set(from, taken - amount);
    this.#slots.set(to, (this.#slots.get(to) ?? 0) + amount);
  }

  /** What is left of the window, as far as is known; Infinity: nothing is. @param reading what the server says just now */
  leaves(reading: LimitReading | null | undefined, nowMs: number): number {
    const left = this.#limit === null ? Number.POSITIVE_INFINITY : this.#limit - this.#inWindow;
    const told = reading?.remaining ?? this.#roll(nowMs)?.available ?? Number.POSITIVE_INFINITY;
    return Math.min(left, told);
  }

  /** How long until `amount` may be taken. */
  waitMs(amount: number, nowMs: number): number {
    return Math.max(this.#configuredWaitMs(amount, nowMs), this.#toldWaitMs(amount, nowMs));
  }

  /**
   * @param endedBefore what had ended when the request was sent that the reading came with
   * @param own what that request took itself
   * @param saidAtMs when the server looked
   */
  observe(reading: LimitReading, endedBefore: number, own: number, times: { saidAtMs: number; nowMs: number }): void {
    const { limit, remaining, resetMs } = reading;
    const { saidAtMs, nowMs } = times;
    // Of a window that is over by now it says nothing about the present one.
    if (this.#told !== null && saidAtMs + resetMs <= nowMs) return;
    this.#roll(nowMs);
    const longestMs = Math.max(resetMs, this.#told?.longestMs ?? 0);
    const perhapsNotCounted = this.#taken - endedBefore - own;
    const available = Math.max(remaining - perhapsNotCounted, Math.min(limit - this.#sinceReset, remaining));
    this.#told = { limit, available, resetAtMs: this.#laterOf(saidAtMs + resetMs, longestMs), longestMs };
  }

  /**
   * The server looked when the request came to it, some time after it was sent, so that each reading gives a time before the
   * reset: of those about the same reset the latest is the nearest.
   */
  #laterOf(resetAtMs: number, longestMs: number): number {
    const before = this.#told?.resetAtMs ?? Number.NEGATIVE_INFINITY;
    return before - resetAtMs < longestMs * SAME_RESET ? Math.max(before, resetAtMs) : resetAtMs;
  }

  #configuredWaitMs(amount: number, nowMs: number): number {
    if (this.#limit === null) return 0;
    const oldest = this.slotOf(nowMs) - SLOTS_PER_WINDOW - 1;
    for (const [slot, taken] of this.#slots) {
      if (slot >= oldest) break;
      this.#slots.delete(slot);
      this.#inWindow -= taken;
    }
    let over = this.#inWindow + amount - this.#limit;
    if (over <= 0 || this.#slots.size === 0) return 0;
    // Slots are in the order of time: the window is free enough when these have left it.
    let last = oldest;
    for (const [slot, taken] of this.#slots) {
      last = slot;
      over -= taken;
      if (over <= 0) break;
    }
    return (last + SLOTS_PER_WINDOW + 2) * this.#slotMs - nowMs;
  }

  #toldWaitMs(amount: number, nowMs: number): number {
    const told = this.#roll(nowMs);
    // A call larger than the limit goes when everything is left; the server says what it thinks of it.
    if (told === null || amount <= told.available || told.available >= told.limit) return 0;
    return told.resetAtMs + told.longestMs / SLOTS_PER_WINDOW - nowMs;
  }

  /** After a reset everything is there again. */
  #roll(nowMs: number): Told | null {
    const told = this.#told;
    if (told === null || nowMs < told.resetAtMs + told.longestMs / SLOTS_PER_WINDOW) return told;
    told.available = told.limit;
    told.resetAtMs = nowMs + told.longestMs;
    this.#sinceReset = 0;
    return told;
  }
}

export class RateLimit {
  readonly #requests: Meter;
  readonly #tokens: Meter;
  #informed = false;
  /**
   * Whether headers speak of the moment of the answer. Those of most servers are those of the admission; one that
   * refuses who believes that is waited for longer from then on.
   */
  #saidAtAnswer = false;
  /** What is under way: requests, their tokens as estimated, and the variance of that. */
  #open = 0;
  #openTokens = 0;
  #variance = 0;
  /** The least margin, as a part of the tokens under way; raised once by those that were under way together. */
  #share = SHARE_MIN;
  #raisedAtMs = Number.NEGATIVE_INFINITY;

  constructor(limits: RateLimits = NO_RATE_LIMITS) {
    this.#requests = new Meter(limits.requests, limits.windowMs);
    this.#tokens = new Meter(limits.tokens, limits.windowMs);
  }

  /** Requests per window, configured or learned; null: not known. */
  get requests(): number | null {
    return this.#requests.limit;
  }

  /** Tokens per window, configured or learned; null: not known. */
  get tokens(): number | null {
    return this.#tokens.limit;
  }

  /** 0: a request of about `tokens`, give or take `spread`, may go now; else how long to wait. Always finite. */
  waitMs(tokens: number, nowMs: number, spread = 0): number {
    return Math.max(this.#requests.waitMs(1, nowMs), this.#tokens.waitMs(tokens + this.#margin(tokens, spread), nowMs));
  }

  /** @param spread the standard deviation of `tokens` */
  take(tokens: number, nowMs: number, spread = 0): RateTicket {
    this.#requests.take(1, nowMs);
    this.#tokens.take(tokens, nowMs);
    this.#open += 1;
    this.#openTokens += tokens;
    this.#variance += spread ** 2;
    return {
      slot: this.#requests.slotOf(nowMs),
      sentAtMs: nowMs,
      informed: this.#informed,
      requestsEnded: this.#requests.ended,
      tokensEnded: this.#tokens.ended,
      tokens,
      variance: spread ** 2,
      ended: false,
    };
  }

  /** The request is put on a socket only now. */
  left(ticket: RateTicket, nowMs: number): void {
    if (ticket.ended || nowMs <= ticket.sentAtMs) return;
    const slot = this.#requests.slotOf(nowMs);
    this.#requests.move(ticket.slot, slot, 1);
    this.#tokens.move(ticket.slot, slot, ticket.tokens);
    ticket.slot = slot;
    ticket.sentAtMs = nowMs;
  }

  /** The request has ended and took `tokens`: what the answer says, 0 when it was refused. */
  settle(ticket: RateTicket, tokens: number): void {
    const estimated = ticket.tokens;
    if (!ticket.ended && tokens > 0) this.#share = Math.max(SHARE_MIN, this.#share * SHARE_KEPT);
    this.#tokens.correct(ticket.slot, tokens - estimated);
    ticket.tokens = tokens;
    this.#tokens.ended += ticket.ended ? tokens - estimated : tokens;
    if (ticket.ended) return;
    ticket.ended = true;
    this.#requests.ended += 1;
    this.#open -= 1;
    this.#openTokens -= estimated;
    // Sums of fractions leave a rest.
    this.#variance = this.#open === 0 ? 0 : Math.max(0, this.#variance - ticket.variance);
  }

  #margin(tokens: number, spread: number): number {
    // What is known exactly needs none.
    if (spread === 0 && this.#variance === 0) return 0;
    const wanted = Math.max(
      DEVIATIONS * Math.sqrt(this.#variance + spread ** 2),
      this.#share * (this.#openTokens + tokens),
    );
    return Math.min(wanted, MARGIN_MAX * (this.#tokens.limit ?? Number.POSITIVE_INFINITY));
  }

  /**
   * The server refused the request for its limits.
   * @param readings what it said with that
   * @returns whether a window is used up: then it says nothing about how many requests may be in flight
   */
  refused(ticket: RateTicket, readings: LimitReadings | null, nowMs: number): boolean {
    const { tokens, sentAtMs } = ticket;
    const requestsOut = this.#requests.leaves(readings?.requests, nowMs) < USED_UP;
    const tokensOut = this.#tokens.leaves(readings?.tokens, nowMs) < USED_UP * tokens;
    this.settle(ticket, 0);
    if (ticket.informed) this.#saidAtAnswer = true;
    if (tokensOut && !requestsOut && sentAtMs > this.#raisedAtMs) {
      this.#share = Math.min(SHARE_MAX, this.#share + SHARE_STEP);
      this.#raisedAtMs = nowMs;
    }
    return requestsOut || tokensOut;
  }

  /** What the headers of the answer to this request say. */
  observe(ticket: RateTicket, { requests, tokens }: LimitReadings, nowMs: number): void {
    this.#informed = true;
    const saidAtMs = this.#saidAtAnswer ? nowMs : ticket.sentAtMs;
    const times = { saidAtMs, nowMs };
    if (requests !== null) this.#requests.observe(requests, ticket.requestsEnded, 1, times);
    if (tokens !== null) this.#tokens.observe(tokens, ticket.tokensEnded, ticket.tokens, times);
  }
}
