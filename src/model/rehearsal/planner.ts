/**
 * The rehearsal's plan: fills the run with agents exactly, unless a shape says how many. What it does not do: hire; the
 * groups do that with the slots they get.
 */
import { groupNames } from './vocabulary.ts';
import { factNumber, waiting, type Decision, type Progress } from './progress.ts';
import { agentsOfShape, type RehearsalOptions } from './options.ts';
import type { Transcript } from './transcript.ts';

/** Runs of at most this many agents have no Admins. */
const FLAT_AGENTS_MAX = 5;
const TEAM_WORKERS = 5;
const PLAN_TRIES_MAX = 3;

export interface PlannedAgent {
  readonly name: string;
  readonly description: string;
  readonly initial_prompt: string;
  readonly supervisor: string;
  readonly files: readonly string[];
  readonly collaborators: readonly string[];
  readonly slots: number;
}

export interface SubmittedPlan {
  readonly goal: string;
  readonly agents: readonly PlannedAgent[];
  readonly items: readonly { readonly id: string; readonly text: string; readonly owner: string }[];
}

/** Slots of every Admin: `count` Admins share what is left, the first ones get the odd ones. */
const slotsOf = (options: RehearsalOptions, agents: number, count: number): number[] => {
  const each = options.shape?.workersPerAdmin;
  if (each !== undefined) return Array.from({ length: count }, () => each);
  const slots = agents - 1 - count;
  return Array.from({ length: count }, (_, index) => Math.floor(slots / count) + (index < slots % count ? 1 : 0));
};

const adminCount = (options: RehearsalOptions, agents: number, fanOut: number): number => {
  const set = options.shape?.admins;
  if (set !== undefined) return set;
  if (options.scenario === 'team') {
    const admins = Math.max(1, Math.round((agents - 1) / (TEAM_WORKERS + 1)));
    return Math.min(admins, fanOut, agents - 1);
  }
  if (agents <= FLAT_AGENTS_MAX) return 0;
  return Math.min(Math.round(Math.sqrt(agents)), fanOut);
};

/** The plan for `agents` agents, the Boss included. */
export const makePlan = (options: RehearsalOptions, goal: string, agents: number, fanOut: number): SubmittedPlan => {
  const total = Math.max(1, agentsOfShape(options) ?? agents);
  const count = adminCount(options, total, fanOut);
  const slots = slotsOf(options, total, count);
  const team = options.scenario === 'team';
  const names = team
    ? slots.map((_, index) => `Team-${String(index + 1).padStart(2, '0')}`)
    : groupNames(options.seed, count);
  const planned = names.map((name, index): PlannedAgent => {
    const next = names[(index + 1) % names.length] ?? name;
    return {
      name,
      description: team ? `Leads ${name}.` : `Leads the work on ${name}.`,
      initial_prompt: `You lead ${name}. Hire your group, give everybody a part of the goal, and report. Goal: ${goal}`,
      supervisor: 'Boss',
      files: team ? [] : [`${name}/summary.md`],
      collaborators: next === name || team ? [] : [next],
      slots: slots[index] ?? 0,
    };
  });
  const items = team
    ? []
    : [
        // In the words in which its agents list them.
        ...planned.map(({ name, files }, index) => ({
          id: `plan-${index + 1}`,
          text: `Write ${files[0] ?? name}`,
          owner: name,
        })),
        { id: `plan-${planned.length + 1}`, text: 'Write report.md', owner: 'Boss' },
      ];
  return { goal, agents: planned, items };
};

/** The planner's answer: its plan, again after a refusal, and then nothing more. */
export const decidePlanner = (transcript: Transcript, progress: Progress, options: RehearsalOptions): Decision => {
  if (progress.done('submit_plan').length > 0) return waiting('the plan is submitted');
  const tries = progress.failed('submit_plan').length;
  if (tries >= PLAN_TRIES_MAX) return { text: 'The plan was refused again and again.', waiting: false };
  const agents = factNumber(transcript, 'agents', 1);
  const fanOut = Math.max(1, factNumber(transcript, 'fan-out', 128));
  const plan = makePlan(options, progress.persona.goal, agents, fanOut);
  return { calls: [{ tool: 'submit_plan', args: { ...plan }, key: 'plan' }] };
};
