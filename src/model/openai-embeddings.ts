/**
 * `openai:NAME` as an embedder: any server that speaks `/v1/embeddings`, as a model that the gate can hold. The texts are the
 * messages of a request; the content of the answer is what `embeddingsOf` reads. What it does not do: retry, queue, count
 * (the gate does).
 *
 * 1. Every failure is an error of the catalogue: MODEL_* or ABORTED.
 * 2. The key appears in no error message, hint or detail.
 */
import { z } from 'zod';
import { MegactorError } from '../protocol/errors.ts';
import { createOpenAiParts } from './openai-client.ts';
import type { OpenAiModelOptions } from './openai-setting.ts';
import type { ChatAnswer, ChatModel } from './types.ts';

const vectorsSchema = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()).min(1) })),
  usage: z.object({ prompt_tokens: z.number() }).nullish(),
});

/** The vectors of an answer, in the order of the texts. */
export const embeddingsOf = (answer: Pick<ChatAnswer, 'content'>): Float32Array[] =>
  (JSON.parse(answer.content ?? '[]') as string[]).map((text) => {
    const bytes = Buffer.from(text, 'base64');
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  });

const contentOf = (raw: unknown, count: number): { readonly content: string; readonly input: number } => {
  const parsed = vectorsSchema.safeParse(raw);
  const indexes = parsed.success ? new Set(parsed.data.data.map(({ index }) => index)) : new Set();
  if (!parsed.success || parsed.data.data.length !== count || indexes.size !== count) {
    throw new MegactorError('MODEL_BAD_RESPONSE', `the server answered with something that is not ${count} vectors`);
  }
  const { data, usage } = parsed.data;
  const ordered = data.toSorted((left, right) => left.index - right.index);
  const texts = ordered.map(({ embedding }) => Buffer.from(Float32Array.from(embedding).buffer).toString('base64'));
  return { content: JSON.stringify(texts), input: usage?.prompt_tokens ?? 0 };
};

/** @throws KEY_MISSING, CONFIG_INVALID */
export const createOpenAiEmbeddings = (options: OpenAiModelOptions): ChatModel => {
  const { client, pool, runner, clock } = createOpenAiParts(options);
  const name = `openai:${options.model}`;
  return {
    name,
    synthetic: false,
    complete: (request, signal, hooks) => {
      const startedAt = clock.monotonic();
      const headers =
        options.agentHeaders === false
          ? {}
          : { 'x-agent-id': request.sentAs ?? request.agent, 'x-run-id': request.run };
      return runner.run(signal, async (cut): Promise<ChatAnswer> => {
        const input = request.messages.map(({ content }) => content ?? '');
        hooks?.onSent?.();
        const body = { model: options.model, input, encoding_format: 'float' as const };
        const raw: unknown = await (await client()).embeddings.create(body, { signal: cut.signal, headers });
        const { content, input: tokens } = contentOf(raw, input.length);
        return {
          model: options.model,
          synthetic: false,
          content,
          toolCalls: [],
          refusal: null,
          finishReason: 'stop',
          class: 'prose',
          usage: { input: tokens, cachedInput: 0, output: 0 },
          latencyMs: clock.monotonic() - startedAt,
          attempts: 1,
        };
      });
    },
    close: () => pool.close(),
  };
};
