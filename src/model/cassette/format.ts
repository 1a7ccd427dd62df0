/**
 * The file of a cassette: one JSON object a line, written only at its end. Messages and tools stand in it once each, by
 * their hash, because every request of a conversation repeats the one before. What it does not do: read or write files.
 *
 * 1. Equal requests have equal keys, whichever run, agent or process they come from: ids of runs, names of agents,
 *    deadlines, mail about budgets and the situation that depends on the moment are no part of it.
 * 2. No key of a provider is in it: what looks like one, and whatever else is to be blotted out, is replaced before it is
 *    hashed or written.
 */
import { z } from 'zod';
import { createHash } from '../../platform/index.ts';
import type { ChatAnswer, ChatMessage, ChatRequest } from '../types.ts';

export const CASSETTE_FORMAT = 1;

/** How the one message begins that depends on the moment of the call (`actors/prompts/situation.ts`). */
const SITUATION = '(situation)';
/** A mail about a budget: how much may be spent is the run's, and not the conversation's. */
const BUDGET_MAIL = /^system: \[budget\].*(?:\n {2}.*)*(?:\n|$)/gmu;
const HASH_LENGTH = 24;

/** Long enough that no word of a text is taken for one. */
const KEY_PATTERN = /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{20,}/gu;
const BEARER_PATTERN = /\bbearer\s+[A-Za-z0-9._~+/-]{16,}=*/giu;
const BLOT = '[redacted]';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);

/** A secret as it is, and as it stands in JSON and in JSON within JSON, for texts that cannot be read as such. */
const spellingsOf = (secret: string): string[] => {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [secret, inJson, JSON.stringify(inJson).slice(1, -1)];
};

/** Blots out in texts what no cassette may hold. */
export class Redaction {
  readonly #secrets: readonly string[];
  readonly #patterns: readonly RegExp[];

  /** @param patterns as `redact` of the configuration has them */
  constructor(secrets: readonly string[] = [], patterns: readonly string[] = []) {
    this.#secrets = [...new Set(secrets.filter((secret) => secret.length > 0).flatMap(spellingsOf))];
    this.#patterns = [KEY_PATTERN, BEARER_PATTERN, ...patterns.map((pattern) => new RegExp(pattern, 'gu'))];
  }

  /** A text, also in one that is JSON, where quotes and backslashes of a secret are written otherwise. */
  of(text: string): string {
    return this.#blot(this.#inJson(text));
  }

  /** Every string in `value`. */
  deep(value: unknown): unknown {
    if (typeof value === 'string') return this.of(value);
    if (Array.isArray(value)) return value.map((item) => this.deep(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.of(key), this.deep(item)]));
  }

  #inJson(text: string): string {
    if (!/^\s*[[{]/u.test(text)) return text;
    try {
      const value: unknown = JSON.parse(text);
      const clean = JSON.stringify(this.deep(value));
      // What holds no secret stays as it was written.
      return clean === JSON.stringify(value) ? text : clean;
    } catch {
      // It is none, or nested deeper than the stack is.
      return text;
    }
  }

  #blot(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, BLOT);
    for (const pattern of this.#patterns) clean = clean.replace(pattern, BLOT);
    return clean;
  }
}

const toolCall = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const answerSchema = z.object({
  model: z.string(),
  synthetic: z.boolean(),
  content: z.string().nullable(),
  toolCalls: z.array(toolCall),
  refusal: z.string().nullable(),
  finishReason: z.enum(['stop', 'tool_calls', 'length', 'content_filter', 'unknown']),
  class: z.enum(['tools', 'prose', 'empty', 'refusal', 'truncated', 'filtered', 'bad-json']),
  usage: z.object({
    input: z.number(),
    cachedInput: z.number(),
    output: z.number(),
    reasoning: z.number().optional(),
    unsaid: z.literal(true).optional(),
  }),
  latencyMs: z.number(),
});

export const lineSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cassette'), format: z.literal(CASSETTE_FORMAT), recordedAt: z.string() }),
  /** A message, or the tools of a request, by their hash. */
  z.object({ kind: z.literal('text'), hash: z.string(), text: z.string() }),
  z.object({
    kind: z.literal('call'),
    key: z.string(),
    agent: z.string(),
    messages: z.array(z.string()),
    tools: z.string(),
    answer: answerSchema,
  }),
]);

export type CassetteLine = z.output<typeof lineSchema>;
export type CallLine = CassetteLine & { readonly kind: 'call' };

/** A request as a cassette knows it. */
export interface Fingerprint {
  readonly key: string;
  readonly messages: readonly string[];
  readonly tools: string;
  /** The texts behind the hashes. */
  readonly texts: ReadonlyMap<string, string>;
}

const withoutBudgetMail = (content: string): string => {
  const rest = content.replace(BUDGET_MAIL, '');
  return rest === content ? content : rest.replace(/\n$/u, '');
};

const plain = (message: ChatMessage): unknown => {
  switch (message.role) {
    case 'assistant':
      return [
        message.role,
        message.content,
        message.tool_calls?.map((call) => [call.id, call.function.name, call.function.arguments]) ?? [],
      ];
    case 'tool':
      return [message.role, message.tool_call_id, message.content];
    case 'user':
      return [message.role, withoutBudgetMail(message.content)];
    default:
      return [message.role, message.content];
  }
};

/** Whether a message says nothing that a recorded run would say as well. */
const isPassing = ({ role, content }: ChatMessage): boolean =>
  role === 'user' &&
  (content.startsWith(SITUATION) || (content.startsWith('system: [budget]') && withoutBudgetMail(content) === ''));

export const fingerprint = (request: ChatRequest, redaction: Redaction): Fingerprint => {
  const texts = new Map<string, string>();
  const keep = (value: unknown): string => {
    const text = redaction.of(JSON.stringify(redaction.deep(value)));
    const hash = hashOf(text);
    texts.set(hash, text);
    return hash;
  };
  const lasting = request.messages.filter((message) => !isPassing(message));
  const messages = lasting.map((message) => keep(plain(message)));
  const tools = keep(request.tools.map((tool) => tool.function));
  const key = hashOf(JSON.stringify([messages, tools, request.temperature ?? null, request.maxTokens ?? null]));
  return { key, messages, tools, texts };
};

/** The part of an answer that is the model's. */
export const callLine = (
  agent: string,
  { key, messages, tools }: Fingerprint,
  answer: ChatAnswer,
  redaction: Redaction,
): CallLine => ({
  kind: 'call',
  key,
  agent,
  messages: [...messages],
  tools,
  answer: {
    model: answer.model,
    synthetic: answer.synthetic,
    content: answer.content === null ? null : redaction.of(answer.content),
    toolCalls: answer.toolCalls.map(({ id, function: { name, arguments: args } }) => ({
      id,
      type: 'function',
      function: { name, arguments: redaction.of(args) },
    })),
    refusal: answer.refusal === null ? null : redaction.of(answer.refusal),
    finishReason: answer.finishReason,
    class: answer.class,
    usage: { ...answer.usage },
    latencyMs: answer.latencyMs,
  },
});
