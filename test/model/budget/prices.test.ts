import { expect, test } from 'vitest';
import { costOfUsage, priceOf, PRICES_AS_OF } from '../../../src/model/budget/prices.ts';
import { addSpend, Ledger, noSpend, priced, spendOf, sumSpend } from '../../../src/model/budget/spend.ts';
import type { ChatAnswer, ChatRequest } from '../../../src/model/types.ts';

const answer = (more: Partial<ChatAnswer> = {}): ChatAnswer => ({
  model: 'm',
  synthetic: false,
  content: 'x',
  toolCalls: [],
  refusal: null,
  finishReason: 'stop',
  class: 'prose',
  usage: { input: 1_000_000, cachedInput: 400_000, output: 100_000, reasoning: 30_000 },
  latencyMs: 900,
  queueMs: 100,
  attempts: 3,
  ...more,
});

const request = (agent: string): ChatRequest => ({
  agent,
  run: 'r',
  level: 2,
  role: 'ordinary',
  above: ['Boss'],
  messages: [],
  tools: [],
});

test('answers that no language model made are counted from when they are received', () => {
  const all = [answer({ synthetic: true }), answer(), answer({ synthetic: true })].map((one) => spendOf(one, null));
  expect(sumSpend(all)).toMatchObject({ calls: 3, synthetic: 2 });
});

test('a price is the own one, else the published one where it holds, else not known', () => {
  const own = { 'gpt-4o': { input: 1, output: 2 }, local: { input: 0, output: 0 } };
  expect(priceOf('openai:gpt-4o', own, true)).toEqual({ input: 1, output: 2 });
  expect(priceOf('openai:local', own, false)).toEqual({ input: 0, output: 0 });
  expect(priceOf('openai:gpt-4o', {}, true)).toMatchObject({ output: 10 });
  expect(priceOf('openai:gpt-4o-2024-08-06', {}, true)).toEqual(priceOf('openai:gpt-4o', {}, true));
  // Whoever serves it calls it what he likes.
  expect(priceOf('openai:gpt-4o', {}, false)).toBe(null);
  expect(priceOf('openai:unheard-of', {}, true)).toBe(null);
  expect(priceOf('rehearsal', {}, false)).toEqual({ input: 0, cachedInput: 0, output: 0 });
  expect(PRICES_AS_OF).toMatch(/^\d{4}-\d{2}$/u);
});

test('cached input costs what it costs, or as other input when nobody says', () => {
  const usage = { input: 1_000_000, cachedInput: 400_000, output: 100_000 };
  expect(costOfUsage(usage, { input: 2, cachedInput: 0.5, output: 8 })).toBeCloseTo(1.2 + 0.2 + 0.8, 10);
  expect(costOfUsage(usage, { input: 2, output: 8 })).toBeCloseTo(2.8, 10);
});

test('what has no price is not known, and makes every sum unknown; what cost nothing is known', () => {
  expect(spendOf(answer(), null).usd).toBe(null);
  const shared = answer({ usage: { input: 0, cachedInput: 0, output: 0 }, attempts: 0 });
  expect(spendOf(shared, null)).toMatchObject({ calls: 1, retries: 0, usd: 0 });
  // A server that gives no usage was called all the same.
  expect(spendOf(answer({ usage: { input: 0, cachedInput: 0, output: 0 } }), null).usd).toBe(null);
  expect(sumSpend([spendOf(answer(), { input: 1, output: 1 }), spendOf(answer(), null)]).usd).toBe(null);
  expect(addSpend(noSpend(), noSpend())).toEqual(noSpend());
});

test('the ledger keeps everybody’s answers by the model that gave them', () => {
  const ledger = new Ledger();
  const price = { input: 1, cachedInput: 0, output: 10 };
  ledger.add(request('a'), 'big', spendOf(answer(), price));
  ledger.add(request('a'), 'big', spendOf(answer({ attempts: 1 }), price));
  const leaf = ledger.add(request('a'), 'small', spendOf(answer({ firstTokenMs: 50 }), price));
  expect(leaf).toMatchObject({
    level: 'ordinary',
    above: ['Boss'],
    models: {
      big: {
        calls: 2,
        retries: 2,
        input: 2_000_000,
        cachedInput: 800_000,
        output: 200_000,
        reasoning: 60_000,
        queueMs: 200,
        latencyMs: 1_800,
        streamed: 0,
      },
      small: { calls: 1, streamed: 1, firstTokenMs: 50 },
    },
  });
  const again = new Ledger(ledger.entries());
  expect(again.total()).toEqual(ledger.total());
  expect(again.total().usd).toBeCloseTo(3 * 1.6, 10);
});

test('what a server did not say costs null, unless nothing costs anything; its tokens are said to be estimated', () => {
  const unsaid = answer({ usage: { input: 100, cachedInput: 0, output: 10, unsaid: true } });
  expect(spendOf(unsaid, { input: 1, output: 2 })).toMatchObject({ estimated: 1, usd: null, input: 100 });
  expect(spendOf(unsaid, { input: 0, output: 0 })).toMatchObject({ estimated: 1, usd: 0 });
  expect(spendOf({ ...unsaid, attempts: 0 }, { input: 1, output: 2 })).toMatchObject({ estimated: 0, usd: 0 });
  expect(spendOf(answer(), { input: 1, output: 2 })).toMatchObject({ estimated: 0 });
});

test('what had no price when it was spent gets the one that is given later; what was estimated stays unknown', () => {
  const spend = { ...noSpend(), calls: 1, input: 1_000_000, output: 0, usd: null };
  const leaf = {
    level: 'ordinary' as const,
    above: [],
    models: { a: spend, b: { ...spend, estimated: 1 }, c: { ...spend, usd: 5 } },
  };
  const { models } = priced(leaf, (model) => (model === 'none' ? null : { input: 3, output: 0 }));
  expect(models).toMatchObject({ a: { usd: 3 }, b: { usd: null }, c: { usd: 5 } });
  expect(priced(leaf, () => null)).toEqual(leaf);
});
