/**
 * The rehearsal's core: a chat completion request, as it comes over the wire, to what a server would answer. What it
 * does not do: wait, send, keep anything.
 *
 * 1. Pure: a function of the options (seed included), the agent's name, the set of its mails and its own earlier
 *    actions; never of order, grouping or time. Only failures on the way also depend on how often the same answer has
 *    failed on the way before, which the caller counts.
 * 2. Every text says that it is synthetic.
 */
import { hashString } from '../../protocol/ids.ts';
import { sample, sampleDelayMs, streamOf } from './draw.ts';
import { decideChat } from './chat.ts';
import { badAnswers, drawFailure, keyOf, misspeak, speak, type SpokenAnswer } from './failures.ts';
import { decideLead } from './lead.ts';
import { decidePlanner } from './planner.ts';
import { Progress, readPersona, type Decision } from './progress.ts';
import { writeSummary } from './summary.ts';
import { decideTeam } from './team.ts';
import { readTranscript, requestSchema, type Transcript, type WireBody } from './transcript.ts';
import { decideWorker } from './worker.ts';
import type { FailureKind, RehearsalOptions } from './options.ts';

/** How long a rehearsed 429 asks to wait. */
const RETRY_AFTER_MS = 200;
/** Characters per token of the estimate: about right for English and JSON. */
const CHARACTERS_PER_TOKEN = 4;
/** Providers cache prompts from this length on, in these steps. */
const CACHE_TOKENS_MIN = 1024;
const CACHE_TOKENS_STEP = 128;

/** What is played instead of the rehearsal's own scenarios: who answers, and under what name. */
export interface Script {
  /** The model as answers name it: `playbook:NAME`. */
  readonly name: string;
  /** A pure function. Summaries for `_compactor` are not asked of it. @param offered the request's tools */
  readonly decide: (agent: string, progress: Progress, offered: ReadonlySet<string>) => Decision;
}

export interface WireRequest {
  /** Names in lower case. Without `x-agent-id` the name is read from the prompt. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The parsed JSON body. */
  readonly body: unknown;
}

/** A chat completion as a server sends it. */
export interface RawCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  readonly model: string;
  readonly synthetic: true;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly message: {
        readonly role: 'assistant';
        readonly content: string | null;
        readonly refusal: string | null;
        readonly tool_calls?: readonly {
          readonly id: string;
          readonly type: 'function';
          readonly function: { readonly name: string; readonly arguments: string };
        }[];
      };
      readonly logprobs: null;
      readonly finish_reason: 'stop' | 'tool_calls';
    },
  ];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

interface OutcomeBase {
  /** Names the answer, to count its failures on the way. */
  readonly key: string;
  readonly agent: string;
  /** What the answer does wrong on purpose. */
  readonly failure: FailureKind | null;
  readonly latencyMs: number;
}

/** What a server does with the request, after `latencyMs`. */
export type RehearsalOutcome =
  | (OutcomeBase & { readonly kind: 'completion'; readonly body: RawCompletion })
  | (OutcomeBase & {
      readonly kind: 'error';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: { readonly error: { readonly message: string; readonly type: string; readonly code: string } };
    })
  | (OutcomeBase & { readonly kind: 'hang' });

const agentOf = (headers: WireRequest['headers'], transcript: Transcript): string => {
  const header = headers?.['x-agent-id'];
  const name = typeof header === 'string' ? header : header?.[0];
  if (name !== undefined && name !== '') return name;
  return transcript.facts.get('name') ?? (transcript.offered.has('submit_plan') ? '_planner' : 'agent');
};

const COMPACTOR = '_compactor';

const decide = (
  transcript: Transcript,
  progress: Progress,
  agent: string,
  { options, script }: { options: RehearsalOptions; script: Script | undefined },
): Decision => {
  // A summary can only fail on the way, as waiting can: there is nothing in it to get wrong.
  if (agent === COMPACTOR) return { text: writeSummary(transcript.story), waiting: true };
  if (script !== undefined) return script.decide(agent, progress, transcript.offered);
  if (options.scenario === 'chat') return decideChat(progress, options, agent);
  if (agent === '_planner' || transcript.offered.has('submit_plan')) {
    return decidePlanner(transcript, progress, options);
  }
  if (options.scenario === 'team') return decideTeam(progress, options);
  return progress.persona.level === 'Ordinary' ? decideWorker(progress, options) : decideLead(progress, options);
};

const NO_TOOLS: readonly unknown[] = [];
/** By the checked tools, which nobody changes and a server uses for many requests. */
const toolCharacters = new WeakMap<object, number>();

const charactersOf = (tools: readonly unknown[]): number => {
  const known = toolCharacters.get(tools);
  if (known !== undefined) return known;
  const characters = JSON.stringify(tools).length;
  toolCharacters.set(tools, characters);
  return characters;
};

/** Characters of the whole request, and of the part that the agent's previous request shared with it. */
const lengths = (body: WireBody): { all: number; shared: number } => {
  let all = charactersOf(body.tools ?? NO_TOOLS);
  let shared = 0;
  for (const message of body.messages) {
    // Everything before the agent's last answer was in its previous request, word for word.
    if (message.role === 'assistant') shared = all;
    all += message.content.length;
    for (const call of message.tool_calls ?? []) all += call.function.name.length + call.function.arguments.length;
  }
  return { all, shared };
};

