/**
 * Puts the chunks of a streamed chat completion together to the body that the server would have sent at once, and says
 * what of each chunk a watcher reads. Servers differ here more than elsewhere: calls without an index, or all with index
 * 0; ids and names that come with every piece; usage in a chunk of its own, in the last one or in each; reasoning in
 * fields of its own. What it does not do: read the wire, classify (`classify.ts`).
 *
 * 1. A tool call begins with an index that is new, or with an id that differs from the one at its index; everything else
 *    goes on with a call.
 * 2. A stream that ends without a finish reason was cut off, and is no answer.
 */
import { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import type { ChatAnswer } from './types.ts';

/** More calls than this in one answer are refused as a whole, as they are without streaming. */
const TOOL_CALLS_MAX = 1024;

const text = z.string().nullish().catch(null);
const rawFunction = z.looseObject({ name: text, arguments: z.unknown().optional() });
const rawCall = z.looseObject({
  index: z.int().nonnegative().nullish().catch(null),
  id: text,
  function: rawFunction.nullish(),
});
const rawDelta = z.looseObject({
  content: text,
  refusal: text,
  reasoning_content: text,
  reasoning: text,
  tool_calls: z.array(rawCall).nullish(),
  function_call: rawFunction.nullish(),
});
const rawChunk = z.looseObject({
  model: text,
  synthetic: z.boolean().nullish().catch(null),
  choices: z.array(z.looseObject({ delta: rawDelta.nullish(), finish_reason: text })).nullish(),
  usage: z.unknown().optional(),
});

type CallDelta = z.output<typeof rawCall>;

interface GrowingCall {
  readonly index: number | null;
  id: string;
  name: string;
  arguments: string;
}

/** How a call is shown to a watcher, before its arguments. */
const headOf = (name: string, first: boolean): string => `${first ? '' : '\n'}${name} `;

/** What a watcher reads of an answer that came at once, as the pieces of a streamed one add up to. */
export const spokenText = ({
  content,
  refusal,
  toolCalls,
}: Pick<ChatAnswer, 'content' | 'refusal' | 'toolCalls'>): string => {
  let said = `${content ?? ''}${refusal ?? ''}`;
  for (const call of toolCalls) said += headOf(call.function.name, said === '') + call.function.arguments;
  return said;
};

const argumentsText = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);

export class CompletionStream {
  readonly #calls: GrowingCall[] = [];
  #model: string | null = null;
  #synthetic = false;
  #content: string | null = null;
  #refusal: string | null = null;
  #finishReason: string | null = null;
  #usage: unknown = null;
  #spoke = false;
  /** Whether anything of an answer has come, thinking included. */
  begun = false;

  /**
   * Takes one chunk in. @returns what a watcher reads of it
   * @throws MODEL_BAD_RESPONSE when it is no chunk of a chat completion
   */
  add(raw: unknown): string {
    const parsed = rawChunk.safeParse(raw);
    if (!parsed.success) throw new MegactorError('MODEL_BAD_RESPONSE', 'a part of the stream is no chunk of an answer');
    const { model, synthetic, choices, usage } = parsed.data;
    this.#model ??= model || null;
    this.#synthetic ||= synthetic === true;
    if (typeof usage === 'object' && usage !== null) this.#usage = usage;
    const [choice] = choices ?? [];
    if (choice === undefined) return '';
    this.#finishReason = choice.finish_reason || this.#finishReason;
    const { delta } = choice;
    if (delta === null || delta === undefined) return '';
    this.begun ||= Boolean(delta.reasoning_content || delta.reasoning);
    let said = this.#text(delta.content, delta.refusal);
    for (const call of delta.tool_calls ?? []) said += this.#call(call);
    if (delta.function_call) said += this.#call({ index: 0, id: null, function: delta.function_call });
    this.begun ||= said !== '';
    return said;
  }

  /** The whole, as a chat completion. @throws MODEL_BAD_RESPONSE when the stream was cut off */
  completion(): unknown {
    if (this.#finishReason === null) {
      throw new MegactorError('MODEL_BAD_RESPONSE', 'the stream ended before the answer did');
    }
    const calls = this.#calls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    }));
    const message = {
      role: 'assistant',
      content: this.#content,
      refusal: this.#refusal,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
    return {
      model: this.#model,
      synthetic: this.#synthetic,
      choices: [{ message, finish_reason: this.#finishReason }],
      usage: this.#usage,
    };
  }

  #text(content: string | null | undefined, refusal: string | null | undefined): string {
    if (typeof content === 'string') this.#content = (this.#content ?? '') + content;
    if (refusal) this.#refusal = (this.#refusal ?? '') + refusal;
    const said = `${content ?? ''}${refusal ?? ''}`;
    this.#spoke ||= said !== '';
    return said;
  }

  #call(delta: CallDelta): string {
    const { function: made } = delta;
    const name = made?.name ?? '';
    const pieces = argumentsText(made?.arguments);
    const known = this.#find(delta);
    if (known !== null) {
      if (known.id === '') known.id = delta.id ?? '';
      if (name !== known.name) known.name += name;
      known.arguments += pieces;
      return pieces;
    }
    if (this.#calls.length >= TOOL_CALLS_MAX) {
      throw new MegactorError('MODEL_BAD_RESPONSE', `the answer has more than ${TOOL_CALLS_MAX} tool calls`);
    }
    this.#calls.push({ index: delta.index ?? null, id: delta.id ?? '', name, arguments: pieces });
    const head = headOf(name, !this.#spoke);
    this.#spoke = true;
    return head + pieces;
  }

  /** The call that `delta` goes on with; null when it begins one. */
  #find({ index, id }: CallDelta): GrowingCall | null {
    const last = this.#calls.at(-1);
    const known =
      index === null || index === undefined ? last : this.#calls.findLast((candidate) => candidate.index === index);
    if (known === undefined) return null;
    return id && known.id !== '' && id !== known.id ? null : known;
  }
}
