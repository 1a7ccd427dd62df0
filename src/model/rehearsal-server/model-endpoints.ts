/**
 * The two endpoints that models have: chat completions and embeddings, played by the rehearsal under a provider's
 * limits. What it does not do: routing, and opening or closing the server.
 *
 * 1. A call is accepted or refused in one go, so limits hold exactly however many calls come at once.
 * 2. A call whose client is gone is over at once: its timer is cancelled and it is in flight no more.
 * 3. A rehearsed timeout answers nothing; the client has to give up. After `HANG_MAX_MS` the connection is cut.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, TimerHandle } from '../../platform/index.ts';
import { sampleDelayMs, streamOf } from '../rehearsal/draw.ts';
import {
  FailureCounter,
  Outage,
  OUTAGE_TEXT,
  rehearseBody,
  type RawCompletion,
  type RehearsalOptions,
  type RehearsalOutcome,
} from '../rehearsal/index.ts';
import { embed, embeddingsSchema, inputsOf } from './embeddings.ts';
import { BodyReader, type ReadBody } from './body-reader.ts';
import { answer, readBody, refuse } from './exchange.ts';
import { issueOf, readChat } from './requests.ts';
import { eventsOf } from './stream.ts';
import type { LimitWindow, Refusal } from './limits.ts';
import type { StatsCounter } from './stats.ts';

const HANG_MAX_MS = 600_000;
const EVENTS_TYPE = 'text/event-stream; charset=utf-8';

/** What a provider charges a window with: the input it does not have in its cache, and the output. */
const chargedTokens = ({ usage }: RawCompletion): number =>
  usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens + usage.completion_tokens;

const flat = (headers: Readonly<Record<string, string>>): string[] => Object.entries(headers).flat();

export interface EndpointParts {
  readonly options: RehearsalOptions;
  readonly window: LimitWindow;
  readonly stats: StatsCounter;
  readonly clock: Clock;
}

export class ModelEndpoints {
  readonly #options: RehearsalOptions;
  readonly #window: LimitWindow;
  readonly #stats: StatsCounter;
  readonly #clock: Clock;
  readonly #bodies = new BodyReader();
  #failures = new FailureCounter();
  #outage: Outage;

  constructor(parts: EndpointParts) {
    this.#options = parts.options;
    this.#window = parts.window;
    this.#stats = parts.stats;
    this.#clock = parts.clock;
    this.#outage = new Outage(parts.options.outage);
  }

  /** Forgets what has failed and when the first call came. */
  reset(): void {
    this.#failures = new FailureCounter();
    this.#outage = new Outage(this.#options.outage);
  }

  readonly chat = (request: IncomingMessage, response: ServerResponse): void =>
    this.#receive(request, response, (body) => this.#chat(body, request, response));

  readonly embeddings = (request: IncomingMessage, response: ServerResponse): void =>
    this.#receive(request, response, ({ raw }) => this.#embeddings(raw, request, response));

