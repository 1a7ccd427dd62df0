import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateLimit, type RateTicket } from '../../../src/model/gate/rate-limit.ts';
import { durationMs, readLimits } from '../../../src/model/gate/limit-headers.ts';

const headers =
  (values: Record<string, string>) =>
  (name: string): string | null =>
    values[name] ?? null;

describe('what was configured', () => {
  test('no window of that length holds more than the limit, whatever its phase, and none is left half empty', () => {
    fc.assert(
      fc.property(
        fc.record({
          requests: fc.integer({ min: 1, max: 20 }),
          tokens: fc.integer({ min: 50, max: 500 }),
          sizes: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 40, maxLength: 120 }),
        }),
        ({ requests, tokens, sizes }) => {
          const windowMs = 1_000;
          const rate = new RateLimit({ requests, tokens, windowMs });
          const sent: { at: number; size: number }[] = [];
          let nowMs = 0;
          for (const size of sizes) {
            for (let wait = rate.waitMs(size, nowMs); wait > 0; wait = rate.waitMs(size, nowMs)) {
              expect(Number.isFinite(wait)).toBe(true);
              nowMs += wait;
            }
            rate.take(size, nowMs);
            sent.push({ at: nowMs, size });
          }
          for (const { at } of sent) {
            const within = sent.filter((one) => one.at >= at && one.at <= at + windowMs);
            expect(within.length).toBeLessThanOrEqual(requests);
            expect(within.reduce((sum, one) => sum + one.size, 0)).toBeLessThanOrEqual(tokens);
          }
          const perRequest = sizes.length / requests;
          const perTokens = sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, tokens - 50);
          const windows = Math.ceil(Math.max(perRequest, perTokens)) + 1;
          expect(nowMs).toBeLessThanOrEqual(windows * windowMs * 1.03);
        },
      ),
      { seed: 9, numRuns: 200 },
    );
  });

  test('tokens are corrected to what the answer says', () => {
    const rate = new RateLimit({ requests: null, tokens: 100, windowMs: 1_000 });
    const ticket = rate.take(90, 0);
    expect(rate.waitMs(20, 0)).toBeGreaterThan(0);
    rate.settle(ticket, 30);
    expect(rate.waitMs(70, 0)).toBe(0);
    rate.settle(ticket, 95);
    expect(rate.waitMs(20, 500)).toBeGreaterThan(500);
    expect(rate.waitMs(20, 1_020)).toBe(0);
  });

  test('a call larger than any window goes alone, in the end', () => {
    const rate = new RateLimit({ requests: null, tokens: 100, windowMs: 1_000 });
    expect(rate.waitMs(500, 0)).toBe(0);
    rate.take(500, 0);
    expect(rate.waitMs(1, 999)).toBeGreaterThan(0);
    expect(rate.waitMs(500, 1_020)).toBe(0);
  });
});

describe('what the server says', () => {
  const told = (rate: RateLimit, ticket: RateTicket, remaining: number, resetMs: number, nowMs: number): void =>
    rate.observe(ticket, { requests: { limit: 10, remaining, resetMs }, tokens: null }, nowMs);

  test('nothing is sent beyond what is left until the reset', () => {
    const rate = new RateLimit();
    const first = rate.take(0, 0);
    expect(rate.requests).toBe(null);
    told(rate, first, 2, 1_000, 100);
    expect(rate.requests).toBe(10);
    expect(rate.waitMs(0, 100)).toBe(0);
    rate.take(0, 100);
    rate.take(0, 100);
    const waitMs = rate.waitMs(0, 100);
    // From when the request was sent, with a hundredth for the way.
    expect(waitMs).toBe(910);
    expect(rate.waitMs(0, 100 + waitMs)).toBe(0);
  });

  test('what was on the way together with the request of a reading is not left, whatever order it arrived in', () => {
    const rate = new RateLimit();
    const burst = Array.from({ length: 10 }, () => rate.take(0, 0));
    // The last one sent was the first to arrive.
    told(rate, burst.at(-1) as RateTicket, 9, 1_000, 50);
    expect(rate.waitMs(0, 50)).toBeGreaterThan(0);
  });

  test('others who use the same key are seen by what is left', () => {
    const rate = new RateLimit();
    const first = rate.take(0, 0);
    rate.settle(first, 0);
    told(rate, first, 1, 1_000, 50);
    rate.take(0, 50);
    expect(rate.waitMs(0, 50)).toBeGreaterThan(0);
  });

  test('a bucket that fills up all the time is believed to, although more was sent than its size', () => {
    const rate = new RateLimit();
    for (let second = 0; second < 60; second += 1) {
      const nowMs = second * 1_000;
      expect(rate.waitMs(0, nowMs)).toBe(0);
      const ticket = rate.take(0, nowMs);
      rate.settle(ticket, 0);
      told(rate, ticket, 9, 100, nowMs + 50);
    }
  });

  test('a reading of a window that is over says nothing about the present one', () => {
    const rate = new RateLimit();
    const slow = rate.take(0, 0);
    told(rate, rate.take(0, 0), 0, 1_000, 100);
    const waitMs = rate.waitMs(0, 100);
    for (let index = 0; index < 10; index += 1) rate.take(0, 100 + waitMs);
    told(rate, slow, 9, 500, 1_200);
    expect(rate.waitMs(0, 1_200)).toBeGreaterThan(0);
  });

  test('of readings about the same reset the latest counts: each gives a time before it', () => {
    const rate = new RateLimit();
    const quick = rate.take(0, 200);
    const slow = rate.take(0, 0);
    // Both say that the window ends at 1,200; the slow one came to the server 200 later than it was sent.
    told(rate, quick, 0, 1_000, 400);
    told(rate, slow, 0, 1_000, 500);
    expect(rate.waitMs(0, 500)).toBe(710);
    // The next window began with the first call in it, or later.
    told(rate, rate.take(0, 1_400), 0, 900, 1_500);
    expect(rate.waitMs(0, 1_500)).toBe(910);
    // One that ends much earlier than was said is believed.
    told(rate, rate.take(0, 1_500), 0, 100, 1_550);
    expect(rate.waitMs(0, 1_550)).toBe(60);
  });

  test('a request counts from the moment in which it is put on a socket', () => {
    const rate = new RateLimit({ requests: 2, tokens: 100, windowMs: 1_000 });
    const late = rate.take(40, 0);
    rate.take(40, 0);
    rate.left(late, 500);
    expect(rate.waitMs(10, 1_020)).toBe(0);
    rate.take(10, 1_020);
    expect(rate.waitMs(10, 1_020)).toBe(500);
    rate.settle(late, 40);
    rate.left(late, 900);
    expect(rate.waitMs(10, 1_520)).toBe(0);
  });

  test('who is refused although it believed the reset waits for the answers’ time from then on', () => {
    const rate = new RateLimit();
    told(rate, rate.take(0, 0), 0, 1_000, 200);
    const early = rate.take(0, 1_010);
    rate.refused(early, null, 1_015);
    told(rate, rate.take(0, 2_000), 0, 1_000, 2_300);
    expect(rate.waitMs(0, 2_300)).toBe(1_010);
  });

  test('a server that stops saying it is not waited for for ever', () => {
    const rate = new RateLimit();
    told(rate, rate.take(0, 0), 0, 1_000, 0);
    let nowMs = 0;
    for (let sent = 0; sent < 30; sent += 1) {
      const waitMs = rate.waitMs(0, nowMs);
      expect(waitMs).toBeLessThanOrEqual(1_010);
      nowMs += waitMs;
      rate.take(0, nowMs);
    }
    expect(nowMs).toBeLessThan(4_000);
  });
});

