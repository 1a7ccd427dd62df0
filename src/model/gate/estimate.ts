/**
 * How many tokens a request will take, before it is sent: from the length of its texts and from what answers of the same
 * model have said. For rates and fairness, which are corrected when the answer is there; what must be exact is counted by
 * a tokenizer. What it does not do: read texts.
 */
import { toMegactorError, type MegactorError } from '../../protocol/errors.ts';
import type { ChatAnswer, ChatMessage, ChatRequest, TokenUsage } from '../types.ts';

/** Least weight of the newest answer in the running averages; of the first ones it is more. */
const NEWEST_MIN = 0.01;
/** So many answers of a level say more about the next one than those of all levels. */
const OF_LEVEL_MIN = 5;
/** So many answers say whether agents' own last answers tell more than the average. */
const OF_AGENT_MIN = 30;
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
  /** By how much answers are usually off from their `work`: the root of the mean square. */
  readonly spread: number;
  readonly output: number;
}

/** A running average. */
class Average {
  #count = 0;
  #value: number;

  /** @param start what it is without any sample */
  constructor(start: number) {
    this.#value = start;
  }

  get count(): number {
    return this.#count;
  }

  get value(): number {
    return this.#value;
  }

  add(sample: number): void {
    this.#count += 1;
    this.#value += Math.max(NEWEST_MIN, 1 / this.#count) * (sample - this.#value);
  }
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

/** What counting gave; an error of its own says why it could not. */
export const counted = <Count>(count: () => Count): Count | MegactorError => {
  try {
    return count();
  } catch (error) {
    return toMegactorError(error);
  }
};

export class Estimator {
  readonly #charsPerToken = new Average(CHARS_PER_TOKEN);
  readonly #output = new Average(OUTPUT_TOKENS);
  /** The same for each level: Admins and Ordinary agents write different answers. As many as there are levels. */
  readonly #outputs = new Map<number, Average>();
  /** The part of an agent's previous prompt that its next one finds cached. */
  readonly #cached = new Average(0);
  /** The square of what an answer was off by. */
  readonly #error = new Average(OUTPUT_TOKENS ** 2);
  /** The squares of what outputs were off by: from the average, and from the agent's last one. */
  readonly #fromAverage = new Average(0);
  readonly #fromLast = new Average(0);
  /** Of each agent's last answer. */
  readonly #last = new Map<string, Pick<TokenUsage, 'input' | 'output'>>();

  estimate(request: ChatRequest): Estimate {
    const chars = requestChars(request);
    const input = chars / this.#charsPerToken.value;
    const last = this.#last.get(request.agent);
    const output = Math.min(this.#outputOf(request.level, last), request.maxTokens ?? Number.POSITIVE_INFINITY);
    const cached = this.#cached.value * Math.min(input, last?.input ?? 0);
    const work = Math.ceil(input - cached + output);
    return { chars, input, work, spread: Math.sqrt(this.#error.value), output };
  }

  /** What an answer whose server says nothing of it is taken to have used. */
  static usageOf(estimate: Estimate, answer: Pick<ChatAnswer, 'content' | 'toolCalls'>): TokenUsage {
    let chars = answer.content?.length ?? 0;
    for (const { function: called } of answer.toolCalls) chars += called.name.length + called.arguments.length;
    return {
      input: Math.ceil(estimate.input),
      cachedInput: 0,
      output: Math.ceil(chars / CHARS_PER_TOKEN),
      unsaid: true,
    };
  }

  learn({ agent, level }: Pick<ChatRequest, 'agent' | 'level'>, estimate: Estimate, usage: TokenUsage): void {
    if (usage.input <= 0 || usage.unsaid === true) return;
    const last = this.#last.get(agent);
    if (last !== undefined) {
      this.#fromAverage.add((usage.output - this.#averageOf(level)) ** 2);
      this.#fromLast.add((usage.output - last.output) ** 2);
      this.#cached.add(Math.min(1, usage.cachedInput / Math.min(usage.input, last.input)));
    }
    if (this.#last.size >= AGENTS_MAX) this.#last.clear();
    this.#last.set(agent, { input: usage.input, output: usage.output });
    if (estimate.chars > 0) this.#charsPerToken.add(estimate.chars / usage.input);
    this.#output.add(usage.output);
    let ofLevel = this.#outputs.get(level);
    if (ofLevel === undefined) this.#outputs.set(level, (ofLevel = new Average(OUTPUT_TOKENS)));
    ofLevel.add(usage.output);
    this.#error.add((workOf(usage) - estimate.work) ** 2);
  }

  #averageOf(level: number): number {
    const ofLevel = this.#outputs.get(level);
    return (ofLevel !== undefined && ofLevel.count >= OF_LEVEL_MIN ? ofLevel : this.#output).value;
  }

  #outputOf(level: number, last: Pick<TokenUsage, 'output'> | undefined): number {
    const lastTells = this.#fromLast.count >= OF_AGENT_MIN && this.#fromLast.value < this.#fromAverage.value;
    return lastTells && last !== undefined ? last.output : this.#averageOf(level);
  }
}
