/**
 * The plan of a run: asking a model for it, with bounded repairs, and what a run begins with once its agents are on the
 * roster. Pure but for the `complete` that it is given. What it does not do: call services or write the journal.
 */
import type { ChatAnswer, ChatMessage, ChatRequest, TokenUsage } from '../src/model/types.ts';
import type { SpawnOptions } from '../src/actor/definition.ts';
import {
  BOSS,
  checkPlan,
  clip,
  describeColleagues,
  fail,
  oneLine,
  planSchema,
  planForBoss,
  subordinatesOf,
  systemMail,
  USER,
  type AgentMail,
  type AgentSettings,
  type ChecklistItem,
  type Colleague,
  type Hired,
  type Limits,
  type Plan,
  type PlanAgent,
  type Recipient,
} from '../src/society/index.ts';
import { admin } from './admin.ts';
import { spawnOptionsOf, type AgentDefinition, type AgentInit } from './agent-types.ts';
import { boss } from './boss.ts';
import { ordinary } from './ordinary.ts';
import { PLANNER_PROMPT, plannerPrompt } from './prompts/planner.ts';
import type { PromptTexts } from './prompts/prompt.ts';
import { equippedAs, wholeTask } from './recruiting.ts';
import { shortened } from './kept-answer.ts';
import { CHARS_PER_TOKEN, presentableCalls } from './request.ts';
import { toolSpec } from './tools/tool.ts';

export const PLANNER = '_planner';
const GOAL_CHARS_MAX = 500;

const submitPlan = toolSpec({
  name: 'submit_plan',
  description:
    'Submit the plan. It is checked; when it is refused, the result says why: correct it and submit it again.',
  schema: planSchema,
});

export interface PlannerInput {
  readonly goal: string;
  readonly run: string;
  readonly limits: Limits;
  /** Prompts of the run's own. */
  readonly prompts?: PromptTexts;
  readonly temperature?: number;
  readonly maxTokens?: number;
}

/** The request for a plan; `earlier` holds the attempts so far and what was wrong with them. */
export const plannerRequest = (input: PlannerInput, earlier: readonly ChatMessage[] = []): ChatRequest => ({
  agent: PLANNER,
  run: input.run,
  level: 0,
  messages: [
    { role: 'system', content: plannerPrompt(input.goal, input.limits, input.prompts) },
    { role: 'user', content: `user: ${oneLine(input.goal, 20_000)}` },
    ...earlier,
  ],
  tools: [submitPlan],
  deadlineMs: input.limits.callDeadlineMs,
  ...(input.temperature === undefined ? {} : { temperature: input.temperature }),
  ...(input.maxTokens === undefined ? {} : { maxTokens: input.maxTokens }),
});

export type PlanReading =
  | { readonly ok: true; readonly plan: Plan }
  | {
      readonly ok: false;
      readonly issues: readonly string[];
      /** For the next request. */ readonly messages: readonly ChatMessage[];
    };

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** Reads an answer to a planner's request; when it holds no good plan, says so in messages for the next request. */
export const readPlan = (answer: ChatAnswer, limits: Limits, attempt: number): PlanReading => {
  const at = answer.toolCalls.findIndex((call) => call.function.name === 'submit_plan');
  const call = answer.toolCalls[at];
  if (call === undefined) {
    const issues = [`the answer (${answer.class}) does not call submit_plan`];
    const text = answer.refusal ?? answer.content ?? '';
    const said: ChatMessage[] = text.trim() === '' ? [] : [{ role: 'assistant', content: text }];
    const reminder = 'system: [remedy] why=format\n  Call submit_plan with your plan; nothing else is read.';
    return { ok: false, issues, messages: [...said, { role: 'user', content: reminder }] };
  }
  const raw = parse(call.function.arguments);
  const check =
    raw === undefined
      ? {
          ok: false as const,
          issues: [
            answer.class === 'truncated'
              ? 'the answer was too long and was cut off; plan fewer agents, in fewer words'
              : 'the arguments of submit_plan are not valid JSON',
          ],
        }
      : checkPlan(raw, limits);
  if (check.ok) return check;
  const calls = presentableCalls(answer.toolCalls, attempt);
  const refusal = fail(
    'INVALID_ARGUMENTS',
    `The plan is refused: ${check.issues.join('; ')}.`,
    'Correct it and submit it again.',
  );
  return {
    ok: false,
    issues: check.issues,
    messages: [
      { role: 'assistant', content: answer.content, tool_calls: calls },
      ...calls.map((shown, index) => ({
        role: 'tool' as const,
        tool_call_id: shown.id,
        content: JSON.stringify(
          index === at ? refusal : fail('UNKNOWN_TOOL', 'Only one submit_plan is read.', 'Call it once.'),
        ),
      })),
    ],
  };
};

