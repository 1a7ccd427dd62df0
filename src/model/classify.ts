/**
 * Turns the raw body of a chat completion into a `ChatAnswer` and says what became of it, judged on its form alone.
 * Servers differ in what they leave out, so everything that can be missing may be missing. What it does not do: decide
 * on remedies (the society), check the arguments of tools against their schemas (the tools).
 *
 * 1. Pure: the same body and context give the same answer, made-up ids included.
 * 2. Ids of tool calls are unique within an answer and, given `idSeed` per position, within a conversation.
 * 3. `class` is `tools` only when every call has a name and its arguments are the JSON text of an object.
 */
import { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import { hashString } from '../protocol/ids.ts';
import type { AnswerClass, ChatAnswer, TokenUsage, ToolCall } from './types.ts';

/** A call answered with more tool calls than this is refused as a whole. */
const TOOL_CALLS_MAX = 1024;

const count = z.number().nonnegative().finite().nullish().catch(null);
const contentPart = z.union([
  z.string(),
  z.object({ type: z.string().nullish(), text: z.string().nullish(), refusal: z.string().nullish() }),
]);
const rawFunction = z.object({ name: z.string().nullish(), arguments: z.unknown().optional() });
const rawToolCall = z.object({ id: z.string().nullish(), function: rawFunction.nullish() });
const rawMessage = z.object({
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(rawToolCall).max(TOOL_CALLS_MAX).nullish(),
  function_call: rawFunction.nullish(),
});
const rawUsage = z
  .object({
    prompt_tokens: count,
    completion_tokens: count,
    prompt_tokens_details: z.object({ cached_tokens: count }).nullish().catch(null),
    completion_tokens_details: z.object({ reasoning_tokens: count }).nullish().catch(null),
  })
  .nullish()
  .catch(null);
const rawCompletion = z.object({
  model: z.string().nullish().catch(null),
  choices: z.array(z.object({ message: rawMessage, finish_reason: z.string().nullish().catch(null) })).min(1),
  usage: rawUsage,
  /** The rehearsal server's mark: no language model made this text. */
  synthetic: z.boolean().nullish().catch(null),
});

type RawMessage = z.infer<typeof rawMessage>;

/** What the caller knows about an answer beside its body. */
export interface AnswerContext {
  /** Name of the model when the server does not say it. */
  readonly model: string;
  readonly synthetic: boolean;
  readonly latencyMs: number;
  /** Made-up ids of tool calls derive from it; use one per position of a conversation. */
  readonly idSeed: string;
}

const readContent = (content: RawMessage['content']): { text: string | null; refusal: string | null } => {
  if (content === null || content === undefined) return { text: null, refusal: null };
  if (typeof content === 'string') return { text: content, refusal: null };
  const texts: string[] = [];
  const refusals: string[] = [];
  for (const part of content) {
    if (typeof part === 'string') texts.push(part);
    else if (typeof part.refusal === 'string') refusals.push(part.refusal);
    else if (typeof part.text === 'string') texts.push(part.text);
  }
  return {
    text: texts.length === 0 ? null : texts.join(''),
    refusal: refusals.length === 0 ? null : refusals.join(''),
  };
};

/** Arguments as JSON text: some servers give an object, or nothing for a tool without arguments. */
const argumentsText = (value: unknown): string => {
  if (typeof value === 'string') return value.trim() === '' ? '{}' : value;
  return value === null || value === undefined ? '{}' : JSON.stringify(value);
};

/** True when `text` is the JSON text of an object. */
export const isJsonObject = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
};

const readToolCalls = (message: RawMessage, idSeed: string): ToolCall[] => {
  const raw = [...(message.tool_calls ?? [])];
  if (raw.length === 0 && message.function_call) raw.push({ id: null, function: message.function_call });
  const used = new Set<string>();
  return raw.map((call, index) => {
    const name = call.function?.name ?? '';
    const text = argumentsText(call.function?.arguments);
    let id = call.id ?? '';
    if (id === '' || used.has(id)) {
      id = `call_${hashString(`${idSeed}/${name}/${text}`).toString(16).padStart(8, '0')}_${index}`;
    }
    used.add(id);
    return { id, type: 'function', function: { name, arguments: text } };
  });
};

const FINISH_REASONS: Readonly<Record<string, ChatAnswer['finishReason']>> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'content_filter',
};

const classOf = (answer: Pick<ChatAnswer, 'content' | 'toolCalls' | 'refusal' | 'finishReason'>): AnswerClass => {
  if (answer.finishReason === 'content_filter') return 'filtered';
  if (answer.toolCalls.length > 0) {
    const whole = answer.toolCalls.every((call) => call.function.name !== '' && isJsonObject(call.function.arguments));
    if (whole) return 'tools';
    return answer.finishReason === 'length' ? 'truncated' : 'bad-json';
  }
  if (answer.refusal !== null) return 'refusal';
  if (answer.finishReason === 'length') return 'truncated';
  return answer.content === null || answer.content.trim() === '' ? 'empty' : 'prose';
};

const readUsage = (usage: z.infer<typeof rawUsage>): TokenUsage => {
  const input = usage?.prompt_tokens ?? 0;
  const output = usage?.completion_tokens ?? 0;
  if (input === 0 && output === 0) return { input, cachedInput: 0, output, unsaid: true };
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
  const reasoning = usage?.completion_tokens_details?.reasoning_tokens ?? 0;
  return {
    input,
    cachedInput: Math.min(cached, input),
    output,
    ...(reasoning > 0 ? { reasoning: Math.min(reasoning, output) } : {}),
  };
};

/**
 * The raw body of a chat completion as an answer. Missing usage is `unsaid`.
 * @throws MODEL_BAD_RESPONSE when it is not a chat completion
 */
export const classifyCompletion = (raw: unknown, context: AnswerContext): ChatAnswer => {
  const parsed = rawCompletion.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
    throw new MegactorError('MODEL_BAD_RESPONSE', `the answer is not a chat completion: ${where} is wrong or missing`);
  }
  // `min(1)` above makes the first choice certain; the type does not know it.
  const choice = parsed.data.choices[0] as (typeof parsed.data.choices)[number];
  const { text, refusal } = readContent(choice.message.content);
  const shape = {
    content: text,
    toolCalls: readToolCalls(choice.message, context.idSeed),
    refusal: choice.message.refusal || refusal,
    finishReason: FINISH_REASONS[choice.finish_reason ?? ''] ?? 'unknown',
  };
  return {
    model: parsed.data.model || context.model,
    synthetic: context.synthetic || parsed.data.synthetic === true,
    ...shape,
    class: classOf(shape),
    usage: readUsage(parsed.data.usage),
    latencyMs: context.latencyMs,
    attempts: 1,
  };
};
