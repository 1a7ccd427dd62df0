/**
 * The plan of a run: its schema (`submit_plan`, `--plan FILE`, `RUN_DIR/plan.json`) and its checks. What it does not
 * do: hire anybody (`roster-hire.ts`) or talk to a model (the planner).
 *
 * Invariant P1: agents of a checked plan stand after their supervisors, and fit into the limits with their slots.
 */
import { z } from 'zod';
import type { Limits } from './limits.ts';
import { clip, oneLine } from './mail.ts';
import { BOSS, nameIssue } from './names.ts';

const planAgentSchema = z.object({
  name: z.string().describe('Unique name: 1 to 64 letters, digits, _ or -'),
  description: z.string().min(1).describe('One sentence: what this agent is responsible for'),
  initial_prompt: z.string().min(1).describe('The task: what to produce, in which files, how it will be judged'),
  supervisor: z.string().default(BOSS).describe('"Boss" or the name of another agent of the plan'),
  files: z.array(z.string().min(1).max(1_024)).default([]).describe('Files this agent is responsible for'),
  collaborators: z.array(z.string()).default([]).describe('Agents of the plan it works with'),
  slots: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('How many further agents it and those below it may hire; leave out to share evenly'),
});

const planItemSchema = z.object({
  id: z.string().min(1).max(64).describe('Short and unique'),
  text: z.string().min(1).max(2_000).describe('What is to be done'),
  owner: z.string().describe('"Boss" or the name of an agent of the plan'),
});

export const planSchema = z.object({
  goal: z.string().min(1).describe('The goal in your own words'),
  agents: z.array(planAgentSchema).describe('The agents to hire first'),
  items: z.array(planItemSchema).default([]).describe('What has to be done, each item with its owner'),
});

/** What a person may give: a field that nobody reads is a mistake there, and not talk. */
const givenPlanSchema = planSchema
  .extend({
    agents: z.array(planAgentSchema.strict()),
    items: z.array(planItemSchema.strict()).default([]),
  })
  .strict();

export type Plan = z.output<typeof planSchema>;
export type PlanAgent = z.output<typeof planAgentSchema>;

export type PlanCheck =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly issues: readonly string[] };

const ISSUES_MAX = 20;

const nameIssues = (plan: Plan): string[] => {
  const issues: string[] = [];
  const seen = new Set<string>();
  for (const [index, agent] of plan.agents.entries()) {
    const issue = nameIssue(agent.name);
    if (issue !== null) issues.push(`agents[${index}].name: ${issue}`);
    if (agent.name === BOSS) issues.push(`agents[${index}].name: "${BOSS}" is there already; leave it out of the plan`);
    if (seen.has(agent.name)) issues.push(`agents[${index}].name: "${agent.name}" occurs twice`);
    seen.add(agent.name);
  }
  return issues;
};

const referenceIssues = (plan: Plan): string[] => {
  const known = new Set([BOSS, ...plan.agents.map((agent) => agent.name)]);
  const issues: string[] = [];
  for (const agent of plan.agents) {
    const unknown = (name: string): boolean => !known.has(name);
    if (unknown(agent.supervisor)) {
      issues.push(`${agent.name}.supervisor: there is no agent "${agent.supervisor.slice(0, 80)}" in the plan`);
    }
    for (const name of agent.collaborators.filter(unknown)) {
      issues.push(`${agent.name}.collaborators: there is no agent "${name.slice(0, 80)}" in the plan`);
    }
  }
  const ids = new Set<string>();
  for (const [index, item] of plan.items.entries()) {
    if (!known.has(item.owner)) {
      issues.push(`items[${index}].owner: there is no agent "${item.owner.slice(0, 80)}" in the plan`);
    }
    if (ids.has(item.id)) issues.push(`items[${index}].id: "${item.id}" occurs twice`);
    ids.add(item.id);
  }
  return issues;
};

/** Direct subordinates by supervisor, in plan order. */
export const subordinatesOf = (plan: Plan): ReadonlyMap<string, readonly PlanAgent[]> => {
  const groups = new Map<string, PlanAgent[]>();
  for (const agent of plan.agents) {
    const group = groups.get(agent.supervisor);
    if (group === undefined) groups.set(agent.supervisor, [agent]);
    else group.push(agent);
  }
  return groups;
};

