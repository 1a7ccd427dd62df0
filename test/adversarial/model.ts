/**
 * A chat model that misbehaves, and its own record of what it was asked and what it said: whom it answers how follows from
 * the seed, the agent and what the agent's history shows, and for failures from how often the same was asked before.
 */
import {
  classifyCompletion,
  type CallHooks,
  type ChatAnswer,
  type ChatModel,
  type ChatRequest,
} from '../../src/model/index.ts';
import type { Clock } from '../../src/platform/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import { hashString } from '../../src/protocol/ids.ts';
import { BOSS } from '../../src/society/index.ts';
import { speak, type Kind } from './behaviours.ts';
import { addressesOf, kindOf, modelOf, newNamesOf, pathsOf, type Trial } from './draw.ts';
import { between, chance, pick, streamOf } from './random.ts';
import type { Said } from './said.ts';

export const PLANNER = '_planner';
const BASES_MAX = 6;
/** How often in a row the same request is refused; most agents are given up before the fourth time. */
const REFUSAL_MS = [0, 0, 500, 15_000, 45_000] as const;
const REFUSALS = [1, 2, 3, 3, 4, Number.POSITIVE_INFINITY] as const;
const TIMEOUT_MS = 60_000;
/** A line of a mail's own would be indented. */
const FINAL = /^system: \[final-review\]/mu;
const CHILD_FAILED = /^system: \[child-failed\] agent=(?<agent>\S+)/gmu;

/** One answer, as the model remembers it. */
export interface Spoken {
  readonly agent: string;
  /** The part of the runtime that asked, if it was not the agent itself. */
  readonly sentAs: string | null;
  readonly kind: Kind;
  readonly class: ChatAnswer['class'];
  /** The Admins in whose groups the answer counts, the agent's own included if it leads one. */
  readonly groups: readonly string[];
  /** Names of the tools that were called. */
  readonly tools: readonly string[];
  /** The agent had been asked for the final review. */
  readonly afterFinalReview: boolean;
  readonly usage: ChatAnswer['usage'];
  /** By the wall clock. */
  readonly atMs: number;
}

/** Texts are counted here with all that quotes them, so that they come to no more tokens than the product reserves. */
const CHARS_PER_TOKEN = 16;

/** The body of a chat completion. */
export const completionOf = (said: Said, promptChars: number): unknown => ({
  id: 'adversary',
  object: 'chat.completion',
  created: 0,
  model: 'adversary',
  synthetic: true,
  choices: [
    {
      index: 0,
      finish_reason: said.finish ?? 'stop',
      message: {
        role: 'assistant',
        content: said.content ?? null,
        refusal: said.refusal ?? null,
        ...(said.calls === undefined
          ? {}
          : { tool_calls: said.calls.map((one, index) => ({ id: `c${index}`, type: 'function', function: one })) }),
      },
    },
  ],
  usage: {
    prompt_tokens: Math.ceil(promptChars / CHARS_PER_TOKEN),
    completion_tokens: 5,
    total_tokens: Math.ceil(promptChars / CHARS_PER_TOKEN) + 5,
  },
});

/** What an agent has heard and said so far, without what changes with time alone. */
const storyOf = ({ messages }: Pick<ChatRequest, 'messages'>): string =>
  JSON.stringify(
    messages.filter(({ role, content }) => role !== 'system' && content?.startsWith('(situation)') !== true),
  );

