/**
 * Scenario *society*, the Boss and Admins: give out the work, hire, review, write the group's summary, finish. What it
 * does not do: the hiring itself (`hiring.ts`), judging what is handed in (`reviewing.ts`).
 *
 * 1. Reviews come before everything else: others wait for them.
 * 2. A group is finished when everybody in it is settled; after a nudge it is finished without the missing: nobody is nudged who waits for somebody.
 */
import { fileStep, summaryText } from './document.ts';
import { hireCalls, hiredNames, hiringIsOver, isLastWave } from './hiring.ts';
import {
  closing,
  openList,
  recipients,
  waiting,
  type Call,
  type Decision,
  type Item,
  type Progress,
} from './progress.ts';
import { reviewCalls } from './reviewing.ts';
import { WAITING } from './transcript.ts';
import type { RehearsalOptions } from './options.ts';

const FINISHED = /^\s*(?:\[[^\]]*\]\s*)?Finished:/u;

/** Everybody in the group, by name. */
const membersOf = (progress: Progress): string[] =>
  [...new Set([...progress.persona.planned, ...hiredNames(progress)])].sort();

/** Those of `members` whose work is not settled yet. */
export const unsettled = (progress: Progress, members: readonly string[]): string[] => {
  const { gone } = progress;
  const finished = progress.saidBy(FINISHED);
  return members.filter((member) => {
    if (gone.has(member)) return false;
    if (!progress.persona.reviews) return !finished.has(member);
    const accepted = progress.done('review', (args) => args['agent'] === member && args['verdict'] === 'accept');
    if (accepted.length > 0) return false;
    // A review that is refused again and again settles nothing, but waiting for it would be for ever.
    return progress.mayTry('review', (args) => args['agent'] === member);
  });
};

/** One `talk` to all planned members; after a refusal one each, so that one bad name does not stop the others. */
const assignCalls = (progress: Progress): Call[] => {
  const told = progress.talkedTo;
  const { goal } = progress.persona;
  const failures = progress.failed('talk');
  const left = progress.persona.planned.filter((name) => {
    if (told.has(name)) return false;
    return failures.filter((action) => recipients(action.args).includes(name)).length < 3;
  });
  if (left.length === 0 || !progress.can('talk')) return [];
  const messages = left.map((to) => ({ to, content: `Please take on ${to} for this goal: ${goal}` }));
  if (failures.length === 0) return [{ tool: 'talk', args: { messages }, key: 'assign' }];
  return messages.map((message) => ({ tool: 'talk', args: { messages: [message] }, key: `assign/${message.to}` }));
};

const RETRY = 'Please go on with your task';

/** One order to go on for every unsettled member that the runtime reported stuck. */
export const retryCalls = (progress: Progress, unsettledMembers: readonly string[]): Call[] => {
  const stuck = new Set(progress.systemMails('remedy').map((mail) => mail.attributes['agent'] ?? ''));
  const ordered = (args: Readonly<Record<string, unknown>>, name: string): boolean =>
    recipients(args).includes(name) && JSON.stringify(args).includes(RETRY);
  return unsettledMembers
    .filter((name) => stuck.has(name) && progress.done('talk', (args) => ordered(args, name)).length === 0)
    .filter((name) => progress.mayTry('talk', (args) => ordered(args, name)))
    .map((to) => ({
      tool: 'talk',
      args: { messages: [{ to, content: `${RETRY}, ${to}, and hand it in.` }] },
      key: `retry/${to}`,
    }));
};

const documentsOf = (progress: Progress): readonly string[] => {
  const { files, level, name } = progress.persona;
  if (files.length > 0) return files;
  return [level === 'Boss' ? 'report.md' : `${name}/summary.md`];
};

const itemsOf = (paths: readonly string[], closed: 'done' | 'blocked' | 'doing', bases: readonly string[]): Item[] => [
  {
    id: '1',
    text: 'Lead the group',
    status: closed === 'doing' ? 'doing' : 'done',
    ...(closed === 'doing' ? {} : { evidence: 'everybody in the group is settled' }),
  },
  ...paths.map((path, index) => ({
    id: String(index + 2),
    text: `Write ${path}`,
    status: closed === 'doing' ? ('todo' as const) : closed,
    ...(closed === 'doing' ? {} : { evidence: `${path} ${bases[index] ?? ''}`.trim() }),
  })),
];

