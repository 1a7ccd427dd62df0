/**
 * How many tokens a request will take, before it is sent: from the length of its texts and from what answers of the same
 * model have said. For rates and fairness, which are corrected when the answer is there; what must be exact is counted by
 * a tokenizer. What it does not do: read texts.
 */
import type { ChatMessage, ChatRequest, TokenUsage } from '../types.ts';

/** Least weight of the newest answer in the running averages; of the first ones it is more. */
const NEWEST_MIN = 0.02;
/** So much more is reserved than expected: too little means that the server refuses, too much is given back soon. */
const RESERVE = 1.05;
const CHARS_PER_TOKEN = 4;
const OUTPUT_TOKENS = 200;
/** What a message, and a tool's description, cost beyond their texts. */
const MESSAGE_CHARS = 20;
const TOOL_CHARS = 600;
/** Agents whose last prompt is remembered; all are forgotten beyond that, and counted as uncached once. */
const AGENTS_MAX = 200_000;

export interface Estimate {
  readonly chars: number;
  readonly input: number;
  /** The part that a provider has to work out: not cached, and the output. */
  readonly work: number;
  readonly output: number;
}

const charsOf = (message: ChatMessage): number => {
  let chars = MESSAGE_CHARS + (message.content?.length ?? 0);
  if (message.role === 'assistant' && message.tool_calls !== undefined) {
    for (const call of message.tool_calls) {
      chars += MESSAGE_CHARS + call.function.name.length + call.function.arguments.length;
    }
  }
  return chars;
};

/** Characters of a request, its tools by rule of thumb. */
export const requestChars = (request: ChatRequest): number => {
  let chars = request.tools.length * TOOL_CHARS;
  for (const message of request.messages) chars += charsOf(message);
  return chars;
};

/** The tokens of an answer that a provider had to work out. */
export const workOf = (usage: TokenUsage): number => usage.input - usage.cachedInput + usage.output;

export class Estimator {
  #charsPerToken = CHARS_PER_TOKEN;
  #output = OUTPUT_TOKENS;
  /** The part of an agent's previous prompt that its next one finds cached. */
  #cached = 0;
  #answers = 0;
  #repeats = 0;
  /** Input tokens of each agent's last answer. */
  readonly #last = new Map<string, number>();

  estimate(request: ChatRequest): Estimate {
    const chars = requestChars(request);
    const input = chars / this.#charsPerToken;
    const output = Math.min(this.#output, request.maxTokens ?? Number.POSITIVE_INFINITY);
    const cached = this.#cached * Math.min(input, this.#last.get(request.agent) ?? 0);
    return { chars, input, work: Math.ceil(RESERVE * (input - cached + output)), output };
  }

  learn(agent: string, estimate: Estimate, usage: TokenUsage): void {
    if (usage.input <= 0) return;
    const before = Math.min(usage.input, this.#last.get(agent) ?? 0);
    if (this.#last.size >= AGENTS_MAX) this.#last.clear();
    this.#last.set(agent, usage.input);
    this.#answers += 1;
    const newest = Math.max(NEWEST_MIN, 1 / this.#answers);
    this.#charsPerToken += newest * (estimate.chars / usage.input - this.#charsPerToken);
    this.#output += newest * (usage.output - this.#output);
    if (before === 0) return;
    this.#repeats += 1;
    const cached = Math.min(1, usage.cachedInput / before);
    this.#cached += Math.max(NEWEST_MIN, 1 / this.#repeats) * (cached - this.#cached);
  }
}
