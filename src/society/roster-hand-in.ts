/**
 * Handing in: what `terminate` does to the roster, what the checks of it lead to, and what a reviewer is shown. A command
 * over a draft of the roster. What it does not do: look at files (`look.ts`), or review (`roster-work.ts`).
 *
 * Invariants: W1 an agent is finished only after an accepted review, or with reviews off. X2 what the checks send back is a
 * round of its reviews, and no model is asked; at the last round its reviewer decides. X4 what a reviewer is shown comes
 * from the runtime and is bounded: `REVIEW_CHARS_MAX`, and the changes of `look.ts`.
 */
import { barePath, filesOf, isAbove, renderPlanned, type SharedFiles } from './agent-files.ts';
import { isSameItem, openItems, renderChecklist, renderDropped } from './checklist.ts';
import { noChecks, renderChecks, sentBackText, type CheckResult } from './checks.ts';
import { claimsOf, othersRuns, pathsIn, renderDeeds, renderOthers, type ProgramRun, type Trail } from './evidence.ts';
import { renderChanges, renderFiles, type Look, type LookRequest } from './look.ts';
import { clip, oneLine } from './mail.ts';
import { close, endRun } from './roster-leave.ts';
import { withdrawQuestions } from './roster-questions.ts';
import {
  isClosed,
  leaderOf,
  othersAtWork,
  recipientOf,
  unfinished,
  type Draft,
  type Notice,
  type Recipient,
  type RosterAgent,
  type RosterEnd,
  type RosterStatus,
} from './roster-state.ts';
import { passOn, wake } from './roster-texts.ts';
import { noteApproved } from './system-review.ts';
import { fail, type ToolFailure, type ToolSuccess } from './tool-result.ts';

const SUMMARY_CHARS_MAX = 8_000;
const REVIEW_CHARS_MAX = 6_000;
const FILES_MAX = 200;
const EXAMPLE_CHARS_MAX = 300;
/** Of a commit that is shown. */
const COMMIT_CHARS = 10;
/** Of one item of a checklist. */
const PROOFS_MAX = 5;

export interface TerminateArgs {
  readonly agent: string;
  readonly summary: string;
  readonly files: readonly string[];
  readonly programs?: readonly ProgramRun[];
  /** What its files were before it changed them first, by path; null: not there. Whoever looks for it needs that. */
  readonly origins?: Readonly<Record<string, string | null>>;
  /** What was found when its work was looked at; absent: nobody looked. */
  readonly look?: Look;
}

export type TerminateResult =
  | ToolSuccess<{
      readonly status: RosterStatus;
      readonly round: number;
      /** Who is to be told: of a review that is due, or with reviews off of the result. */
      readonly reviewer: Recipient | null;
      /** Whether others below that one are at work. */
      readonly more: boolean;
      readonly reviews: boolean;
      /** What the reviewer needs to judge. */
      readonly details: string;
      /** Set when the checks sent it back: what the agent is to be told. */
      readonly sentBack: { readonly to: Recipient; readonly text: string } | null;
      readonly notices: readonly Notice[];
      readonly end: RosterEnd | null;
    }>
  | ToolFailure;

/** Of the words of the plan that are shown beside others. */
const PLANNED_CHARS_MAX = 200;

/** The items that the plan gives to an agent, by id. */
const plannedItems = (draft: Draft, agent: string): ReadonlyMap<string, string> =>
  new Map((draft.meta.plan?.items ?? []).flatMap(({ id, owner, text }) => (owner === agent ? [[id, text]] : [])));

/** What is known of the programs that `agent` ran, and of those that it only says it did. */
const trailOf = (draft: Draft, agent: Readonly<RosterAgent>, programs: readonly ProgramRun[]): Trail => {
  const claims = claimsOf(agent.checklist, { programs, others: [] }).filter(({ own }) => own === null);
  if (claims.length === 0) return { programs, others: [] };
  const others = [...draft.all()].filter(({ name }) => name !== agent.name);
  return { programs, others: othersRuns(others, [...new Set(claims.map(({ path }) => path))]) };
};

