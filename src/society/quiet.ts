/**
 * Quiescence: what happens when no mail waits and no turn runs. Either somebody is to be told something, or the run is
 * over. What it does not do: find out that all is quiet (the journal counts exactly).
 *
 * Invariant U1: every action uses up something bounded (a first waking, a reminder, a nudge, an agent's chance, a final
 * review, a group's texts that were kept, a consent that was not told) or ends the run. Whatever agents do between quiet moments, a run has finitely many of them. U2 Mails of quiet
 * moments are numbered one by one, so that they may be given out again after a crash and are read once.
 */
import type { BudgetHold } from './agent-state.ts';
import { sharedFiles, type SharedFile } from './agent-files.ts';
import { openItems } from './checklist.ts';
import { systemMail } from './mail.ts';
import { BOSS } from './names.ts';
import { renderSample, renderVerdicts, type FileSample } from './final-review.ts';
import { close, countRemedy } from './roster-leave.ts';
import { reviewDetails } from './roster-hand-in.ts';
import {
  answered,
  consentMail,
  isAsking,
  releasable,
  tallyOf,
  withdrawQuestions,
  type Released,
} from './roster-questions.ts';
import {
  isClosed,
  leaderOf,
  recipientOf,
  type Draft,
  type Notice,
  type QuietResult,
  type Recipient,
  type RosterAgent,
  type RosterEnd,
} from './roster-state.ts';
import { passOn, wake } from './roster-texts.ts';
import { noteAsked } from './system-review.ts';

export type QuietAction =
  | { readonly kind: 'start'; readonly agent: string }
  | { readonly kind: 'ask-review'; readonly agent: string; readonly reviewer: string }
  | { readonly kind: 'accept-unreviewed'; readonly agent: string }
  | { readonly kind: 'nudge'; readonly agent: string }
  | { readonly kind: 'report'; readonly agent: string; readonly leader: string }
  | { readonly kind: 'give-up'; readonly agent: string; readonly leader: string }
  | { readonly kind: 'pass-on'; readonly agent: string }
  | { readonly kind: 'final-review' }
  | { readonly kind: 'pause'; readonly hold: BudgetHold }
  | { readonly kind: 'ask-person'; readonly questions: number }
  | { readonly kind: 'release'; readonly agent: Released }
  | { readonly kind: 'end'; readonly end: RosterEnd };

type Agent = Readonly<RosterAgent>;

/** Waits for more of a budget, or for a person: nothing that it is told leads to anything. */
const isHeld = (agent: Agent): boolean => !isClosed(agent) && ((agent.held ?? null) !== null || isAsking(agent));

/** Texts that were kept: nobody is left for them to wait for (F4). */
const passOns = (draft: Draft): QuietAction[] =>
  [...draft.all()]
    .filter(({ kept }) => kept !== undefined && kept.length > 0)
    .map(({ name }) => ({ kind: 'pass-on', agent: name }));

const startsAndReviews = (draft: Draft): QuietAction[] => {
  const actions: QuietAction[] = [];
  for (const agent of draft.all()) {
    if (agent.name === BOSS) continue;
    if (agent.status === 'working' && !agent.woken) actions.push({ kind: 'start', agent: agent.name });
    if (agent.status !== 'review') continue;
    const leader = leaderOf(draft, agent);
    if (leader === null || leader.status === 'failed' || agent.reviewAsks >= draft.meta.limits.reviewAsksMax) {
      actions.push({ kind: 'accept-unreviewed', agent: agent.name });
    } else if (!isHeld(leader)) {
      actions.push({ kind: 'ask-review', agent: agent.name, reviewer: leader.name });
    }
  }
  return actions;
};

