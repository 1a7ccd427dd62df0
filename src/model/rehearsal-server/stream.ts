/** A chat completion as the server-sent events of a streamed answer. Pure. */
import type { RawCompletion } from '../rehearsal/index.ts';

/** Characters of text or arguments in one chunk. */
const PIECE_LENGTH = 64;
/** Long answers come in larger pieces instead of more of them. */
const PIECES_MAX = 64;

const pieces = (text: string): string[] => {
  const length = Math.max(PIECE_LENGTH, Math.ceil(text.length / PIECES_MAX));
  const result: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + length, text.length);
    // A pair of surrogates stays together, or it would arrive as two broken characters.
    if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end += 1;
    result.push(text.slice(start, end));
    start = end;
  }
  return result;
};

type Delta = Readonly<Record<string, unknown>>;

const deltasOf = (message: RawCompletion['choices'][0]['message']): Delta[] => {
  const deltas: Delta[] = [{ role: 'assistant', content: message.tool_calls === undefined ? '' : null, refusal: null }];
  for (const content of pieces(message.content ?? '')) deltas.push({ content });
  for (const refusal of pieces(message.refusal ?? '')) deltas.push({ refusal });
  for (const [index, { id, type, function: call }] of (message.tool_calls ?? []).entries()) {
    deltas.push({ tool_calls: [{ index, id, type, function: { name: call.name, arguments: '' } }] });
    for (const piece of pieces(call.arguments))
      deltas.push({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  return deltas;
};

/** The whole body of the stream. @param includeUsage whether a last chunk tells the tokens */
export const eventsOf = (completion: RawCompletion, includeUsage: boolean): string => {
  const { id, created, model, synthetic, usage } = completion;
  const [choice] = completion.choices;
  const head = { id, object: 'chat.completion.chunk', created, model, synthetic };
  const noUsage = includeUsage ? { usage: null } : {};
  const chunk = (delta: Delta, finishReason: string | null): string => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    return `data: ${JSON.stringify({ ...head, choices, ...noUsage })}\n\n`;
  };
  const events = deltasOf(choice.message).map((delta) => chunk(delta, null));
  events.push(chunk({}, choice.finish_reason));
  if (includeUsage) events.push(`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n`);
  events.push('data: [DONE]\n\n');
  return events.join('');
};
