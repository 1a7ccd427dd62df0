/**
 * The `openai:NAME` model: the openai SDK against any server that speaks chat completions. One request per call, streamed
 * when somebody listens (`onDelta`). What it does not do: retry, queue, count (the gate does).
 *
 * 1. Every failure is an error of the catalogue: MODEL_* or ABORTED.
 * 2. The key appears in no error message, hint or detail, and no SDK error is handed on as a cause.
 * 3. `timeoutMs` covers the whole request, the body included.
 */
import OpenAI, { APIConnectionError, APIError } from 'openai';
import { MegactorError } from '../protocol/errors.ts';
import { systemClock, type Clock } from '../platform/index.ts';
import { classifyCompletion } from './classify.ts';
import { CompletionStream, spokenText } from './completion-stream.ts';
import { readLimits } from './gate/limit-headers.ts';
import { httpError, redact } from './http-error.ts';
import { readOpenAiSetting, type OpenAiModelOptions, type OpenAiSetting } from './openai-setting.ts';
import { createPoolFetch } from './pool-fetch.ts';
import type { CallHooks, ChatAnswer, ChatModel, ChatRequest } from './types.ts';

const TIMEOUT_MS = 60_000;

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

/** The code of the socket error below, if there is one: ECONNREFUSED, ENOTFOUND, UND_ERR_CONNECT_TIMEOUT … */
const socketCode = (error: unknown): string | null => {
  let current: unknown = error;
  for (let depth = 0; depth < 6 && typeof current === 'object' && current !== null; depth += 1) {
    const { code, cause, errors } = current as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === 'string' && code !== '') return code;
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return null;
};

/** What status an error would have had that came inside a stream, after a status of 200. */
const streamStatus = (body: unknown): number => {
  const code = typeof body === 'object' && body !== null && 'code' in body ? Number(body.code) : Number.NaN;
  return Number.isInteger(code) && code >= 400 && code < 600 ? code : 500;
};

interface CallEnd {
  readonly caller: AbortSignal;
  readonly timedOut: boolean;
  readonly timeoutMs: number;
}

/** Runs one request under the caller's signal and the time limit, and names what went wrong. */
class Caller {
  readonly #setting: OpenAiSetting;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor(setting: OpenAiSetting, timeoutMs: number, clock: Clock) {
    this.#setting = setting;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  async run<Result>(caller: AbortSignal, request: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (caller.aborted) throw new MegactorError('ABORTED', 'the call was cancelled');
    const controller = new AbortController();
    let timedOut = false;
    const abort = (): void => controller.abort();
    caller.addEventListener('abort', abort, { once: true });
    const timer = this.#clock.after(
      this.#timeoutMs,
      () => {
        timedOut = true;
        controller.abort();
      },
      { keepAlive: true },
    );
    try {
      return await request(controller.signal);
    } catch (error) {
      throw this.#named(error, { caller, timedOut, timeoutMs: this.#timeoutMs });
    } finally {
      timer.cancel();
      caller.removeEventListener('abort', abort);
    }
  }

  #named(error: unknown, end: CallEnd): MegactorError {
    if (error instanceof MegactorError) return error;
    if (end.caller.aborted) return new MegactorError('ABORTED', 'the call was cancelled');
    if (end.timedOut) {
      return new MegactorError('MODEL_TIMEOUT', `the model server did not answer within ${end.timeoutMs} ms`);
    }
    const secrets = this.#setting.apiKey === null ? [] : [this.#setting.apiKey];
    if (error instanceof APIError && !(error instanceof APIConnectionError)) {
      return httpError({
        status: typeof error.status === 'number' ? error.status : streamStatus(error.error),
        header: (name) => error.headers?.get(name) ?? null,
        body: error.error ?? error.message,
        now: this.#clock.now(),
        secrets,
      });
    }
    const code = socketCode(error);
    if (error instanceof APIConnectionError || error instanceof TypeError) {
      return new MegactorError(
        'MODEL_UNREACHABLE',
        `no connection to ${this.#setting.baseUrl.origin}${code === null ? '' : ` (${code})`}`,
        { details: code === null ? {} : { cause: code } },
      );
    }
    if (error instanceof SyntaxError) {
      return new MegactorError('MODEL_BAD_RESPONSE', 'the answer is not JSON');
    }
    const message = error instanceof Error ? error.message : String(error);
    return new MegactorError('MODEL_SERVER', redact(`the request failed: ${message}`, secrets));
  }
}

