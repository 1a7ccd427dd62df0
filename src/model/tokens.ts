/**
 * Counts the input tokens of a request before it is sent. Exact as far as a provider counts as its published tokenizer
 * does: what its chat template adds to a message is a rule of thumb. What it does not do: guess from lengths
 * (`gate/estimate.ts` does, and costs nothing).
 *
 * 1. Texts that were counted before are not counted again, up to a bound: a conversation grows at its end.
 * 2. The tables of a tokenizer (some 50 MB in memory, half a second) are loaded when one is made, never by importing this.
 */
import { z } from 'zod';
import { hashString } from '../protocol/ids.ts';
import type { ChatMessage, ChatRequest } from './types.ts';

export const tokenizerSchema = z.enum(['o200k_base', 'cl100k_base', 'characters']);

/** `characters`: four a token, as the rehearsal counts. */
export type Tokenizer = z.output<typeof tokenizerSchema>;

/** What a message, and the answer's beginning, cost beyond their texts (OpenAI's cookbook on counting tokens). */
const MESSAGE_TOKENS = 4;
const ANSWER_TOKENS = 3;
const CHARACTERS_PER_TOKEN = 4;
/** Texts whose counts are remembered; then all are forgotten. */
const TEXTS_MAX = 100_000;

export interface TokenCounter {
  /** Input tokens of the whole request, its tools included. */
  count(request: Pick<ChatRequest, 'messages' | 'tools'>): number;
}

const textsOf = (message: ChatMessage): string[] => {
  const texts = message.content === null ? [] : [message.content];
  if (message.role !== 'assistant') return texts;
  return [...texts, ...(message.tool_calls ?? []).flatMap(({ function: { name, arguments: args } }) => [name, args])];
};

const characters: TokenCounter = {
  count: ({ messages, tools }) => {
    let sum = JSON.stringify(tools).length;
    for (const message of messages) for (const text of textsOf(message)) sum += text.length;
    return Math.ceil(sum / CHARACTERS_PER_TOKEN);
  },
};

const counterOf = (countText: (text: string) => number): TokenCounter => {
  const known = new Map<string, number>();
  const tokensOf = (text: string): number => {
    // Two hashes and the length: texts of a run that agree in all three do not occur.
    const key = `${text.length}/${hashString(text)}/${hashString(text, 1)}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= TEXTS_MAX) known.clear();
    const tokens = countText(text);
    known.set(key, tokens);
    return tokens;
  };
  return {
    count: ({ messages, tools }) => {
      let sum = ANSWER_TOKENS + (tools.length === 0 ? 0 : tokensOf(JSON.stringify(tools)));
      for (const message of messages) {
        sum += MESSAGE_TOKENS;
        for (const text of textsOf(message)) sum += tokensOf(text);
      }
      return sum;
    },
  };
};

/** Texts of models may contain what looks like a control token; it is text. */
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

export const createTokenCounter = async (tokenizer: Tokenizer): Promise<TokenCounter> => {
  switch (tokenizer) {
    case 'characters':
      return characters;
    case 'o200k_base': {
      const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
      return counterOf((text) => countTokens(text, PLAIN));
    }
    case 'cl100k_base': {
      const { countTokens } = await import('gpt-tokenizer/encoding/cl100k_base');
      return counterOf((text) => countTokens(text, PLAIN));
    }
    default:
      return tokenizer satisfies never;
  }
};
