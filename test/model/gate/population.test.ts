/** A population of hundreds at a provider's limits, in virtual time: what is let through, refused, and to whom. */
import { describe, expect, test } from 'vitest';
import type { RateLimits } from '../../../src/model/rehearsal-server/limits.ts';
import { seededRandom } from '../../../src/platform/index.ts';
import { populate, type LimitedServer } from '../support/limited-server.ts';

/** A window of a minute, scaled to 6 seconds. */
const WINDOW_MS = 6_000;
const REQUESTS: RateLimits = { requests: 300, tokens: null, quota: null, windowMs: WINDOW_MS };
const BOTH: RateLimits = { ...REQUESTS, tokens: 50_000 };
const WINDOWS = 6;

/** Of the windows after the first: what was let in of what could have been, and refused of what came. */
const afterFirst = ({ arrivals }: LimitedServer, perWindow: number): { goodput: number; rejected: number } => {
  const start = arrivals[0]?.at ?? 0;
  const later = arrivals.filter(({ at }) => at >= start + WINDOW_MS && at < start + WINDOWS * WINDOW_MS);
  const accepted = later.filter((one) => one.accepted).length;
  return {
    goodput: accepted / (perWindow * (WINDOWS - 1)),
    rejected: (later.length - accepted) / Math.max(1, later.length),
  };
};

describe('589 agents at 3,000 requests and 500,000 tokens a minute', () => {
  const population = { agents: 589, callsOf: () => 100, promptChars: 320, untilMs: (WINDOWS + 0.5) * WINDOW_MS };

  test.each([
    ['known from the configuration', { headers: false, configured: true }],
    ['known from the headers alone', { headers: true, configured: false }],
    ['known from both', { headers: true, configured: true }],
  ])('requests: %s', async (_name, { headers, configured }) => {
    const { server, errors } = await populate({ limits: REQUESTS, latencyMs: 200, headers }, population, {
      rateLimits: configured ? { requests: 300, tokens: null, windowMs: WINDOW_MS } : undefined,
    });
    const { goodput, rejected } = afterFirst(server, 300);
    expect(errors).toEqual([]);
    expect(goodput).toBeGreaterThanOrEqual(0.95);
    expect(rejected).toBeLessThan(0.01);
  });

  test.each([
    ['known from the configuration', { headers: false, configured: true }],
    ['known from the headers alone', { headers: true, configured: false }],
    ['known from both', { headers: true, configured: true }],
  ])('tokens: %s', async (_name, { headers, configured }) => {
    // 80 of the prompt and from 200 to 400 of the answer: some 166 calls a window.
    const outputTokens = (agent: string): number => 200 + ((agent.charCodeAt(1) * 37 + agent.length * 11) % 200);
    const { server, errors } = await populate({ limits: BOTH, latencyMs: 200, headers, outputTokens }, population, {
      rateLimits: configured ? { requests: 300, tokens: 50_000, windowMs: WINDOW_MS } : undefined,
    });
    const windows = server.arrivals.at(-1)?.at ?? 0;
    expect(errors).toEqual([]);
    expect(server.tokens / ((windows / WINDOW_MS) * 50_000)).toBeGreaterThanOrEqual(0.95);
    expect(afterFirst(server, 1).rejected).toBeLessThan(0.01);
  });

  test.each([
    ['known from the configuration', { headers: false, configured: true }],
    ['known from both', { headers: true, configured: true }],
  ])('tokens of answers of any length, which take long: %s', async (_name, { headers, configured }) => {
    const random = seededRandom(11);
    // Most are short, some are ten times as long as the mean.
    const outputTokens = (): number => Math.ceil(-250 * Math.log(1 - random() * 0.9999));
    const { server, gate, errors } = await populate(
      { limits: BOTH, latencyMs: 1_500, headers, outputTokens },
      { ...population, untilMs: 10 * WINDOW_MS },
      { rateLimits: configured ? { requests: 300, tokens: 50_000, windowMs: WINDOW_MS } : undefined },
    );
    const windows = server.arrivals.at(-1)?.at ?? 0;
    expect(errors).toEqual([]);
    expect(server.tokens / ((windows / WINDOW_MS) * 50_000)).toBeGreaterThanOrEqual(0.9);
    expect(afterFirst(server, 1).rejected).toBeLessThan(0.01);
    // A window that is used up says nothing about how many may be in flight.
    expect(server.arrivals.some(({ accepted }) => !accepted)).toBe(true);
    if (headers) expect(gate.stats().limit).toBe(null);
  });

  test('neither known nor said: everybody waits when one is told to, and comes back in a ramp', async () => {
    const { server, errors } = await populate({ limits: REQUESTS, latencyMs: 200, headers: false }, population);
    expect(errors).toEqual([]);
    expect(afterFirst(server, 300).goodput).toBeGreaterThan(0.9);
    expect(afterFirst(server, 300).rejected).toBeLessThan(0.25);
  });
});

test('ten that ask fifty times as much leave the others their share', async () => {
  const agents = 100;
  const { done } = await populate(
    { limits: REQUESTS, latencyMs: 200, headers: true },
    // Those who ask much have many calls waiting at once: fifty agents of one name.
    { agents, callsOf: (index) => (index < 10 ? 500 : 10), promptChars: 100, untilMs: 3 * WINDOW_MS },
    { rateLimits: { requests: 300, tokens: null, windowMs: WINDOW_MS } },
  );
  const others = done.slice(10);
  // 900 calls in three windows, 9 each if nobody asked more.
  const share = 9;
  expect(others.filter((calls) => calls >= share * 0.95 - 1).length).toBe(others.length);
});

test('an outage of thirty seconds: all wait, few ask, nobody fails, and they come back in a ramp', async () => {
  const { server, done, errors } = await populate(
    { limits: { ...REQUESTS, requests: null }, latencyMs: 200, headers: false, outage: [2_000, 32_000] },
    { agents: 590, callsOf: () => 20, promptChars: 100, untilMs: 300_000 },
  );
  expect(errors).toEqual([]);
  expect(done.every((calls) => calls === 20)).toBe(true);
  const during = server.arrivals.filter(({ at }) => at >= 3_000 && at < 32_000).length;
  // Tries, one at a time; those that were on the way when it began, once more at most.
  expect(during).toBeLessThan(100);
  const back = server.arrivals.find(({ at, accepted }) => at >= 32_000 && accepted)?.at ?? Number.POSITIVE_INFINITY;
  expect(back - 32_000).toBeLessThanOrEqual(15_000);
  const first = server.arrivals.filter(({ at }) => at >= back && at < back + 200).length;
  expect(first).toBeLessThanOrEqual(8);
});