/** Nudges go to those who wait for nobody: all their subordinates are closed. */
const nudges = (draft: Draft): QuietAction[] => {
  const actions: QuietAction[] = [];
  for (const agent of draft.all()) {
    if (agent.name === BOSS || agent.status !== 'working' || isHeld(agent)) continue;
    if (!agent.subordinates.every((name) => isClosed(draft.get(name)))) continue;
    const leader = leaderOf(draft, agent)?.name ?? BOSS;
    if (agent.nudges < draft.meta.limits.nudgesPerAgentMax) actions.push({ kind: 'nudge', agent: agent.name });
    // Nobody would decide.
    else if (isHeld(draft.get(leader))) continue;
    else if (!agent.reported) actions.push({ kind: 'report', agent: agent.name, leader });
    else actions.push({ kind: 'give-up', agent: agent.name, leader });
  }
  return actions;
};

const bossActions = (draft: Draft, boss: Agent): QuietAction[] => {
  const { limits } = draft.meta;
  if (boss.status === 'working' && openItems(boss.checklist).length > 0 && boss.nudges < limits.nudgesPerAgentMax) {
    return [{ kind: 'nudge', agent: BOSS }];
  }
  if (draft.meta.finalReviews < limits.finalReviewsMax) return [{ kind: 'final-review' }];
  return [{ kind: 'end', end: { status: 'failed', reason: 'boss-failed' } }];
};

/** What to do now that all is quiet; never empty. A pause, for a budget or for a person, is alone. */
export const decideQuiet = (draft: Draft): readonly QuietAction[] => {
  const { end } = draft.meta;
  if (end !== null) return [{ kind: 'end', end }];
  const boss = draft.get(BOSS);
  if (boss.status === 'failed') return [{ kind: 'end', end: { status: 'failed', reason: 'boss-failed' } }];
  // What was allowed for all, and who waits for it was not told before the process died.
  const released = releasable(draft).map((agent): QuietAction => ({ kind: 'release', agent }));
  for (const actions of [released, passOns(draft), startsAndReviews(draft), nudges(draft)]) {
    if (actions.length > 0) return actions;
  }
  // While somebody only waits for a person or for more of a budget the work is not over, whatever else is missing.
  const waiting = [...draft.all()].filter(isHeld);
  if (waiting.some(isAsking)) return [{ kind: 'ask-person', questions: tallyOf(draft.meta).open }];
  const held = waiting[0]?.held ?? null;
  return held === null ? bossActions(draft, boss) : [{ kind: 'pause', hold: held }];
};

/** Ends a mail about a subordinate that has got stuck. */
export const WHEN_STUCK = 'Tell it how to go on, give its work to somebody else, or do without it.';

const nudgeText = (agent: Agent): string => {
  const open = openItems(agent.checklist);
  const lines = open.slice(0, 20).map((item) => `- ${item.id}: ${item.text} (${item.status})`);
  return [
    'Nobody is working at the moment and your task is not finished.',
    ...(open.length === 0 ? [] : ['Open items on your checklist:', ...lines]),
    'Go on with your work using tools, and call terminate when it is done.',
  ].join('\n');
};

/** What is known outside of the roster at a quiet moment. */
export interface QuietArgs {
  /** For the final review, when there is one. */
  readonly sample?: FileSample;
  /** The shared files, where mail says what an agent has; null or absent: nobody could tell. */
  readonly files?: readonly SharedFile[] | null;
}

const finalReview = (draft: Draft, { sample, files }: QuietArgs): readonly string[] => {
  const chunks = [...renderVerdicts([...draft.all()], draft.meta.reviews, sharedFiles(files))];
  if (sample !== undefined) chunks.push(`${chunks.pop() ?? ''}\n${renderSample(sample)}`);
  return chunks;
};

