/**
 * What a provider refuses in a chat completion request, and the shape of its refusal. Pure.
 *
 * 1. Every error has OpenAI's shape: `{"error":{"message","type","param","code"}}`.
 */
import { z } from 'zod';
import { requestSchema, type WireBody } from '../rehearsal/transcript.ts';

export interface RequestProblem {
  readonly message: string;
  readonly param: string | null;
}

export const errorBody = (message: string, type: string, code: string | null, param: string | null = null): string =>
  JSON.stringify({ error: { message, type, param, code } });

const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

const unanswered = (open: ReadonlySet<string>): RequestProblem | null =>
  open.size === 0
    ? null
    : {
        message:
          "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
          `These had no response: ${[...open].slice(0, 5).join(', ')}`,
        param: 'messages',
      };

/** Every tool call has its result right behind it, and every result its call. */
const pairingProblem = (messages: WireBody['messages']): RequestProblem | null => {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (!ROLES.has(message.role)) {
      return { message: `Invalid value: '${message.role.slice(0, 64)}'.`, param: `messages[${index}].role` };
    }
    if (message.role === 'tool') {
      if (open.delete(message.tool_call_id ?? '')) continue;
      const what = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
      return { message: what, param: `messages[${index}].tool_call_id` };
    }
    const problem = unanswered(open);
    if (problem !== null) return problem;
    const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
    if (calls.length > 0) open = new Set(calls.map((call) => call.id));
  }
  return unanswered(open);
};

const path = (issue: z.core.$ZodIssue): string | null =>
  issue.path.reduce<string | null>(
    (whole, part) =>
      typeof part === 'number' ? `${whole ?? ''}[${part}]` : whole === null ? String(part) : `${whole}.${String(part)}`,
    null,
  );

/** What zod found, in the words of a provider. */
export const issueOf = (error: z.ZodError): RequestProblem => {
  const issue = error.issues[0];
  const param = issue === undefined ? null : path(issue);
  const where = param === null ? 'The body' : `'${param}'`;
  return { message: `${where} is wrong: ${issue?.message ?? 'not understood'}.`, param };
};

const optionsSchema = z.looseObject({
  n: z.literal(1, 'only one choice is rehearsed').nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
});

export interface ChatCall {
  readonly body: WireBody;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/**
 * A chat completion request, or what is wrong with it.
 * @param tools the request's tools when they have been checked already; `raw` has none then
 */
export const readChat = (raw: unknown, tools?: WireBody['tools']): ChatCall | RequestProblem => {
  const parsed = requestSchema.safeParse(raw);
  if (!parsed.success) return issueOf(parsed.error);
  const options = optionsSchema.safeParse(raw);
  if (!options.success) return issueOf(options.error);
  const { stream, stream_options: streamOptions } = options.data;
  if (streamOptions !== null && streamOptions !== undefined && stream !== true) {
    return { message: "'stream_options' is only allowed when 'stream' is true.", param: 'stream_options' };
  }
  const { messages } = parsed.data;
  if (messages.length === 0) return { message: "'messages' must not be empty.", param: 'messages' };
  return (
    pairingProblem(messages) ?? {
      body: tools === undefined ? parsed.data : { ...parsed.data, tools },
      stream: stream === true,
      includeUsage: streamOptions?.include_usage === true,
    }
  );
};
