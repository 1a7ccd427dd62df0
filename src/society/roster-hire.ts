/**
 * Hiring: founding a society from its plan, and recruits of a step. Commands over a draft of the roster; they allocate
 * ids and slots and answer in the shape of tool results.
 *
 * Invariants: H1 agents plus slots never exceed `agentsMax`. H2 A command is decided from the draft alone, so that the
 * same state and arguments give the same ids, names and slots.
 */
import { ALLOCATORS_MAX, OUTSIDE_ALLOCATOR, shardOfName } from '../protocol/ids.ts';
import type { ChecklistItem } from './checklist.ts';
import type { Limits } from './limits.ts';
import { clip } from './mail.ts';
import { BOSS, freeName, nameIssue } from './names.ts';
import { plannedSlots, type Plan } from './plan.ts';
import { divideSlots, drawBack, type Holder } from './quota.ts';
import {
  isClosed,
  levelOf,
  retiredRefusal,
  type Draft,
  type Recipient,
  type RosterAgent,
  type RosterMeta,
} from './roster-state.ts';
import { fail, type ToolFailure } from './tool-result.ts';

/** Ids of agents come from an allocator of their own, so that the roster can hand them out. */
export const ROSTER_ALLOCATOR = OUTSIDE_ALLOCATOR;

const TASK_CHARS_MAX = 2_000;

export interface Hired extends Recipient {
  readonly depth: number;
  readonly supervisor: string | null;
  /** What it is: an Admin only when others are under it. */
  readonly level: 'boss' | 'admin' | 'ordinary';
  readonly slots: number;
  /** It may become an Admin by hiring. */
  readonly mayHire?: boolean;
  /** With this recruit its hirer has become an Admin. */
  readonly promotes?: true;
}

export interface FoundArgs {
  readonly plan: Plan;
  readonly shards: number;
  readonly reviews: boolean;
  /** Whether what is handed in is checked first. */
  readonly checks?: boolean;
  readonly limits: Limits;
}

export interface Founded {
  /** The Boss first, then the agents of the plan, supervisors before their subordinates. */
  readonly hired: readonly Hired[];
}

const nextId = (draft: Draft): number => {
  const meta = draft.editMeta();
  meta.idCount += 1;
  return meta.idCount * ALLOCATORS_MAX + ROSTER_ALLOCATOR;
};

export interface Recruiting {
  readonly name: string;
  readonly supervisor: string | null;
  readonly depth: number;
  readonly slots: number;
  readonly fixedSlots: boolean;
  readonly description: string;
  readonly task: string;
  readonly woken: boolean;
  readonly checklist?: readonly ChecklistItem[];
  /** That its plan gives it. */
  readonly files?: readonly string[];
}

/** The row of an agent that has done nothing yet. */
export const rosterRow = (recruit: Recruiting & { readonly id: number; readonly shard: number }): RosterAgent => ({
  name: recruit.name,
  id: recruit.id,
  shard: recruit.shard,
  depth: recruit.depth,
  supervisor: recruit.supervisor,
  subordinates: [],
  description: clip(recruit.description, TASK_CHARS_MAX),
  task: clip(recruit.task, TASK_CHARS_MAX),
  slots: recruit.slots,
  fixedSlots: recruit.fixedSlots,
  mayHire: recruit.slots > 0,
  status: 'working',
  woken: recruit.woken,
  checklist: [...(recruit.checklist ?? [])],
  summary: null,
  round: 0,
  verdict: null,
  nudges: 0,
  reviewAsks: 0,
  reported: false,
  files: [],
  ...(recruit.files === undefined || recruit.files.length === 0 ? {} : { planned: [...recruit.files] }),
});

const enlist = (draft: Draft, recruit: Recruiting): Hired => {
  const agent = rosterRow({ ...recruit, id: nextId(draft), shard: shardOfName(recruit.name, draft.meta.shards) });
  draft.add(agent);
  if (recruit.supervisor === null) return hiredOf(agent);
  const hirer = draft.edit(recruit.supervisor);
  const before = levelOf(hirer);
  hirer.subordinates.push(agent.name);
  return { ...hiredOf(agent), ...(levelOf(hirer) === before ? {} : { promotes: true }) };
};