/** Does one action; returns the mail it causes. */
const perform = (draft: Draft, action: QuietAction, args: QuietArgs): Notice[] => {
  const to = (name: string): Recipient => recipientOf(draft.get(name));
  switch (action.kind) {
    case 'start':
      draft.edit(action.agent).woken = true;
      return [{ to: to(action.agent), mail: systemMail('start', 'Begin with your task.') }];
    case 'ask-review': {
      const agent = draft.edit(action.agent);
      agent.reviewAsks += 1;
      const attributes = { agent: agent.name, round: agent.round };
      return [{ to: to(action.reviewer), mail: systemMail('review', reviewDetails(draft, agent), attributes) }];
    }
    case 'accept-unreviewed':
      draft.edit(action.agent).verdict = 'reservation';
      close(draft, action.agent, 'finished');
      countRemedy(draft, 'unreviewed', action.agent, 'handed in, and nobody reviewed it');
      return [];
    case 'nudge':
      draft.edit(action.agent).nudges += 1;
      draft.editMeta().nudges += 1;
      return [{ to: to(action.agent), mail: systemMail('nudge', nudgeText(draft.get(action.agent))) }];
    case 'report': {
      // Its supervisor decides: order a retry with talk, give the work to somebody else, or do without.
      draft.edit(action.agent).reported = true;
      countRemedy(draft, 'unfinished', action.agent, nudgeText(draft.get(action.agent)));
      if (isClosed(draft.get(action.leader))) return [];
      const text = `${action.agent} was reminded several times and has not finished. ${WHEN_STUCK}\n${reviewDetails(draft, draft.get(action.agent), sharedFiles(args.files))}`;
      return [{ to: to(action.leader), mail: systemMail('remedy', text, { agent: action.agent, why: 'unfinished' }) }];
    }
    case 'give-up': {
      close(draft, action.agent, 'failed');
      draft.edit(action.agent).failure =
        'unfinished: it was reminded, its supervisor was told, and it did nothing more';
      if (isClosed(draft.get(action.leader))) return [];
      const text = 'It did not finish and was let go. Its files stay. Give its work to somebody else, or do without.';
      return [{ to: to(action.leader), mail: systemMail('child-failed', text, { agent: action.agent }) }];
    }
    case 'pass-on': {
      const agent = draft.edit(action.agent);
      agent.passedOn = (agent.passedOn ?? 0) + 1;
      return [...passOn(draft, action.agent, false)];
    }
    case 'final-review': {
      const meta = draft.editMeta();
      meta.finalReview = 'asked';
      meta.finalReviews += 1;
      noteAsked(draft, args.sample);
      return finalReview(draft, args).map((text) => ({ to: to(BOSS), mail: systemMail('final-review', text) }));
    }
    case 'release': {
      const { name, questions } = action.agent;
      answered(draft, { agent: name, questions });
      return [{ to: to(name), mail: consentMail(questions) }];
    }
    case 'pause':
    case 'ask-person':
      return [];
    case 'end':
      if (action.end.reason === 'boss-failed') {
        draft.edit(BOSS).status = 'failed';
        withdrawQuestions(draft, BOSS);
      }
      draft.editMeta().end = action.end;
      return [];
    default:
      return action satisfies never;
  }
};

/** Decides and acts until there is mail to deliver or the run is over. */
export const quiet = (draft: Draft, args: QuietArgs = {}): QuietResult => {
  const ended = draft.meta.end;
  if (ended !== null) return { mails: [], end: ended, round: draft.meta.quietRounds };
  const meta = draft.editMeta();
  meta.quietRounds += 1;
  // Rounds without mail close agents, so that there are at most as many as agents, and a few for the end.
  const roundsMax = [...draft.all()].length * 2 + 10;
  for (let round = 0; round < roundsMax; round += 1) {
    const actions = decideQuiet(draft);
    const [first] = actions;
    // It is asked again when the run goes on, so nothing of this is kept.
    if (first?.kind === 'ask-person') {
      return { mails: [], end: null, questions: first.questions, round: meta.quietRounds };
    }
    if (first?.kind === 'pause') return { mails: [], end: null, pause: first.hold, round: meta.quietRounds };
    const caused = actions.flatMap((action) => [...perform(draft, action, args), ...draft.takeNotices()]);
    const { end } = draft.meta;
    if (end === null && caused.length === 0) continue;
    const sent = end === null ? caused : [];
    for (const { to } of sent) wake(draft, to.name);
    const mails = sent.map(({ to, mail }) => ({ to, mail: { ...mail, quiet: (meta.quietMails += 1) } }));
    const result = { mails, end, round: meta.quietRounds };
    draft.keepQuiet(result);
    return result;
  }
  throw new Error('the quiet decision made no progress');
};