  #receive(request: IncomingMessage, response: ServerResponse, onRequest: (body: ReadBody) => void): void {
    readBody(request, response, (text, bytes) => {
      this.#stats.received(bytes);
      let body: ReadBody;
      try {
        body = this.#bodies.read(text);
      } catch {
        refuse(response, 400, 'We could not parse the JSON body of your request.');
        return;
      }
      try {
        onRequest(body);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        refuse(response, 500, `The rehearsal failed: ${message}`);
      }
    });
  }

  #chat({ raw, tools }: ReadBody, request: IncomingMessage, response: ServerResponse): void {
    const call = readChat(raw, tools);
    if ('message' in call) {
      refuse(response, 400, call.message, { param: call.param });
      return;
    }
    const now = this.#clock.monotonic();
    const early = this.#window.check(now);
    if (early !== null) {
      this.#reject(response, early, now);
      return;
    }
    const outcome = rehearseBody(call.body, request.headers, this.#options, this.#failures.of);
    const late = this.#window.take(outcome.kind === 'completion' ? chargedTokens(outcome.body) : 0, now);
    if (late !== null) {
      this.#reject(response, late, now);
      return;
    }
    const limits = this.#window.headers(now);
    this.#stats.begin(outcome.agent);
    if (this.#isOut(response, outcome.agent, now)) return;
    this.#failures.record(outcome);
    if (outcome.failure !== null) this.#stats.planted(outcome.failure, outcome.agent);
    const delayMs = outcome.kind === 'hang' ? HANG_MAX_MS : outcome.latencyMs;
    this.#afterwards(response, delayMs, () => {
      if (outcome.kind === 'hang') request.socket.destroy();
      else if (outcome.kind === 'error') this.#fail(response, outcome, limits);
      else this.#complete(response, outcome.body, call, limits);
    });
  }

  #fail(response: ServerResponse, outcome: Extract<RehearsalOutcome, { kind: 'error' }>, limits: string[]): void {
    const { message, type, code } = outcome.body.error;
    refuse(response, outcome.status, message, { type, code, headers: [...flat(outcome.headers), ...limits] });
  }

  #complete(
    response: ServerResponse,
    completion: RawCompletion,
    wish: { stream: boolean; includeUsage: boolean },
    limits: string[],
  ): void {
    const { usage } = completion;
    this.#stats.answered(usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens);
    for (const call of completion.choices[0].message.tool_calls ?? []) this.#stats.toolCalled(call.function.name);
    if (!wish.stream) {
      answer(response, 200, JSON.stringify(completion), limits);
      return;
    }
    answer(
      response,
      200,
      eventsOf(completion, wish.includeUsage),
      ['cache-control', 'no-cache', ...limits],
      EVENTS_TYPE,
    );
  }

  #embeddings(raw: unknown, request: IncomingMessage, response: ServerResponse): void {
    const parsed = embeddingsSchema.safeParse(raw);
    if (!parsed.success) {
      const { message, param } = issueOf(parsed.error);
      refuse(response, 400, message, { param });
      return;
    }
    const now = this.#clock.monotonic();
    const early = this.#window.check(now);
    if (early !== null) {
      this.#reject(response, early, now);
      return;
    }
    const { body, tokens } = embed(parsed.data, this.#options.seed);
    const late = this.#window.take(tokens, now);
    if (late !== null) {
      this.#reject(response, late, now);
      return;
    }
    const limits = this.#window.headers(now);
    const header = request.headers['x-agent-id'];
    const agent = typeof header === 'string' && header !== '' ? header : '_embedder';
    this.#stats.begin(agent);
    if (this.#isOut(response, agent, now)) return;
    const random = streamOf(this.#options.seed, 'latency', '_embedder', ...inputsOf(parsed.data));
    this.#afterwards(response, sampleDelayMs(this.#options.latencyMs, random), () => {
      this.#stats.answered(tokens, 0, 0);
      answer(response, 200, JSON.stringify(body), limits);
    });
  }

  /** Answers with the outage, if there is one now. */
  #isOut(response: ServerResponse, agent: string, now: number): boolean {
    const status = this.#outage.statusAt(now);
    if (status === null) return false;
    this.#stats.planted('outage', agent);
    this.#stats.end();
    refuse(response, status, OUTAGE_TEXT, { type: 'server_error', code: 'outage' });
    return true;
  }

  #reject(response: ServerResponse, refusal: Refusal, now: number): void {
    this.#stats.rejected();
    const { type, message, retryAfterMs } = refusal;
    const wait =
      retryAfterMs === null
        ? []
        : ['retry-after', String(Math.ceil(retryAfterMs / 1_000)), 'retry-after-ms', String(retryAfterMs)];
    const code = type === 'insufficient_quota' ? type : 'rate_limit_exceeded';
    refuse(response, 429, message, { type, code, headers: [...wait, ...this.#window.headers(now)] });
  }

  /** Runs `finish` after the delay and ends the call, or ends it when the client is gone before. */
  #afterwards(response: ServerResponse, delayMs: number, finish: () => void): void {
    if (response.destroyed) {
      this.#stats.end();
      return;
    }
    if (delayMs <= 0) {
      this.#stats.end();
      finish();
      return;
    }
    let timer: TimerHandle | null = null;
    const onClose = (): void => {
      timer?.cancel();
      this.#stats.end();
    };
    response.once('close', onClose);
    timer = this.#clock.after(delayMs, () => {
      response.off('close', onClose);
      this.#stats.end();
      finish();
    });
  }
}