const hiredOf = (agent: Readonly<RosterAgent>): Hired => ({
  name: agent.name,
  id: agent.id,
  shard: agent.shard,
  depth: agent.depth,
  supervisor: agent.supervisor,
  level: levelOf(agent),
  slots: agent.slots,
  mayHire: agent.mayHire,
});

/** What is known of a society before anybody is hired. */
export const firstMeta = (args: FoundArgs): RosterMeta => ({
  shards: args.shards,
  reviews: args.reviews,
  ...(args.checks === true ? { checked: true } : {}),
  limits: args.limits,
  goal: args.plan.goal,
  plan: args.plan,
  idCount: 0,
  finalReview: 'none',
  finalReviews: 0,
  nudges: 0,
  reviewsAccepted: 0,
  reviewsRevised: 0,
  remedies: {},
  quietRounds: 0,
  quietMails: 0,
  end: null,
});

/** Makes the Boss and hires the agents of a checked plan. Founding twice changes nothing. */
export const found = (draft: Draft, args: FoundArgs): Founded => {
  if (draft.founded) return { hired: [...draft.all()].map(hiredOf) };
  draft.found(firstMeta(args));
  const { slots } = plannedSlots(args.plan, args.limits);
  const itemsOf = (owner: string): ChecklistItem[] =>
    args.plan.items
      .filter((item) => item.owner === owner)
      .map((item) => ({ id: item.id, text: item.text, status: 'todo' as const }));
  enlist(draft, {
    name: BOSS,
    supervisor: null,
    depth: 0,
    slots: slots.get(BOSS) ?? 0,
    fixedSlots: false,
    description: 'Leads the whole run',
    task: args.plan.goal,
    // The run wakes the Boss with [start].
    woken: true,
    checklist: itemsOf(BOSS),
  });
  for (const planned of args.plan.agents) {
    enlist(draft, {
      name: planned.name,
      supervisor: planned.supervisor,
      depth: draft.get(planned.supervisor).depth + 1,
      slots: slots.get(planned.name) ?? 0,
      fixedSlots: planned.slots !== undefined,
      description: planned.description,
      task: planned.initial_prompt,
      woken: false,
      checklist: itemsOf(planned.name),
      files: planned.files,
    });
  }
  return { hired: [...draft.all()].map(hiredOf) };
};

export interface Recruit {
  readonly name: string;
  readonly description: string;
  readonly initialPrompt: string;
  /** The recruit gets mail in the same step. */
  readonly woken: boolean;
}

export interface HireArgs {
  readonly hirer: string;
  readonly recruits: readonly Recruit[];
}

export type HireResult = ({ readonly ok: true } & Hired) | ToolFailure;

interface Placed {
  readonly index: number;
  readonly name: string;
  readonly recruit: Recruit;
}

/** Why `hirer` hires nobody at all, or null. */
export const limitFailure = (draft: Draft, hirer: Readonly<RosterAgent>): ToolFailure | null => {
  const { limits } = draft.meta;
  const retired = retiredRefusal(draft, hirer.name);
  if (retired !== null) return retired;
  if (draft.meta.end !== null) return fail('NOT_ALLOWED', 'The run has ended.', 'Call terminate.');
  if (hirer.depth >= limits.depthMax) {
    return fail('LIMIT', `Agents ${limits.depthMax} levels below the Boss cannot hire.`, 'Do the work yourself.');
  }
  return null;
};

