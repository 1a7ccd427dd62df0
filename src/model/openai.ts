/**
 * The `openai:NAME` model: any server that speaks chat completions. One request per call, streamed when somebody listens
 * (`onDelta`). Streams and the list of models are the openai SDK's; a call whose answer is wanted whole is a bare exchange that
 * looks as the SDK's would, at a third of its cost. What it does not do: retry, queue, count (the gate does).
 *
 * 1. Every failure is an error of the catalogue: MODEL_* or ABORTED.
 * 2. The key appears in no error message, hint or detail, and no SDK error is handed on as a cause.
 * 3. `timeoutMs` covers the whole request, the body included.
 */
import type OpenAI from 'openai';
import { MegactorError } from '../protocol/errors.ts';
import { classifyCompletion } from './classify.ts';
import { CompletionStream, spokenText } from './completion-stream.ts';
import { readLimits } from './gate/limit-headers.ts';
import type { HeaderReader } from './http-error.ts';
import { createOpenAiParts, type Template } from './openai-client.ts';
import type { OpenAiModelOptions } from './openai-setting.ts';
import { toolText } from './request-wire.ts';
import { HttpStatusError, type Cut } from './request-runner.ts';
import type { CallHooks, ChatAnswer, ChatModel, ChatRequest } from './types.ts';
import { headerOf } from './whole-exchange.ts';

export type { OpenAiModelOptions } from './openai-setting.ts';

export interface OpenAiModel extends ChatModel {
  /** The server's URL, without anything secret. */
  readonly baseUrl: string;
  /**
   * Asks the server for its models. Resolves to their names, or to null when the server has no such list.
   * @throws MODEL_UNREACHABLE, MODEL_AUTH, MODEL_TIMEOUT, MODEL_SERVER, MODEL_RATE_LIMITED, ABORTED
   */
  listModels(signal: AbortSignal): Promise<readonly string[] | null>;
}

type Body = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;

/** What a request says beside its messages and tools. */
const wishesOf = (model: string, request: ChatRequest): Omit<Body, 'messages' | 'tools'> => ({
  model,
  ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
});

const bodyOf = (model: string, request: ChatRequest): Body => ({
  ...wishesOf(model, request),
  // The shapes are the SDK's own but for `readonly`, which its types do not know.
  messages: request.messages as unknown as OpenAI.Chat.ChatCompletionMessageParam[],
  ...(request.tools.length === 0 ? {} : { tools: request.tools as unknown as OpenAI.Chat.ChatCompletionTool[] }),
});

/** `bodyOf` as JSON, put together from its parts. */
const bodyText = (model: string, request: ChatRequest): string => {
  const tools = request.tools.length === 0 ? '' : `,"tools":${toolText(request.tools)}`;
  const wishes = JSON.stringify(wishesOf(model, request)).slice(1, -1);
  return `{"messages":${JSON.stringify(request.messages)}${tools},${wishes}}`;
};

/** Header values must be ASCII, or Node refuses the request. */
const headerValue = (text: string): string => text.replace(/[^\u0020-\u007e]/gu, '_');

interface Received {
  readonly raw: unknown;
  /** null when it came at once. */
  readonly firstTokenMs: number | null;
}

const tellLimits = (header: HeaderReader, hooks: CallHooks | undefined): void => {
  const limits = readLimits(header);
  if (limits !== null) hooks?.onLimits?.(limits);
};

type StreamHooks = CallHooks & Required<Pick<CallHooks, 'onDelta'>>;

const receive = async (
  client: OpenAI,
  body: Body,
  about: OpenAI.RequestOptions & { readonly signal: AbortSignal },
  hooks: StreamHooks,
  sinceStart: () => number,
): Promise<Received> => {
  const wish = { ...body, stream: true as const, stream_options: { include_usage: true } };
  const { data, response } = await client.chat.completions.create(wish, about).withResponse();
  tellLimits((name) => response.headers.get(name), hooks);
  if (/\bjson\b/u.test(response.headers.get('content-type') ?? '')) {
    const raw: unknown = await response.json();
    return { raw, firstTokenMs: null };
  }
  const stream = new CompletionStream();
  let firstTokenMs: number | null = null;
  for await (const chunk of data) {
    const said = stream.add(chunk);
    if (stream.begun) firstTokenMs ??= sinceStart();
    if (said !== '') hooks.onDelta(said);
  }
  // The SDK ends an aborted stream as if it were whole.
  about.signal.throwIfAborted();
  return { raw: stream.completion(), firstTokenMs: firstTokenMs ?? sinceStart() };
};