const CALL_FAILED =
  /^\{"ok":false,"error":\{"code":"(?:UNKNOWN_TOOL|INVALID_ARGUMENTS","message":"(?:Wrong arguments for|The arguments of))/u;

/** How many answers at the end of what is shown were answered with a reminder, or with nothing but refused calls. */
export const repairsIn = (agent: string, messages: ChatRequest['messages']): number => {
  let repairs = 0;
  let results: string[] = [];
  for (const message of messages.toReversed()) {
    if (message.role === 'tool') {
      results.push(message.content);
    } else if (message.role === 'assistant') {
      if (message.tool_calls !== undefined) {
        if (!results.every((result) => CALL_FAILED.test(result))) return repairs;
        repairs += 1;
      }
      results = [];
    } else if (message.role === 'user' && !message.content.startsWith('(situation)')) {
      if (!message.content.startsWith(`system: [remedy] agent=${agent} why=format`)) return repairs;
      repairs += 1;
    }
  }
  return repairs;
};

const basesIn = (story: string): readonly string[] =>
  [...story.matchAll(/base\\?":\\?"(?<base>[0-9a-f]{40})/gu)]
    .map(({ groups }) => groups?.['base'] ?? '')
    .slice(-BASES_MAX);

const planOf = ({ plan }: Trial): Said => ({
  finish: 'tool_calls',
  calls: [
    {
      name: 'submit_plan',
      arguments: JSON.stringify({
        goal: 'the goal',
        agents: plan.members.map((member) => ({
          ...member,
          description: `does the part of ${member.name}`,
          initial_prompt: `Write your part. You are ${member.name}.`,
          collaborators: [],
        })),
        items: plan.items.map((item) => ({ ...item, text: `the part ${item.id}` })),
      }),
    },
  ],
});

/** Answers of the planner so far that held no plan: each was followed by a reminder, or by results of its calls. */
const planless = (messages: ChatRequest['messages']): number =>
  messages.filter((one) => one.role === 'user' || (one.role === 'assistant' && one.tool_calls !== undefined)).length -
  1;

const leads = ({ role }: ChatRequest): boolean => role === 'boss' || role === 'admin';

/** What is said to a request, by whom it comes from. Pure. */
export const sayTo = (
  trial: Trial,
  request: Pick<ChatRequest, 'agent' | 'messages' | 'tools' | 'sentAs'>,
): { readonly said: Said; readonly kind: Kind; readonly story: string } => {
  const { seed } = trial;
  const { agent, messages } = request;
  const story = storyOf(request);
  const answers = messages.filter(({ role }) => role === 'assistant').length;
  if (agent === PLANNER && planless(messages) >= trial.planlessAnswers) {
    return { said: planOf(trial), kind: 'good', story };
  }
  const kind = agent === PLANNER ? 'mixed' : kindOf(trial, agent);
  const random = streamOf(seed, agent, request.sentAs ?? '', hashString(story));
  const token = `${agent}${hashString(story, seed).toString(36)}`;
  const words = {
    addresses: addressesOf(trial, agent),
    newNames: newNamesOf(random),
    paths: pathsOf(agent),
    bases: basesIn(story),
    token,
  };
  const own = streamOf(seed, 'own', agent);
  return { said: speak(kind, { seed, agent, request, answers, random, own, words }), kind, story };
};

export class Adversary implements ChatModel {
  readonly name: string;
  readonly synthetic = true;
  readonly spoken: Spoken[] = [];
  /** Whoever was asked for anything. */
  readonly asked = new Set<string>();
  /** Requests that came to no answer: in a later process, whoever asks again is counted. */
  unanswered = 0;
  inFlight = 0;
  /** Agents of whose end somebody was told. */
  readonly lamented = new Set<string>();
  /** Answers that could not be used and that a request shows in a row: most of them, by agent. */
  readonly repairs = new Map<string, number>();
  readonly #trial: Trial;
  readonly #clock: Clock;
  readonly #attempts = new Map<string, number>();
  #askedFinally = false;

  constructor(trial: Trial, clock: Clock) {
    this.name = modelOf(trial);
    this.#trial = trial;
    this.#clock = clock;
  }

  async complete(request: ChatRequest, signal: AbortSignal, hooks?: CallHooks): Promise<ChatAnswer> {
    hooks?.onSent?.();
    this.asked.add(request.agent);
    this.inFlight += 1;
    try {
      return await this.#answer(request, signal);
    } catch (error) {
      this.unanswered += 1;
      throw error;
    } finally {
      this.inFlight -= 1;
    }
  }

  async close(): Promise<void> {}

  async #answer(request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> {
    const { agent, sentAs = null, messages } = request;
    const { said, kind, story } = sayTo(this.#trial, request);
    const key = `${agent} ${sentAs} ${hashString(story)}`;
    if (sentAs === null) this.repairs.set(agent, Math.max(this.repairs.get(agent) ?? 0, repairsIn(agent, messages)));
    // The window may leave it behind.
    this.#askedFinally ||=
      agent === BOSS && messages.some(({ role, content }) => role === 'user' && FINAL.test(content));
    for (const { role, content } of messages) {
      if (role !== 'user') continue;
      for (const { groups } of content.matchAll(CHILD_FAILED)) this.lamented.add(groups?.['agent'] ?? '');
    }
    const attempt = this.#attempts.get(key) ?? 0;
    this.#attempts.set(key, attempt + 1);
    const random = streamOf(this.#trial.seed, 'time', key, attempt);
    const most = kind === 'slow' ? between(random, 5_000, 100_000) : this.#trial.latencyMs;
    const latencyMs = between(random, 0, most);
    if (kind === 'failing') await this.#fail(key, attempt, signal);
    else if (agent !== PLANNER && chance(streamOf(this.#trial.seed, 'refused', key), this.#trial.refused)) {
      await this.#refuse(key, attempt, signal);
    }
    await this.#sleep(latencyMs, signal);
    const answer = classifyCompletion(completionOf(said, story.length), {
      model: 'adversary',
      synthetic: true,
      latencyMs,
      idSeed: `${agent}/${messages.length}`,
    });
    this.spoken.push({
      agent,
      sentAs,
      kind,
      class: answer.class,
      groups: leads(request) ? [...(request.above ?? []), agent] : (request.above ?? []),
      tools: answer.toolCalls.map((call) => call.function.name),
      afterFinalReview: agent === BOSS && this.#askedFinally,
      usage: answer.usage,
      atMs: this.#clock.now(),
    });
    return answer;
  }

  /** @throws what a server in trouble says; what the same history gets is drawn once */
  async #fail(key: string, attempt: number, signal: AbortSignal): Promise<void> {
    const random = streamOf(this.#trial.seed, 'trouble', key);
    if (chance(random, 0.5)) return;
    const trouble = pick(random, ['timeout', 'server', 'server', 'refused'] as const);
    if (trouble === 'refused') return this.#refuse(key, attempt, signal);
    if (attempt >= 2) return;
    if (trouble === 'server') throw new MegactorError('MODEL_SERVER', 'the server fails');
    await this.#sleep(TIMEOUT_MS, signal);
    throw new MegactorError('MODEL_TIMEOUT', 'the server did not answer');
  }

  /** @throws so often that its agent goes on after it, or is given up; some servers take their time for it */
  async #refuse(key: string, attempt: number, signal: AbortSignal): Promise<void> {
    const random = streamOf(this.#trial.seed, 'refusal', key);
    if (attempt >= pick(random, REFUSALS)) return;
    await this.#sleep(pick(random, REFUSAL_MS), signal);
    throw new MegactorError('MODEL_BAD_REQUEST', 'the server does not like this request');
  }

  async #sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(delayMs, signal);
    } catch {
      throw new MegactorError('ABORTED', 'the call was cancelled');
    }
  }
}