/** Names and room, recruit by recruit, before any slot is divided. */
const place = (draft: Draft, hirer: Readonly<RosterAgent>, args: HireArgs, room: number) => {
  const results: (HireResult | undefined)[] = args.recruits.map(() => undefined);
  const placed: Placed[] = [];
  const names = new Set<string>();
  const { limits } = draft.meta;
  const active = activeOf(draft, hirer);
  for (const [index, recruit] of args.recruits.entries()) {
    const issue = nameIssue(recruit.name);
    const taken = (name: string): boolean => names.has(name) || draft.find(name) !== undefined;
    const name = issue === null ? freeName(recruit.name, hirer.name, taken) : null;
    if (issue !== null) {
      results[index] = fail('INVALID_ARGUMENTS', `${issue}.`, 'Choose another name.');
    } else if (name === null) {
      results[index] = fail(
        'NAME_TAKEN',
        `"${recruit.name}" and "${hirer.name}-${recruit.name}" are both taken.`,
        'Choose another name.',
      );
    } else if (active + placed.length >= limits.fanOutMax) {
      results[index] = fail(
        'LIMIT',
        `You have ${limits.fanOutMax} direct subordinates, which is the most.`,
        'Let one of your subordinates hire, or give the work to one of them.',
      );
    } else if (placed.length >= room) {
      results[index] = fail(
        'LIMIT',
        'You may not hire any more agents.',
        'Do the work yourself, or give it to an agent you already have.',
      );
    } else {
      names.add(name);
      placed.push({ index, name, recruit });
    }
  }
  return { results, placed };
};

/** Recruits that have hired nobody: their slots may be drawn back. */
const holdersOf = (draft: Draft, hirer: Readonly<RosterAgent>): readonly Holder[] =>
  hirer.subordinates
    .map((name) => draft.get(name))
    .filter((agent) => agent.mayHire && agent.subordinates.length === 0 && !isClosed(agent))
    .map((agent) => ({ name: agent.name, slots: agent.slots, fixed: agent.fixedSlots }));

const slotsOf = (hirer: Readonly<RosterAgent>, holders: readonly Holder[]): number =>
  hirer.slots + holders.reduce((sum, holder) => sum + holder.slots, 0);

/** How many are in its group. */
export const activeOf = (draft: Draft, hirer: Readonly<RosterAgent>): number =>
  hirer.subordinates.filter((name) => draft.get(name).status !== 'retired').length;

/** How many `hirer` may hire at once. */
export const roomFor = (draft: Draft, hirer: Readonly<RosterAgent>): number =>
  Math.max(0, Math.min(slotsOf(hirer, holdersOf(draft, hirer)), draft.meta.limits.fanOutMax - activeOf(draft, hirer)));

/** Hires the recruits of one step; each gets its own result, in order. */
export const hire = (draft: Draft, args: HireArgs): readonly HireResult[] => {
  const hirer = draft.get(args.hirer);
  const refused = limitFailure(draft, hirer);
  if (refused !== null) return args.recruits.map(() => refused);

  const holders = holdersOf(draft, hirer);
  const room = slotsOf(hirer, holders);
  const { results, placed } = place(draft, hirer, args, room);

  let { shares, rest } =
    hirer.slots >= placed.length
      ? divideSlots(hirer.slots, placed.length)
      : { shares: [] as readonly number[], rest: 0 };
  if (hirer.slots < placed.length) {
    const redivision = drawBack(hirer.slots, placed.length, holders);
    if (redivision === null) throw new Error('the room for recruits was counted wrongly');
    for (const [name, slots] of redivision.held) draft.edit(name).slots = slots;
    ({ shares, rest } = redivision);
  }
  const depth = hirer.depth + 1;
  for (const [at, { index, name, recruit }] of placed.entries()) {
    const share = shares[at] ?? 0;
    // Slots are of no use to somebody at the last level.
    const slots = depth >= draft.meta.limits.depthMax ? 0 : share;
    rest += share - slots;
    const hired = enlist(draft, {
      name,
      supervisor: hirer.name,
      depth,
      slots,
      fixedSlots: false,
      description: recruit.description,
      task: recruit.initialPrompt,
      woken: recruit.woken,
    });
    results[index] = { ok: true, ...hired };
  }
  draft.edit(hirer.name).slots = rest;
  return results as readonly HireResult[];
};