interface Order {
  readonly agents: readonly PlanAgent[];
  readonly depthOf: ReadonlyMap<string, number>;
}

/** Supervisors first, breadth first; agents on a cycle are left out. */
const order = (plan: Plan): Order => {
  const groups = subordinatesOf(plan);
  const agents: PlanAgent[] = [];
  const depthOf = new Map<string, number>([[BOSS, 0]]);
  for (const name of depthOf.keys()) {
    for (const agent of groups.get(name) ?? []) {
      if (depthOf.has(agent.name)) continue;
      depthOf.set(agent.name, (depthOf.get(name) ?? 0) + 1);
      agents.push(agent);
    }
  }
  return { agents, depthOf };
};

/** How many slots each agent of the plan needs at least: its own `slots`, or room for its planned subordinates. */
const requiredSlots = (plan: Plan, ordered: Order): { needs: ReadonlyMap<string, number>; issues: string[] } => {
  const groups = subordinatesOf(plan);
  const needs = new Map<string, number>();
  const issues: string[] = [];
  for (const agent of ordered.agents.toReversed()) {
    const below = (groups.get(agent.name) ?? []).reduce((sum, member) => sum + 1 + (needs.get(member.name) ?? 0), 0);
    if (agent.slots !== undefined && agent.slots < below) {
      issues.push(`${agent.name}.slots: ${agent.slots} is too few; its subordinates in the plan need ${below}`);
    }
    needs.set(agent.name, Math.max(agent.slots ?? 0, below));
  }
  return { needs, issues };
};

const shapeIssues = (plan: Plan, limits: Limits): string[] => {
  const ordered = order(plan);
  const issues: string[] = [];
  for (const agent of plan.agents) {
    const depth = ordered.depthOf.get(agent.name);
    if (depth === undefined) issues.push(`${agent.name}.supervisor: the supervisors go in a circle`);
    else if (depth > limits.depthMax) {
      issues.push(`${agent.name}: ${depth} levels below the Boss; at most ${limits.depthMax} are allowed`);
    }
  }
  for (const [name, group] of subordinatesOf(plan)) {
    if (group.length > limits.fanOutMax) {
      issues.push(`${name}: ${group.length} direct subordinates; at most ${limits.fanOutMax} are allowed`);
    }
  }
  const { needs, issues: slotIssues } = requiredSlots(plan, ordered);
  issues.push(...slotIssues);
  const total = (subordinatesOf(plan).get(BOSS) ?? []).reduce(
    (sum, agent) => sum + 1 + (needs.get(agent.name) ?? 0),
    1,
  );
  if (total > limits.agentsMax) {
    issues.push(`${total} agents with the Boss and all slots; at most ${limits.agentsMax} are allowed in this run`);
  }
  return issues;
};

