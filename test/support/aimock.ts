/**
 * A model server that is not the project's: aimock answers over HTTP, and its response factory asks the rehearsal's
 * pure core what to say. It keeps count of what it answered, by agent and by request. A test that needs a run to be in the
 * middle of its work holds the answers back, and the run stays there however fast or slow the machine is.
 */
import { createHash } from 'node:crypto';
import { LLMock } from '@copilotkit/aimock';
import { parseRehearsalOptions, rehearse } from '../../src/model/index.ts';

export interface Answered {
  readonly agent: string;
  /** sha256 of the request's messages. */
  readonly request: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools: readonly string[];
  /** When the answer was made, before it began its way back; milliseconds since the epoch. */
  readonly at: number;
}

export interface ModelServer {
  readonly baseUrl: string;
  /** Requests whose answer was sent in full, in order. */
  readonly answered: readonly Answered[];
  /** Requests received, answered or not. */
  readonly received: number;
  inFlight(): number;
  /** No answer is given any more, until `release`. */
  hold(): void;
  /** What was held back is answered, and everything that comes. */
  release(): void;
  headers(): readonly Record<string, string>[];
  stop(): Promise<void>;
}

const nameOf = (messages: readonly { role: string; content: unknown }[]): string => {
  const first = messages[0]?.content;
  return typeof first === 'string' ? (/^- name: (\S+)$/mu.exec(first)?.[1] ?? '_planner') : '_planner';
};

/** @param options.latencyMs how long every answer takes @param options.holdAfter answers, after which it holds */
export const startModelServer = async (options: {
  seed: number;
  latencyMs: number;
  rehearsal?: Record<string, unknown>;
  holdAfter?: number;
}): Promise<ModelServer> => {
  const rehearsal = parseRehearsalOptions({ ...options.rehearsal, latencyMs: 0 }, options.seed);
  const answered: Answered[] = [];
  let received = 0;
  let inFlight = 0;
  const holds = { answersLeft: options.holdAfter ?? Number.POSITIVE_INFINITY, over: Promise.withResolvers<void>() };
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
  mock.on({ predicate: () => true }, async (body) => {
    received += 1;
    inFlight += 1;
    await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
    while (holds.answersLeft < 1) await holds.over.promise;
    holds.answersLeft -= 1;
    inFlight -= 1;
    const outcome = rehearse({ body }, rehearsal);
    if (outcome.kind !== 'completion') return { error: { message: 'no answer' }, status: 500 };
    const messages = body.messages as readonly { role: string; content: unknown }[];
    answered.push({
      agent: nameOf(messages),
      request: createHash('sha256').update(JSON.stringify(messages)).digest('hex'),
      messages,
      tools: (body.tools ?? []).map((tool) => tool.function.name),
      at: Date.now(),
    });
    const { message } = outcome.body.choices[0];
    const { usage } = outcome.body;
    const override = {
      usage: {
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens,
      },
    };
    if (message.tool_calls === undefined) return { content: message.content ?? '', ...override };
    const toolCalls = message.tool_calls.map((call) => ({ id: call.id, ...call.function }));
    return message.content === null ? { toolCalls, ...override } : { content: message.content, toolCalls, ...override };
  });
  await mock.start();
  const release = (): void => {
    holds.answersLeft = Number.POSITIVE_INFINITY;
    holds.over.resolve();
    holds.over = Promise.withResolvers();
  };
  return {
    baseUrl: `${mock.url}/v1`,
    answered,
    get received() {
      return received;
    },
    inFlight: () => inFlight,
    hold: () => void (holds.answersLeft = 0),
    release,
    headers: () => mock.getRequests().map((entry) => entry.headers),
    stop: () => {
      release();
      return mock.stop();
    },
  };
};
