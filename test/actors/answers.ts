/** Answers as a chat model gives them, for scripts. */
import type { AnswerClass, ChatAnswer, ChatRequest, ToolCall } from '../../src/model/types.ts';

const answer = (fields: Partial<ChatAnswer> & { readonly class: AnswerClass }): ChatAnswer => ({
  model: 'script',
  synthetic: true,
  content: null,
  toolCalls: [],
  refusal: null,
  finishReason: 'stop',
  usage: { input: 10, cachedInput: 4, output: 2 },
  latencyMs: 1,
  attempts: 1,
  ...fields,
});

export const prose = (content: string): ChatAnswer => answer({ class: 'prose', content });
export const empty = (): ChatAnswer => answer({ class: 'empty', content: '' });
export const refusal = (text = 'I cannot do that.'): ChatAnswer => answer({ class: 'refusal', refusal: text });
export const truncated = (): ChatAnswer => answer({ class: 'truncated', content: 'half of', finishReason: 'length' });

export const filtered = (): ChatAnswer => answer({ class: 'filtered', content: null, finishReason: 'content_filter' });

let count = 0;

export const call = (name: string, args: unknown): ToolCall => ({
  id: `call_${(count += 1)}`,
  type: 'function',
  function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
});

export const tools = (...calls: readonly ToolCall[]): ChatAnswer =>
  answer({ class: 'tools', toolCalls: calls, finishReason: 'tool_calls' });

export const badJson = (name: string, text: string): ChatAnswer =>
  answer({ class: 'bad-json', toolCalls: [call(name, text)], finishReason: 'tool_calls' });

/** A call that was cut off at the greatest length of an answer. */
export const cutOff = (name: string, text: string): ChatAnswer =>
  answer({ class: 'truncated', toolCalls: [call(name, text)], finishReason: 'length' });

/** The mail and tool results of a request, as one text, without the prompt and the situation. */
export const seen = (request: ChatRequest): string =>
  request.messages
    .slice(1)
    .filter((message) => !(message.role === 'user' && message.content.startsWith('(situation)')))
    .map((message) => message.content ?? '')
    .join('\n');

/** Tool results in a request, parsed, oldest first. */
export const results = (request: ChatRequest): Record<string, unknown>[] =>
  request.messages.flatMap((message) =>
    message.role === 'tool' ? [JSON.parse(message.content) as Record<string, unknown>] : [],
  );

/** Plays one list of answers per agent; whoever has none left waits. */
export const script = (
  lines: Readonly<Record<string, readonly (ChatAnswer | ((request: ChatRequest) => ChatAnswer))[]>>,
) => {
  const at = new Map<string, number>();
  return (request: ChatRequest): ChatAnswer => {
    const index = at.get(request.agent) ?? 0;
    at.set(request.agent, index + 1);
    const line = lines[request.agent]?.[index];
    if (line === undefined) return prose('(waiting) the script is over');
    return typeof line === 'function' ? line(request) : line;
  };
};