/** @throws KEY_MISSING, CONFIG_INVALID */
export const createOpenAiModel = (options: OpenAiModelOptions): OpenAiModel => {
  const { baseUrl, client, template, pool, runner, clock } = createOpenAiParts(options);
  /** Made by the first call, for all that come with it too. */
  let common: Template | Promise<Template> | null = null;

  const agentHeaders = ({ agent, sentAs, run }: ChatRequest): string[] =>
    options.agentHeaders === false ? [] : ['x-agent-id', headerValue(sentAs ?? agent), 'x-run-id', headerValue(run)];

  const answerOf = (raw: unknown, { agent, messages }: ChatRequest, startedAt: number): ChatAnswer =>
    classifyCompletion(raw, {
      model: options.model,
      synthetic: false,
      latencyMs: clock.monotonic() - startedAt,
      idSeed: `${agent}/${messages.length}`,
    });

  /** Thousands of these wait at the same time: what they keep meanwhile is little. */
  const whole = async (
    request: ChatRequest,
    cut: Cut,
    hooks: CallHooks | undefined,
    startedAt: number,
  ): Promise<ChatAnswer> => {
    common ??= template('/chat/completions');
    const { path, headers: shared } = common instanceof Promise ? await common : common;
    // What nobody waits for any more is not sent.
    if (cut.isCut) throw new MegactorError('ABORTED', 'the call was cancelled');
    const exchange = pool.post({
      path,
      headers: [...shared, ...agentHeaders(request)],
      body: bodyText(options.model, request),
      onSent: hooks?.onSent,
    });
    cut.cuts(exchange);
    const { status, headers, text } = await exchange.answer;
    const header: HeaderReader = (name) => headerOf(headers, name);
    if (status < 200 || status > 299) throw new HttpStatusError(status, header, text);
    tellLimits(header, hooks);
    return answerOf(JSON.parse(text), request, startedAt);
  };

  const streamed = async (
    request: ChatRequest,
    cut: Cut,
    hooks: StreamHooks,
    startedAt: number,
  ): Promise<ChatAnswer> => {
    const { onSent, onDelta } = hooks;
    const [agent, agentName, run, runName] = agentHeaders(request);
    const about = {
      signal: cut.signal,
      ...(agent === undefined || run === undefined ? {} : { headers: { [agent]: agentName, [run]: runName } }),
      // The SDK hands these on to `fetch` as they are.
      ...(onSent === undefined ? {} : { fetchOptions: { onSent } as object }),
    };
    const sinceStart = (): number => clock.monotonic() - startedAt;
    const { raw, firstTokenMs } = await receive(
      await client(),
      bodyOf(options.model, request),
      about,
      hooks,
      sinceStart,
    );
    const answer = answerOf(raw, request, startedAt);
    // A server that does not stream gave all at once.
    if (firstTokenMs === null) onDelta(spokenText(answer));
    return { ...answer, firstTokenMs: firstTokenMs ?? answer.latencyMs };
  };

  return {
    name: `openai:${options.model}`,
    synthetic: false,
    baseUrl: baseUrl.origin + baseUrl.pathname,
    complete: (request, signal, hooks) => {
      const startedAt = clock.monotonic();
      const onDelta = hooks?.onDelta;
      return runner.run(signal, (cut) =>
        onDelta === undefined
          ? whole(request, cut, hooks, startedAt)
          : streamed(request, cut, { ...hooks, onDelta }, startedAt),
      );
    },
    listModels: async (signal) => {
      try {
        return await runner.run(signal, async (cut) => {
          const page = await (await client()).models.list({ signal: cut.signal });
          return Array.isArray(page.data) && page.data.length > 0 ? page.data.map((model) => model.id) : null;
        });
      } catch (error) {
        // Many servers have no such list: whatever else they answered, they are there.
        const code = error instanceof MegactorError ? error.code : 'INTERNAL';
        if (['MODEL_UNKNOWN', 'MODEL_BAD_REQUEST', 'MODEL_BAD_RESPONSE'].includes(code)) return null;
        throw error;
      }
    },
    close: () => pool.close(),
  };
};
