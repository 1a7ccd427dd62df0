/**
 * Whether a request fits into the context of its model, before it is sent: guessed where it is far from the limit, counted
 * by the model's tokenizer where it is near. What it does not do: shorten requests (the agents do, when they are told).
 */
import type { ChatRequest, TokenCounter } from '../../model/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import { contextsOf, makeCounter, type RoutesOptions } from './model-routes.ts';

/** What is kept free for an answer of which no `maxTokens` says how long it gets: this part of the context, at most that. */
const ANSWER_SHARE = 0.25;
const ANSWER_TOKENS_MAX = 4_096;

/** Tokens that a request may have. */
export const inputTokensMax = (contextTokens: number, maxTokens: number | undefined): number =>
  contextTokens - (maxTokens ?? Math.min(ANSWER_TOKENS_MAX, Math.floor(contextTokens * ANSWER_SHARE)));

/** Characters of a request; a text has seldom more tokens than characters, and most have four times fewer. */
const charactersOf = ({ messages, tools }: ChatRequest): number => {
  let characters = JSON.stringify(tools).length;
  for (const message of messages) {
    characters += message.content?.length ?? 0;
    if (message.role !== 'assistant') continue;
    for (const call of message.tool_calls ?? []) {
      characters += call.function.name.length + call.function.arguments.length;
    }
  }
  return characters;
};

export interface ContextCheck {
  /** @throws MODEL_CONTEXT_OVERFLOW with `details.tokens` and `details.limit` */
  check(request: ChatRequest, route: string): Promise<void>;
}

/** Null when the configuration knows the context of no model. */
export const openContextCheck = (options: RoutesOptions): ContextCheck | null => {
  const contexts = contextsOf(options);
  if (contexts.size === 0) return null;
  const counters = new Map<string, Promise<TokenCounter>>();
  const counterOf = (route: string): Promise<TokenCounter> => {
    const known = counters.get(route) ?? makeCounter(route, options);
    counters.set(route, known);
    return known;
  };
  return {
    check: async (request, route) => {
      const context = contexts.get(route);
      if (context === undefined) return;
      const limit = inputTokensMax(context, request.maxTokens);
      if (charactersOf(request) <= limit) return;
      const tokens = (await counterOf(route)).count(request);
      if (tokens <= limit) return;
      const text = `the request has ${tokens} tokens, and the context of ${route} leaves ${limit} for it`;
      throw new MegactorError('MODEL_CONTEXT_OVERFLOW', text, { details: { tokens, limit } });
    },
  };
};