/** The checklist; beside an item what the plan calls it, and what the runtime knows of its evidence. */
const checklistLines = (draft: Draft, agent: Readonly<RosterAgent>): readonly string[] => {
  const planned = plannedItems(draft, agent.name);
  const lines = renderChecklist(agent.checklist);
  const looked = new Map((agent.looked ?? []).map((file) => [file.path, file]));
  const programs = new Map((agent.programs ?? []).map((run) => [run.path, run]));
  const neverRun = new Map(
    claimsOf(agent.checklist, trailOf(draft, agent, agent.programs ?? []))
      .filter((claim) => claim.neverRun)
      .map((claim) => [`${claim.item}/${claim.path}`, claim]),
  );
  return agent.checklist.map(({ id, text, evidence = '' }, index) => {
    const plan = planned.get(id);
    const words =
      plan === undefined || isSameItem(plan, text) ? [] : [`planned as: ${oneLine(plan, PLANNED_CHARS_MAX)}`];
    const proofs = pathsIn(evidence).flatMap((path) => {
      const [commit, run] = [looked.get(path)?.commit ?? null, programs.get(path)];
      const claim = neverRun.get(`${id}/${path}`);
      return [
        ...(commit === null ? [] : [`${path} @${commit.slice(0, COMMIT_CHARS)}`]),
        ...(run === undefined ? [] : [`${path} exit ${run.exitCode ?? 'none'}`]),
        ...(claim === undefined
          ? []
          : [[`${path} never run by ${agent.name}`, ...renderOthers(claim.others)].join(', ')]),
      ];
    });
    const proof = [...words, ...proofs.slice(0, PROOFS_MAX)].join(', ');
    return `${lines[index] ?? ''}${proof === '' ? '' : ` [${proof}]`}`;
  });
};

/** What a reviewer is shown of an agent's work, without what has changed in its files. */
export const reviewDetails = (
  draft: Draft,
  agent: Readonly<RosterAgent>,
  shared: SharedFiles | null = null,
): string => {
  const files = filesOf(agent, shared);
  return clip(
    [
      `task: ${clip(agent.task, 1_500)}`,
      `summary: ${clip(agent.summary ?? '(none)', 2_000)}`,
      // Before the checklist, which may be long.
      ...renderDropped(agent.dropped),
      ...(agent.checklist.length === 0 ? [] : ['checklist:', ...checklistLines(draft, agent)]),
      ...(files.own.length === 0 ? [] : [`files: ${renderFiles(files.own, agent.looked ?? [])}`]),
      ...renderPlanned(files),
      ...renderDeeds(agent.programs ?? [], files.missing),
      ...(agent.checks === undefined ? [] : renderChecks(agent.checks)),
    ].join('\n'),
    REVIEW_CHARS_MAX,
  );
};

const openFailure = (draft: Draft, agent: Readonly<RosterAgent>): ToolFailure | null => {
  const items = openItems(agent.checklist).map((item) => `${item.id}: ${item.text} (${item.status})`);
  const members = unfinished(draft, agent);
  if (items.length === 0 && members.length === 0) return null;
  const parts = [
    ...(items.length === 0 ? [] : [`${items.length} open items on your checklist`]),
    ...(members.length === 0 ? [] : [`${members.length} unfinished subordinates`]),
  ];
  const hint =
    members.length === 0
      ? 'Finish the items and close them with change_task_status, then call terminate again.'
      : 'Wait for your subordinates: end your turn with a short text, you will get mail. Review those that are due.';
  return fail('OPEN_ITEMS', `Not finished: ${parts.join(' and ')}.`, hint, { items, subordinates: members });
};

/** The result of an agent whose part is closed. */
const unchanged = (draft: Draft, agent: Readonly<RosterAgent>): Extract<TerminateResult, { ok: true }> => ({
  ok: true,
  status: agent.status,
  round: agent.round,
  reviewer: null,
  more: false,
  reviews: draft.meta.reviews,
  details: '',
  sentBack: null,
  notices: [],
  end: draft.meta.end,
});

