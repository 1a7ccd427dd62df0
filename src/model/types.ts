/**
 * Chat models: the shapes of a request and an answer, and the interface that every model implements. Messages have the
 * shape of OpenAI chat completions, so that an adapter passes them on as they are.
 */
import type { LimitReadings } from './gate/rate-limit.ts';

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  /** `arguments` is the JSON text as the model gave it; it may be broken. */
  readonly function: { readonly name: string; readonly arguments: string };
}

export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls?: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

export interface ToolSpec {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description: string;
    /** JSON Schema of the arguments. */
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

export interface ChatRequest {
  /** On whose account the call goes: an agent's name, or `_planner`. Sent as the header `x-agent-id`. */
  readonly agent: string;
  /** What the header says instead, when a part of the runtime asks for the agent: `_compactor`. */
  readonly sentAs?: string;
  /** Sent as the header `x-run-id`. */
  readonly run: string;
  /** 0 Boss, 1… Admins, larger is Ordinary: for the order in the gate. */
  readonly level: number;
  /** What the agent is; absent for calls of the runtime itself (`_planner` …). */
  readonly role?: 'boss' | 'admin' | 'ordinary';
  /** The Admins above the agent, the Boss first: their groups' budgets count its calls. */
  readonly above?: readonly string[];
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ToolSpec[];
  readonly temperature?: number;
  readonly maxTokens?: number;
  /**
   * Longest time on the wire for one call, over all its requests. Waiting in the gate does not count: with hundreds of
   * agents behind a small server it is normal. Default 300,000.
   */
  readonly deadlineMs?: number;
}

export interface TokenUsage {
  readonly input: number;
  /** The part of `input` that the provider served from its cache. */
  readonly cachedInput: number;
  readonly output: number;
  /** The part of `output` that the model thought and did not say, when the server says so. */
  readonly reasoning?: number;
  /** The server did not say: all of it is estimated by the gate, or 0 before it has been there. */
  readonly unsaid?: true;
}

/** What became of an answer, judged on its form alone. */
export type AnswerClass = 'tools' | 'prose' | 'empty' | 'refusal' | 'truncated' | 'filtered' | 'bad-json';

export interface ChatAnswer {
  /** The model as the server names it. */
  readonly model: string;
  /** True when no language model made this text. */
  readonly synthetic: boolean;
  readonly content: string | null;
  readonly toolCalls: readonly ToolCall[];
  readonly refusal: string | null;
  readonly finishReason: 'stop' | 'tool_calls' | 'length' | 'content_filter' | 'unknown';
  readonly class: AnswerClass;
  readonly usage: TokenUsage;
  /** From the first request to the answer, retries included. */
  readonly latencyMs: number;
  /** Requests sent to the server for this answer. */
  readonly attempts: number;
  /** The route of the gate that answered, as the run's configuration names the model. */
  readonly route?: string;
  /** How long the call waited in the gate before its first request. */
  readonly queueMs?: number;
  /** From the last request to the first piece of text; only of a call that was streamed. */
  readonly firstTokenMs?: number;
}

/** An answer with how it came about. */
export interface ServedAnswer extends ChatAnswer {
  /** Received before, and only handed out again. */
  readonly joined: boolean;
  /** How many processes had sent the same call and died before its answer was journaled. */
  readonly repeats: number;
}

/** What a model tells while it makes a call. */
export interface CallHooks {
  /** The request leaves for the server: from then on it may have to be paid for. */
  readonly onSent?: () => void;
  /** What the server's headers say about its limits, before the answer is handed over. */
  readonly onLimits?: (readings: LimitReadings) => void;
  /** Each piece of text as it comes. With this the answer is streamed. */
  readonly onDelta?: (text: string) => void;
}

export interface ChatModel {
  /** As on the command line: `openai:NAME`, `rehearsal`, `cassette:FILE`. */
  readonly name: string;
  readonly synthetic: boolean;
  /**
   * One request, no retries.
   * @throws MODEL_*, ABORTED; `details.limits` has the `LimitReadings` of an error's headers, if there were any
   */
  complete(request: ChatRequest, signal: AbortSignal, hooks?: CallHooks): Promise<ChatAnswer>;
  close(): Promise<void>;
}