/** A good plan that the person does not want, as issues and messages for the next request. */
const refusedPlan = (answer: ChatAnswer, why: string, attempt: number): Extract<PlanReading, { ok: false }> => {
  const refusal = fail('REJECTED', `The person does not want this plan: ${why}`, 'Submit another plan.');
  const calls = presentableCalls(answer.toolCalls, attempt);
  return {
    ok: false,
    issues: [`the person did not want the plan: ${why}`],
    messages: [
      { role: 'assistant', content: answer.content, tool_calls: calls },
      ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: JSON.stringify(refusal) })),
    ],
  };
};

export interface Planning {
  /** Null when no attempt gave a usable plan; the run then ends failed. */
  readonly plan: Plan | null;
  readonly calls: number;
  readonly usage: TokenUsage;
  readonly synthetic: boolean;
  readonly model: string | null;
  /** Of the last attempt. */
  readonly issues: readonly string[];
}

/**
 * Asks for a plan until one is good, at most `planAttemptsMax` times.
 * @param complete one model call; `attempt` counts from 0 and belongs into the effect id. What it throws goes on to the caller.
 * @param judge why a plan that is good is not wanted; null: it is
 */
export const makePlan = async (
  input: PlannerInput,
  complete: (request: ChatRequest, attempt: number) => Promise<ChatAnswer>,
  judge: (plan: Plan, attempt: number) => Promise<string | null> = () => Promise.resolve(null),
): Promise<Planning> => {
  const earlier: ChatMessage[] = [];
  const usage = { input: 0, cachedInput: 0, output: 0 };
  let last: ChatAnswer | null = null;
  let issues: readonly string[] = [];
  for (let attempt = 0; attempt < input.limits.planAttemptsMax; attempt += 1) {
    last = await complete(plannerRequest(input, earlier), attempt);
    usage.input += last.usage.input;
    usage.cachedInput += last.usage.cachedInput;
    usage.output += last.usage.output;
    const reading = readPlan(last, input.limits, attempt);
    const seen = { calls: attempt + 1, usage, synthetic: last.synthetic, model: last.model };
    const unwanted = reading.ok ? await judge(reading.plan, attempt) : null;
    if (reading.ok && unwanted === null) return { plan: reading.plan, ...seen, issues: [] };
    const refused = reading.ok ? refusedPlan(last, unwanted ?? '', attempt) : reading;
    issues = refused.issues;
    const most = (input.limits.historyTokensMax * CHARS_PER_TOKEN) / 2;
    earlier.push(...refused.messages.map((message) => shortened(message, { each: most, all: most })));
  }
  return {
    plan: null,
    calls: input.limits.planAttemptsMax,
    usage,
    synthetic: last?.synthetic ?? false,
    model: last?.model ?? null,
    issues,
  };
};

/** An agent to be spawned at the start of a run. */
export interface FirstAgent {
  readonly definition: AgentDefinition;
  readonly init: AgentInit;
  readonly address: Recipient;
  /** Its supervisor's address; null for the Boss. */
  readonly parent: Recipient | null;
  readonly options: SpawnOptions;
}

export interface Bootstrap {
  /** The Boss first, supervisors before their subordinates. */
  readonly agents: readonly FirstAgent[];
  readonly mail: readonly { readonly to: Recipient; readonly mail: AgentMail }[];
}

const LEVEL_DEFINITIONS = { boss, admin, ordinary } as const;

const checklistOf = (plan: Plan, owner: string): ChecklistItem[] =>
  plan.items.filter((item) => item.owner === owner).map((item) => ({ id: item.id, text: item.text, status: 'todo' }));