const bodyOf = (model: string, request: ChatRequest): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming => ({
  model,
  // The shapes are the SDK's own but for `readonly`, which its types do not know.
  messages: request.messages as unknown as OpenAI.Chat.ChatCompletionMessageParam[],
  ...(request.tools.length === 0 ? {} : { tools: request.tools as unknown as OpenAI.Chat.ChatCompletionTool[] }),
  ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
});

/** Header values must be ASCII, or Node refuses the request. */
const headerValue = (text: string): string => text.replace(/[^\u0020-\u007e]/gu, '_');

interface Received {
  readonly raw: unknown;
  /** null when it came at once. */
  readonly firstTokenMs: number | null;
}

type Body = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;

const tellLimits = (response: Response, hooks: CallHooks | undefined): void => {
  const limits = readLimits((name) => response.headers.get(name));
  if (limits !== null) hooks?.onLimits?.(limits);
};

const whole = async (
  client: OpenAI,
  body: Body,
  about: OpenAI.RequestOptions,
  hooks: CallHooks | undefined,
): Promise<Received> => {
  const { data, response } = await client.chat.completions.create(body, about).withResponse();
  tellLimits(response, hooks);
  return { raw: data, firstTokenMs: null };
};

const streamed = async (
  client: OpenAI,
  body: Body,
  about: OpenAI.RequestOptions & { readonly signal: AbortSignal },
  hooks: CallHooks & Required<Pick<CallHooks, 'onDelta'>>,
  sinceStart: () => number,
): Promise<Received> => {
  const wish = { ...body, stream: true as const, stream_options: { include_usage: true } };
  const { data, response } = await client.chat.completions.create(wish, about).withResponse();
  tellLimits(response, hooks);
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
  const setting = readOpenAiSetting(options);
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const pool = createPoolFetch(
    setting.baseUrl.origin,
    options.connections === undefined ? {} : { connections: options.connections },
  );
  const client = new OpenAI({
    // Without a key no authorization is sent at all; the SDK only wants to be told so.
    apiKey: setting.apiKey ?? 'none',
    baseURL: setting.baseUrl.href.replace(/\/+$/u, ''),
    maxRetries: 0,
    // Ours covers the body as well and comes first.
    timeout: timeoutMs + 10_000,
    fetch: pool.fetch,
    logLevel: 'off',
    ...(setting.apiKey === null ? { defaultHeaders: { authorization: null } } : {}),
  });
  const caller = new Caller(setting, timeoutMs, clock);

  return {
    name: `openai:${options.model}`,
    synthetic: false,
    baseUrl: setting.baseUrl.origin + setting.baseUrl.pathname,
    complete: async (request, signal, hooks): Promise<ChatAnswer> => {
      const startedAt = clock.monotonic();
      const headers =
        options.agentHeaders === false
          ? {}
          : { 'x-agent-id': headerValue(request.sentAs ?? request.agent), 'x-run-id': headerValue(request.run) };
      return caller.run(signal, async (inner) => {
        const onSent = hooks?.onSent;
        const about = {
          signal: inner,
          headers,
          // The SDK hands these on to `fetch` as they are.
          ...(onSent === undefined ? {} : { fetchOptions: { onSent } as object }),
        };
        const body = bodyOf(options.model, request);
        const onDelta = hooks?.onDelta;
        const sinceStart = (): number => clock.monotonic() - startedAt;
        const received =
          onDelta === undefined
            ? await whole(client, body, about, hooks)
            : await streamed(client, body, about, { ...hooks, onDelta }, sinceStart);
        const answer = classifyCompletion(received.raw, {
          model: options.model,
          synthetic: false,
          latencyMs: sinceStart(),
          idSeed: `${request.agent}/${request.messages.length}`,
        });
        if (onDelta === undefined) return answer;
        // A server that does not stream gave all at once.
        if (received.firstTokenMs === null) onDelta(spokenText(answer));
        return { ...answer, firstTokenMs: received.firstTokenMs ?? answer.latencyMs };
      });
    },
    listModels: async (signal) => {
      try {
        return await caller.run(signal, async (inner) => {
          const page = await client.models.list({ signal: inner });
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