export const terminate = (draft: Draft, args: TerminateArgs): TerminateResult => {
  const before = draft.get(args.agent);
  const isBoss = before.supervisor === null;
  // Whoever was given up stays so: its files are kept, but nobody waits for it any more.
  if (!isBoss && isClosed(before)) return unchanged(draft, before);
  const open = openFailure(draft, before);
  if (open !== null) return open;
  withdrawQuestions(draft, args.agent);
  const agent = draft.edit(args.agent);
  takeIn(draft, agent, args);
  if (isBoss) {
    // The Boss's first word opens the final review (at the next quiet moment), its second one approves. With reviews off the
    // first one ends the run, and approves of nothing unless it was asked.
    if (!draft.meta.reviews || draft.meta.finalReview === 'asked') {
      agent.status = 'finished';
      if (draft.meta.finalReview === 'asked') draft.editMeta().finalReview = 'approved';
      noteApproved(draft);
      endRun(draft, { status: 'completed', reason: 'done' });
    } else {
      agent.status = 'review';
    }
    return unchanged(draft, agent);
  }
  const leader = leaderOf(draft, agent);
  const { look } = args;
  if (!draft.meta.reviews) {
    agent.verdict = 'none';
    close(draft, agent.name, 'finished');
  } else if (agent.status !== 'review') {
    agent.round += 1;
    agent.reviewAsks = 0;
    if (look?.checks !== null && look?.checks !== undefined) {
      const back = countChecks(draft, agent, look.checks);
      if (back !== null) return { ...unchanged(draft, agent), sentBack: { to: recipientOf(agent), text: back } };
    }
    agent.status = 'review';
  }
  if (leader !== null) wake(draft, leader.name);
  for (const notice of passOn(draft, agent.name, true)) draft.notify(notice);
  return {
    ok: true,
    status: agent.status,
    round: agent.round,
    reviewer: leader === null ? null : recipientOf(leader),
    more: leader !== null && othersAtWork(draft, leader, agent.name),
    reviews: draft.meta.reviews,
    details: reviewDetails(draft, agent) + (look === undefined ? '' : renderChanges(look, agent.round)),
    sentBack: null,
    notices: draft.takeNotices(),
    end: draft.meta.end,
  };
};

/** What the agent hands in, and what was found of it. */
const takeIn = (draft: Draft, agent: RosterAgent, args: TerminateArgs): void => {
  const { look, files, programs } = args;
  agent.summary = clip(args.summary, SUMMARY_CHARS_MAX);
  const absent = new Set(look?.absent);
  const seen = new Set(look?.files.map(({ path }) => path));
  const planned = (agent.planned ?? []).map(barePath).filter((path) => seen.has(path));
  agent.files = [...new Set([...agent.files, ...planned, ...files])]
    .filter((path) => !absent.has(path))
    .slice(0, FILES_MAX);
  if (programs !== undefined) agent.programs = programs;
  if (look === undefined) return;
  // What was missing the last time may be there now.
  agent.missing = [...new Set([...look.missing, ...look.absent])];
  agent.looked = look.files;
  if (look.checks === null) delete agent.checks;
  else agent.checks = look.checks;
};

/**
 * Counts the checks of a hand-in. What failed goes back without anybody having read it, which is a round of its reviews; at
 * the last round whoever reviews it decides (X2).
 * @returns what the agent is to be told; null when its work goes to its supervisor
 */
const countChecks = (draft: Draft, agent: Readonly<RosterAgent>, result: CheckResult): string | null => {
  const meta = draft.editMeta();
  const failed = result.findings.length > 0;
  const back = failed && agent.round < meta.limits.reviewRoundsMax;
  const before = meta.checks ?? noChecks();
  const findings = { ...before.findings };
  for (const { kind } of result.findings) findings[kind] = (findings[kind] ?? 0) + 1;
  const [first] = result.findings;
  const example =
    first === undefined
      ? null
      : { agent: agent.name, what: oneLine(`${first.path}: ${first.what}`, EXAMPLE_CHARS_MAX) };
  meta.checks = {
    handIns: before.handIns + 1,
    passed: before.passed + (failed ? 0 : 1),
    sentBack: before.sentBack + (back ? 1 : 0),
    findings,
    example: before.example ?? example,
  };
  if (!back) return null;
  meta.reviewsRevised += 1;
  return sentBackText(result);
};

/** What is to be looked at before `args` is taken in; null: nothing. */
export const lookDue = (draft: Draft, args: TerminateArgs): LookRequest | null => {
  if (!draft.founded || !draft.meta.reviews) return null;
  const agent = draft.find(args.agent);
  if (agent === undefined || agent.supervisor === null || agent.status !== 'working') return null;
  if (openFailure(draft, agent) !== null) return null;
  const { plan, checked } = draft.meta;
  const planned = plan?.agents.find(({ name }) => name === agent.name)?.files ?? [];
  const before = Object.fromEntries((agent.looked ?? []).map(({ path, base }) => [path, base]));
  return {
    agent: agent.name,
    own: args.files,
    // A directory is there when a file of it is, which a look at a path does not say.
    planned: planned
      .filter((path) => !path.endsWith('/'))
      .map(barePath)
      .filter((path) => !isAbove(path, args.files)),
    task: agent.task,
    checklist: agent.checklist,
    trail: trailOf(draft, agent, args.programs ?? []),
    since: { ...args.origins, ...before },
    round: agent.round + 1,
    checks: checked === true,
  };
};