/** The agents of a plan, for looking up whom each has to do with. */
interface PlanIndex {
  readonly planned: ReadonlyMap<string, PlanAgent>;
  readonly groups: ReadonlyMap<string, readonly PlanAgent[]>;
  /** With whom each works: those it names, and those who name it. */
  readonly partners: ReadonlyMap<string, ReadonlySet<string>>;
}

const partnersOf = (plan: Plan): Map<string, Set<string>> => {
  const partners = new Map(plan.agents.map(({ name }) => [name, new Set<string>()]));
  for (const { name, collaborators } of plan.agents) {
    for (const other of collaborators) {
      partners.get(name)?.add(other);
      partners.get(other)?.add(name);
    }
  }
  return partners;
};

const colleagueOf = (name: string, { planned }: PlanIndex): Colleague =>
  planned.get(name) ?? { name, description: 'leads the whole run' };

/** What a planned agent has to do, and who else there is. */
const taskOf = (own: PlanAgent, index: PlanIndex, charsMax: number): string => {
  const partners = [...(index.partners.get(own.name) ?? [])].filter((name) => name !== own.name);
  const sections = [
    own.files.length === 0 ? [] : [`You are responsible for: ${own.files.join(', ')}`],
    describeColleagues(
      'You work with',
      partners.map((name) => colleagueOf(name, index)),
    ),
    describeColleagues(`Under ${own.supervisor} with you`, index.groups.get(own.supervisor) ?? [], [
      own.name,
      ...partners,
    ]),
    describeColleagues('Under you', index.groups.get(own.name) ?? []),
  ];
  const others = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return wholeTask(own.initial_prompt, others.join('\n\n'), charsMax);
};

/** Its supervisors, the Boss first. */
const aboveOf = (member: Hired, byName: ReadonlyMap<string, Hired>): string[] => {
  const above: string[] = [];
  for (let name = member.supervisor; name !== null && !above.includes(name);) {
    above.unshift(name);
    name = byName.get(name)?.supervisor ?? null;
  }
  return above;
};

/**
 * What a run begins with.
 * @param hired what the roster's command `found` answered for this plan
 * @param goal as the person gave it
 */
export const bootstrap = (
  plan: Plan,
  hired: readonly Hired[],
  goal: string,
  settings: Omit<AgentSettings, 'goal'>,
): Bootstrap => {
  const shared: AgentSettings = { ...settings, goal: oneLine(goal, GOAL_CHARS_MAX) };
  // Nobody who is hired plans.
  if (settings.prompts !== undefined) {
    const { [PLANNER_PROMPT.name]: _planner, ...prompts } = settings.prompts;
    shared.prompts = prompts;
  }
  const planned = new Map(plan.agents.map((agent) => [agent.name, agent]));
  const index: PlanIndex = { planned, groups: subordinatesOf(plan), partners: partnersOf(plan) };
  const byName = new Map(hired.map((member) => [member.name, member]));
  const agents = hired.map((member): FirstAgent => {
    const own = planned.get(member.name);
    const init: AgentInit = {
      name: member.name,
      above: aboveOf(member, byName),
      level: equippedAs(member),
      depth: member.depth,
      supervisor: member.supervisor ?? USER,
      slots: member.slots,
      description: own?.description ?? 'Lead the whole run to its goal.',
      initialPrompt:
        own === undefined
          ? `${clip(goal, settings.limits.promptCharsMax)}\n\n${planForBoss(plan)}`
          : taskOf(own, index, settings.limits.promptCharsMax),
      files: own?.files ?? [],
      planned: hired.filter((other) => other.supervisor === member.name).map((other) => other.name),
      checklist: checklistOf(plan, member.name),
      settings: shared,
    };
    const parent = member.supervisor === null ? undefined : byName.get(member.supervisor);
    return {
      definition: LEVEL_DEFINITIONS[init.level],
      init,
      address: { name: member.name, shard: member.shard, id: member.id },
      parent: parent === undefined ? null : { name: parent.name, shard: parent.shard, id: parent.id },
      options: spawnOptionsOf(init, member),
    };
  });
  const first = byName.get(BOSS);
  const start = systemMail('start', 'The plan is made and its agents are hired. Lead the work to the goal.');
  return {
    agents,
    mail: first === undefined ? [] : [{ to: { name: first.name, shard: first.shard, id: first.id }, mail: start }],
  };
};
