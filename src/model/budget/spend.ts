/**
 * What model calls have come to, per agent and model: the leaves that budgets, reports and resumed runs are made of.
 * What it does not do: limit anything (`budgets.ts`) or store it (whoever owns the table does, in one commit with the
 * answer).
 */
import { z } from 'zod';
import type { ChatAnswer, ChatRequest } from '../types.ts';
import { costOfUsage, isFree, type Price } from './prices.ts';

const count = z.number().nonnegative();

export const spendSchema = z.object({
  /** Answers. */
  calls: count,
  /** Answers that no language model made. */
  synthetic: count.default(0),
  /** Requests beyond the first of each. */
  retries: count,
  input: count,
  cachedInput: count,
  output: count,
  /** The part of the output that the model thought and did not say. */
  reasoning: count,
  /** Answers whose server said nothing of their tokens, which are estimated. */
  estimated: count.default(0),
  /** null: the model has no price, or its server did not say how many tokens it used. */
  usd: count.nullable(),
  /** Sums over the answers, in milliseconds: in the gate before the first request, and from there to the answer. */
  queueMs: count,
  latencyMs: count,
  /** Answers that were streamed, and their times to the first piece of text, in all. */
  streamed: count,
  firstTokenMs: count,
});

export type Spend = z.output<typeof spendSchema>;

/** One agent's, with whom it counts: the Admins above it, the Boss first, at the time of its last call. */
export const leafSchema = z.object({
  level: z.enum(['boss', 'admin', 'ordinary', 'runtime']),
  above: z.array(z.string()),
  /** By the model that answered. */
  models: z.record(z.string(), spendSchema),
});

export type Leaf = z.output<typeof leafSchema>;

export const noSpend = (): Spend => ({
  calls: 0,
  synthetic: 0,
  retries: 0,
  input: 0,
  cachedInput: 0,
  output: 0,
  reasoning: 0,
  estimated: 0,
  usd: 0,
  queueMs: 0,
  latencyMs: 0,
  streamed: 0,
  firstTokenMs: 0,
});

export const addSpend = (a: Spend, b: Spend): Spend => ({
  calls: a.calls + b.calls,
  synthetic: a.synthetic + b.synthetic,
  retries: a.retries + b.retries,
  input: a.input + b.input,
  cachedInput: a.cachedInput + b.cachedInput,
  output: a.output + b.output,
  reasoning: a.reasoning + b.reasoning,
  estimated: a.estimated + b.estimated,
  usd: a.usd === null || b.usd === null ? null : a.usd + b.usd,
  queueMs: a.queueMs + b.queueMs,
  latencyMs: a.latencyMs + b.latencyMs,
  streamed: a.streamed + b.streamed,
  firstTokenMs: a.firstTokenMs + b.firstTokenMs,
});

export const sumSpend = (all: Iterable<Spend>): Spend => {
  let sum = noSpend();
  for (const one of all) sum = addSpend(sum, one);
  return sum;
};

/** What one answer came to. One that shared the request of another (no attempt of its own) costs nothing. */
export const spendOf = (answer: ChatAnswer, price: Price | null): Spend => {
  const { usage, attempts } = answer;
  const shared = attempts === 0;
  const unsaid = usage.unsaid === true && !shared;
  return {
    calls: 1,
    synthetic: answer.synthetic ? 1 : 0,
    retries: Math.max(0, attempts - 1),
    input: usage.input,
    cachedInput: usage.cachedInput,
    output: usage.output,
    reasoning: usage.reasoning ?? 0,
    estimated: unsaid ? 1 : 0,
    usd: shared ? 0 : price === null || (unsaid && !isFree(price)) ? null : costOfUsage(usage, price),
    queueMs: answer.queueMs ?? 0,
    latencyMs: answer.latencyMs,
    streamed: answer.firstTokenMs === undefined ? 0 : 1,
    firstTokenMs: answer.firstTokenMs ?? 0,
  };
};

/** `leaf` with what had no price when it was spent at the price that it has now; what was estimated stays unknown. */
export const priced = (leaf: Leaf, priceOf: (model: string) => Price | null): Leaf => ({
  ...leaf,
  models: Object.fromEntries(
    Object.entries(leaf.models).map(([model, spend]) => {
      const price = spend.usd === null ? priceOf(model) : null;
      const known = price !== null && (spend.estimated === 0 || isFree(price));
      return [model, known ? { ...spend, usd: costOfUsage(spend, price) } : spend];
    }),
  ),
});

/** All that a run has spent, by agent. */
export class Ledger {
  readonly #leaves = new Map<string, Leaf>();

  constructor(leaves: Iterable<readonly [string, Leaf]> = []) {
    for (const [agent, leaf] of leaves) this.#leaves.set(agent, leaf);
  }

  /** Adds one answer. @returns the agent's leaf as it is now, to be stored with the answer */
  add(request: ChatRequest, model: string, spend: Spend): Leaf {
    const { agent, role = 'runtime', above = [] } = request;
    const models = this.#leaves.get(agent)?.models ?? {};
    const before = models[model] ?? noSpend();
    const leaf: Leaf = { level: role, above: [...above], models: { ...models, [model]: addSpend(before, spend) } };
    this.#leaves.set(agent, leaf);
    return leaf;
  }

  entries(): IterableIterator<[string, Leaf]> {
    return this.#leaves.entries();
  }

  total(): Spend {
    return sumSpend([...this.#leaves.values()].flatMap(({ models }) => Object.values(models)));
  }
}