const checked = (
  schema: typeof planSchema,
  raw: unknown,
  limits: Limits,
  moreIssues: (plan: Plan) => string[] = () => [],
): PlanCheck => {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'plan'}: ${issue.message}`);
    return { ok: false, issues: issues.slice(0, ISSUES_MAX) };
  }
  const plan = parsed.data;
  let issues = [...nameIssues(plan), ...referenceIssues(plan), ...moreIssues(plan)];
  // The shape can only be judged when every name is good and known.
  if (issues.length === 0) issues = shapeIssues(plan, limits);
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, ISSUES_MAX) };
  return { ok: true, plan: { ...plan, agents: [...order(plan).agents] } };
};

/**
 * Checks what a model gave as a plan. Fields that no plan has are left out.
 * @returns the plan with supervisors first, or every issue in words (at most 20)
 */
export const checkPlan = (raw: unknown, limits: Limits): PlanCheck => checked(planSchema, raw, limits);

/**
 * Checks what a person gave as a plan: the same, and fields that no plan has and files that nobody could write are issues.
 * @param pathIssue why a file cannot have this path, or null
 */
export const checkGivenPlan = (raw: unknown, limits: Limits, pathIssue: (path: string) => string | null): PlanCheck =>
  checked(givenPlanSchema, raw, limits, ({ agents }) =>
    agents.flatMap(({ name, files }) =>
      files.flatMap((path) => {
        const issue = pathIssue(path);
        return issue === null ? [] : [`${name}.files: ${issue}`];
      }),
    ),
  );

export interface PlannedSlots {
  /** Slots that each agent holds once everybody of the plan is hired; the Boss included. */
  readonly slots: ReadonlyMap<string, number>;
}

/** Hands slots down a checked plan: `slots` of the plan as they are, the rest of a budget evenly to those without. */
export const plannedSlots = (plan: Plan, limits: Limits): PlannedSlots => {
  const ordered = order(plan);
  const groups = subordinatesOf(plan);
  const { needs } = requiredSlots(plan, ordered);
  const slots = new Map<string, number>([[BOSS, limits.agentsMax - 1]]);
  for (const name of [BOSS, ...ordered.agents.map((agent) => agent.name)]) {
    const group = groups.get(name) ?? [];
    const budget = slots.get(name) ?? 0;
    const needed = group.reduce((sum, agent) => sum + 1 + (needs.get(agent.name) ?? 0), 0);
    const open = group.filter(
      (agent) => agent.slots === undefined && (ordered.depthOf.get(agent.name) ?? 0) < limits.depthMax,
    );
    const share = open.length === 0 ? 0 : Math.floor((budget - needed) / open.length);
    for (const agent of group) slots.set(agent.name, (needs.get(agent.name) ?? 0) + (open.includes(agent) ? share : 0));
    slots.set(name, budget - needed - share * open.length);
  }
  return { slots };
};

const PLAN_WORDS = {
  hired: { nobody: 'Nobody is hired yet.', agents: 'Agents, already hired:' },
  proposed: { nobody: 'Nobody but the Boss would be hired.', agents: 'Agents that would be hired:' },
} as const;

/** The plan as text. */
export const renderPlan = (plan: Plan, standing: keyof typeof PLAN_WORDS = 'hired'): string => {
  const words = PLAN_WORDS[standing];
  const agents = plan.agents.map(
    (agent) =>
      `- ${agent.name} (under ${agent.supervisor}): ${agent.description}${
        agent.files.length === 0 ? '' : ` Files: ${agent.files.join(', ')}.`
      }`,
  );
  const items = plan.items.map((item) => `- ${item.id} (${item.owner}): ${item.text}`);
  return [
    `The plan of this run. Goal: ${plan.goal}`,
    ...(agents.length === 0 ? [words.nobody] : [words.agents, ...agents]),
    ...(items.length === 0 ? [] : ['Items:', ...items]),
  ].join('\n');
};

/** Of each kind in the Boss's prompt. */
const ROWS_MAX = 60;
const ROW_CHARS_MAX = 240;

/**
 * The plan as the Boss has it in its prompt: whole while it is small. Of a large one first those directly under the Boss and
 * its own items, a line each, and how many more there are; those who lead have the rest, each its own part.
 */
export const planForBoss = (plan: Plan): string => {
  const ofBossFirst = <Row>(rows: readonly Row[], isOwn: (row: Row) => boolean): Row[] => [
    ...rows.filter(isOwn),
    ...rows.filter((row) => !isOwn(row)),
  ];
  const agents = ofBossFirst(plan.agents, ({ supervisor }) => supervisor === BOSS);
  const items = ofBossFirst(plan.items, ({ owner }) => owner === BOSS);
  const short = renderPlan({
    goal: clip(plan.goal, 2_000),
    agents: agents.slice(0, ROWS_MAX).map((agent) => ({
      ...agent,
      description: oneLine(agent.description, ROW_CHARS_MAX),
      files: agent.files.length === 0 ? [] : [oneLine(agent.files.join(', '), ROW_CHARS_MAX)],
    })),
    items: items.slice(0, ROWS_MAX).map((item) => ({ ...item, text: oneLine(item.text, ROW_CHARS_MAX) })),
  });
  const left = [
    ...(agents.length > ROWS_MAX ? [`${agents.length - ROWS_MAX} more agents`] : []),
    ...(items.length > ROWS_MAX ? [`${items.length - ROWS_MAX} more items`] : []),
  ];
  return left.length === 0 ? short : `${short}\nand ${left.join(' and ')}.`;
};