const decideEnd = (progress: Progress, options: RehearsalOptions, members: readonly string[]): Decision => {
  const { name, level, goal } = progress.persona;
  const revision = progress.revisions;
  const paths = documentsOf(progress);
  const steps = paths.map((path) =>
    fileStep(progress, path, () => summaryText(options.seed, name, path, members, goal, revision), revision),
  );
  const work = steps.flatMap((step) => ('call' in step ? [step.call] : []));
  if (work.some(({ tool }) => tool === 'read_file')) return { calls: work };

  const missing = steps.some((step) => 'end' in step && step.end === 'given-up');
  const final = progress.systemMails('final-review').length > 0;
  const end = closing(progress, {
    items: itemsOf(
      paths,
      missing ? 'blocked' : 'done',
      steps.map((step) => ('end' in step ? step.base : '')),
    ),
    summary: `Finished: ${name} with ${members.length} members; ${paths.join(', ')} (synthetic).`,
    submissions: 1 + revision,
    mayEnd: level !== 'Boss' || final,
  });
  const calls = [...work, ...end];
  if (calls.length > 0) return { calls };
  const report = `The work on "${goal}" is complete and ready for the final review: ${paths.join(', ')} (synthetic).`;
  const reported = progress.answers.some((answer) => answer.text === report);
  if (level === 'Boss' && !final && !missing && !reported) return { text: report, waiting: false };
  return waiting(missing ? `a file of ${name} could not be written` : `${name} has nothing left to do`);
};

/** What it says beside its calls when it can only wait after them. */
const waitsAfter = (settled: number, all: number): { readonly after: string } => ({
  after: `${WAITING} ${settled} of ${all} settled`,
});

/** `reviews` with what can be said beside them: that others have still to hand in. */
const review = (progress: Progress, reviews: readonly Call[]): Decision => {
  const accepted = new Set(reviews.filter(({ args }) => args['verdict'] === 'accept').map(({ args }) => args['agent']));
  const members = membersOf(progress);
  const left = unsettled(progress, members).filter((name) => !accepted.has(name));
  const waits =
    left.length > 0 &&
    !progress.waitsInVain &&
    progress.systemMails('final-review').length === 0 &&
    retryCalls(progress, left).length === 0 &&
    reviews.every(({ tool }) => tool === 'review');
  return { calls: reviews, ...(waits ? waitsAfter(members.length - left.length, members.length) : {}) };
};

/** The next answer of the Boss or an Admin. */
export const decideLead = (progress: Progress, options: RehearsalOptions): Decision => {
  const reviews = reviewCalls(progress, options);
  if (reviews.length > 0) return review(progress, reviews);

  const open = openList(progress, itemsOf(documentsOf(progress), 'doing', []));
  const final = progress.systemMails('final-review').length > 0;
  // At the final review all work is done: who led so many that a summary forgot some of them begins nothing again.
  const hires = final ? [] : hireCalls(progress, options);
  const start = final ? [] : [...assignCalls(progress), ...hires];
  const goOn = progress.waitsInVain || final;
  if (start.length > 0) {
    const calls = open === null ? start : [open, ...start];
    return { calls, ...(goOn || !isLastWave(progress, options, hires) ? {} : waitsAfter(0, start.length)) };
  }

  const members = membersOf(progress);
  const left = unsettled(progress, members);
  const settled = members.length - left.length;
  const retries = retryCalls(progress, left);
  if (retries.length > 0) return { calls: retries, ...(goOn ? {} : waitsAfter(settled, members.length)) };
  if (open !== null && members.length > 0) return { calls: [open] };
  if ((left.length > 0 || !hiringIsOver(progress, options)) && !goOn) {
    return waiting(`${settled} of ${members.length} settled`);
  }
  const missing = new Set(left);
  return decideEnd(
    progress,
    options,
    members.filter((member) => !missing.has(member)),
  );
};