describe('headers', () => {
  test.each([
    ['20ms', 20],
    ['1s', 1_000],
    ['1.5s', 1_500],
    ['6m0s', 360_000],
    ['1m30.5s', 90_500],
    ['1h2m', 3_720_000],
    ['12', 12_000],
    ['0.5', 500],
    ['', undefined],
    ['soon', undefined],
    ['5x', undefined],
    ['-3s', undefined],
  ])('%j is %j ms', (text, milliseconds) => {
    expect(durationMs(text)).toBe(milliseconds);
  });

  test('both, one, or neither of the two limits', () => {
    const requests = {
      'x-ratelimit-limit-requests': '500',
      'x-ratelimit-remaining-requests': '499',
      'x-ratelimit-reset-requests': '120ms',
    };
    expect(readLimits(headers(requests))).toEqual({
      requests: { limit: 500, remaining: 499, resetMs: 120 },
      tokens: null,
    });
    expect(readLimits(headers({ ...requests, 'x-ratelimit-reset-requests': 'never' }))).toBe(null);
    expect(readLimits(headers({}))).toBe(null);
  });
});

describe('while the tokens of answers are not known', () => {
  const limits = { requests: null, tokens: 10_000, windowMs: 60_000 };

  /** How many of 100 ± 50 tokens go at once. */
  const burst = (rate: RateLimit, nowMs: number): RateTicket[] => {
    const sent: RateTicket[] = [];
    while (rate.waitMs(100, nowMs, 50) === 0) sent.push(rate.take(100, nowMs, 50));
    return sent;
  };

  test('room is left for what they may be off by together, and used when they are there', () => {
    const rate = new RateLimit(limits);
    const first = burst(rate, 0);
    // Twice 50 × √90 is 950.
    expect(first.length).toBe(90);
    for (const ticket of first) rate.settle(ticket, 100);
    const second = burst(rate, 200);
    // One alone needs as much room as it may be off by.
    expect(second.length).toBe(7);
    for (const ticket of second) rate.settle(ticket, 100);
    expect(burst(rate, 400).length).toBe(1);
  });

  test('what was refused in an empty window asks for more room; answers need less again', () => {
    const rate = new RateLimit(limits);
    const first = burst(rate, 0);
    // Those that were under way together are one reason.
    for (const ticket of first.splice(80)) expect(rate.refused(ticket, null, 100)).toBe(false);
    for (const ticket of first) rate.settle(ticket, 120);
    const again = burst(rate, 70_000);
    expect(again.length).toBe(90);
    const left = { limit: 10_000, remaining: 50, resetMs: 1_000 };
    for (const ticket of again) expect(rate.refused(ticket, { requests: null, tokens: left }, 70_100)).toBe(true);
    for (let window = 2; window < 6; window += 1) {
      const [one] = burst(rate, window * 140_000);
      if (one !== undefined) rate.refused(one, { requests: null, tokens: left }, window * 140_000 + 1);
    }
    expect(burst(rate, 9_000_000).length).toBeLessThan(80);
  });

  test('answers far off their estimates do not make a small window hold one call', () => {
    const rate = new RateLimit(limits);
    let sent = 0;
    for (; rate.waitMs(300, 0, 6_000) === 0; sent += 1) rate.settle(rate.take(300, 0, 6_000), 300);
    // What is left free is three tenths of the window.
    expect(sent).toBe(23);
  });
});