const usageOf = (
  body: WireBody,
  spoken: SpokenAnswer,
  options: RehearsalOptions,
  key: string,
): RawCompletion['usage'] => {
  const random = streamOf(options.seed, 'tokens', key);
  const { all, shared } = lengths(body);
  const said =
    (spoken.content ?? spoken.refusal ?? '').length +
    spoken.calls.reduce((sum, call) => sum + call.tool.length + call.arguments.length, 0);
  const tokens = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);
  const sharedTokens = tokens(shared);
  const cachedEstimate = sharedTokens < CACHE_TOKENS_MIN ? 0 : sharedTokens - (sharedTokens % CACHE_TOKENS_STEP);
  const { input, cachedInput, output } = options.tokens;
  const prompt = input === undefined ? tokens(all) : Math.round(sample(input, random));
  const cached = cachedInput === undefined ? cachedEstimate : Math.round(sample(cachedInput, random));
  const completion = output === undefined ? tokens(said) : Math.round(sample(output, random));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: Math.min(cached, prompt) },
  };
};

const completionOf = (
  body: WireBody,
  spoken: SpokenAnswer,
  options: RehearsalOptions,
  identity: { agent: string; key: string; answers: number; model: string },
): RawCompletion => {
  const stamp = hashString(`${identity.agent}/${identity.answers}`, options.seed | 0)
    .toString(16)
    .padStart(8, '0');
  const calls = spoken.calls.map((call, index) => ({
    id: `call_${stamp}_${identity.answers}_${index}`,
    type: 'function' as const,
    function: { name: call.tool, arguments: call.arguments },
  }));
  return {
    id: `chatcmpl-rehearsal-${stamp}`,
    object: 'chat.completion',
    created: 0,
    // Whatever was asked for: no other model wrote this.
    model: identity.model,
    synthetic: true,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: spoken.content,
          refusal: spoken.refusal,
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: calls.length === 0 ? 'stop' : 'tool_calls',
      },
    ],
    usage: usageOf(body, spoken, options, `${identity.agent}/${identity.key}/${identity.answers}`),
  };
};

const onTheWay = (base: OutcomeBase): RehearsalOutcome | null => {
  const error = (status: number, code: string, headers: Record<string, string>): RehearsalOutcome => ({
    ...base,
    kind: 'error',
    status,
    headers,
    body: { error: { message: 'a failure that the rehearsal was asked for', type: code, code } },
  });
  switch (base.failure) {
    case 'http429':
      return error(429, 'rate_limit_exceeded', { 'retry-after-ms': String(RETRY_AFTER_MS), 'retry-after': '1' });
    case 'http500':
      return error(500, 'server_error', {});
    case 'timeout':
      return { ...base, kind: 'hang' };
    default:
      return null;
  }
};

/**
 * What a server of the rehearsal does with `request`.
 * @param failedBefore how often the answer with this key has failed on the way already; default never
 * @param script played instead of the scenario of `options`
 */
export const rehearse = (
  request: WireRequest,
  options: RehearsalOptions,
  failedBefore: (key: string) => number = () => 0,
  script?: Script,
): RehearsalOutcome => {
  const parsed = requestSchema.safeParse(request.body);
  if (!parsed.success) {
    const body = {
      error: { message: 'not a chat completion request', type: 'invalid_request_error', code: 'invalid' },
    };
    const nobody = { key: 'invalid', agent: 'agent', failure: null, latencyMs: 0 };
    return { ...nobody, kind: 'error', status: 400, headers: {}, body };
  }
  return rehearseBody(parsed.data, request.headers, options, failedBefore, script);
};

/** `rehearse` for a body that has been parsed already. */
export const rehearseBody = (
  wire: WireBody,
  headers: WireRequest['headers'],
  options: RehearsalOptions,
  failedBefore: (key: string) => number,
  script?: Script,
): RehearsalOutcome => {
  const transcript = readTranscript(wire);
  const agent = agentOf(headers, transcript);
  const progress = new Progress(transcript, readPersona(transcript, agent));
  const decision = decide(transcript, progress, agent, { options, script });
  const bad = badAnswers(progress);
  const action = keyOf(decision, progress);
  // Many agents have the one compactor.
  const drawn = agent === COMPACTOR ? `${agent}/${progress.persona.name}` : agent;
  const key = `${drawn}/${hashString(action).toString(36)}/${bad}`;
  const attempt = failedBefore(key);
  const failing = drawFailure(options, drawn, decision, action, [bad, attempt]);
  const latencyMs = sampleDelayMs(options.latencyMs, streamOf(options.seed, 'latency', key, attempt));
  const failed = onTheWay({ key, agent, failure: failing, latencyMs });
  if (failed !== null) return failed;
  const wrong =
    failing === null ? null : misspeak(decision, failing, progress, streamOf(options.seed, 'wrong', key, attempt));
  const spoken = wrong ?? speak(decision);
  const failure = wrong === null ? null : failing;
  const model = script?.name ?? 'rehearsal';
  const identity = { agent: drawn, key: action, answers: progress.answers.length, model };
  const body = completionOf(wire, spoken, options, identity);
  return { kind: 'completion', key, agent, failure, latencyMs, body };
};
